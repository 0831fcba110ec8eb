#!/bin/bash
# Proves that lib, pallets, runtime and relay/plan are pure: compiles them for wasm32 and links them with nothing but a C and a C++ library. Whatever would reach a clock,
# a file, a random source, an environment, a socket or a thread becomes an import there, or does not link. Twice:
#   rules  what a runtime is made of, with the host's cryptography and certificate parsing: nothing else may be imported
#   lib    all of lib (and what the relay decides) as programs use it: nothing but functions of the libraries that have cryptography and certificates may be imported
# Usage: tests/purity/build.sh [OUTPUT FOLDER]     Needs clang-19, lld-19, libc++-19-dev-wasm32, libc++abi-19-dev-wasm32, libclang-rt-19-dev-wasm32, wabt.
set -euo pipefail
cd "$(dirname "$0")/../.."
out=${1:-build/purity}
jobs=${PHALA_JOBS:-$(nproc)}
tool() { command -v "$1-19" || echo "/usr/lib/llvm-19/bin/$1"; }
nm=$(tool llvm-nm) ld=$(tool wasm-ld)
compile=(clang++-19)
! command -v ccache >/dev/null || compile=(ccache clang++-19)
builtins=$(dirname "$(clang++-19 --target=wasm32-wasi -print-libgcc-file-name)")/libclang_rt.builtins-wasm32.a
[ -f "$builtins" ] || builtins=/usr/lib/llvm-19/lib/clang/19/lib/wasi/libclang_rt.builtins-wasm32.a

all=$(ls lib/*/*/*.cpp pallets/*/*.cpp runtime/runtime/*.cpp relay/plan/plan/*.cpp | grep -vE '_(test|benchmark)\.cpp$|/golden_')
# sources with a library or the host behind them
native='_openssl\.cpp$|_json\.cpp$|^lib/attest/attest/host\.cpp$|^lib/crypto/crypto/|^lib/light/|^lib/metadata/metadata/(value|extrinsic)\.cpp$'
hosted='^lib/(crypto/crypto|attest/attest)/wasm_host\.cpp$'
rules=$(grep -E "$hosted" <<<"$all"; grep -vE "$native|$hosted|^relay/" <<<"$all")
lib=$(grep -E '^(lib|relay)/' <<<"$all" | grep -vE "$hosted")

# only the headers of OpenSSL that lie beside the architecture's
mkdir -p "$out/o" "$out/include"
ln -sfn "/usr/include/$(clang++-19 -print-target-triple | sed 's/-pc-/-/')/openssl" "$out/include/openssl"
flags=(--target=wasm32-wasi -std=gnu++2b -stdlib=libc++ -Os -fno-exceptions -fno-threadsafe-statics -ffunction-sections -Wall -Wno-gnu-statement-expression -Wno-unknown-attributes
       -Ilib/base -Ilib/scale -Ilib/crypto -Ilib/trie -Ilib/primitives -Ilib/metadata -Ilib/attest -Ilib/light -Ipallets -Iruntime -Irelay/plan -Irust
       -isystem tests/purity/include -idirafter "$out/include" -DJSON_NO_IO)
object_of() { echo "$out/o/$(tr / _ <<<"${1%.cpp}").o"; }

# ---- compile -------------------------------------------------------------------------------------------------------------
# An unchanged source is not compiled again; headers count through the newest of them. What lies in the folder from other sources is not looked at.
newest_header=$(find lib pallets runtime relay/plan rust tests/purity -name '*.h*' -printf '%T@ %p\n' | sort -rn | head -n 1 | cut -d' ' -f2-)
for source in $all tests/purity/stops.cpp; do
  object=$(object_of "$source")
  if [ "$object" -nt "$source" ] && [ "$object" -nt "$newest_header" ] && [ "$object" -nt "$0" ]; then continue; fi
  extra=
  # the one adapter that catches a library's exceptions
  ! grep -q 'catch (' "$source" || extra='-fexceptions -fignore-exceptions'
  printf '%s\0' "${compile[*]} ${flags[*]} $extra -c $source -o $object || { rm -f $object; echo 'not pure: $source does not compile for wasm32' >&2; exit 1; }"
done | xargs -0 -r -P "$jobs" -n 1 bash -c || exit 1

# ---- link ----------------------------------------------------------------------------------------------------------------
# link NAME ALLOWED OBJECT…: everything the objects define is kept; undefined symbols that match ALLOWED become imports.
link() {
  local name=$1 allowed=$2
  shift 2
  "$nm" --defined-only --extern-only --format=just-symbols "$@" | grep -vE '^$|:$' | sort -u | sed 's/^/--export=/' >"$out/$name.exports"
  "$nm" --undefined-only --format=just-symbols "$@" | sort -u | grep -E "$allowed" >"$out/$name.allowed" || true
  "$ld" --no-entry --gc-sections --error-limit=0 --allow-undefined-file="$out/$name.allowed" "@$out/$name.exports" "$@" "$(object_of tests/purity/stops.cpp)" \
    -L/usr/lib/wasm32-wasi -lc++ -lc++abi -lc-printscan-long-double -lc "$builtins" -o "$out/$name.wasm" 2>"$out/$name.log" || return 1
  wasm-objdump -x "$out/$name.wasm" >"$out/$name.dump" || return 1
  sed -n 's/^ - func\[[0-9]*\] sig=[0-9]* .*<- //p' "$out/$name.dump" | sort -u >"$out/$name.imports"
}
# prove NAME ALLOWED IMPORTS OBJECT…
prove() {
  local name=$1 allowed=$2 imports=$3 foreign
  shift 3
  if ! link "$name" "$allowed" "$@"; then
    echo "not pure: $name needs what wasm32 does not have:" >&2
    c++filt <"$out/$name.log" | grep 'undefined symbol' | sed 's/.*: undefined/undefined/' | sort -u >&2
    return 1
  fi
  if foreign=$(grep -vE "$imports" "$out/$name.imports"); then
    echo "not pure: $name reaches out of itself:" >&2
    echo "$foreign" >&2
    return 1
  fi
  echo "pure: $name, $# sources; $(wc -l <"$out/$name.imports") imports"
}
objects() { for source in $1; do object_of "$source"; done; }

# The proof itself is tested first: it passes what does nothing, and sees each of these effects.
for effect in 0 1 2 3 4 5 6 7 8; do
  clang++-19 "${flags[@]}" -w -DEFFECT=$effect -c tests/purity/impure.cpp -o "$out/impure.o"
  seen=no
  prove impure '^$' '^$' "$out/impure.o" >/dev/null 2>&1 || seen=yes
  if [ $effect = 0 ] && [ $seen = yes ]; then echo "the proof refuses a function without effects" >&2; exit 1; fi
  if [ $effect != 0 ] && [ $seen = no ]; then echo "the proof does not see effect $effect of tests/purity/impure.cpp" >&2; exit 1; fi
done

failed=0
# shellcheck disable=SC2046
prove rules '^host_' '^phala_(crypto|attest)\.' $(objects "$rules") || failed=1
libraries='^(phala_|secp256k1_|XXH|EVP_|OSSL_|PKCS5_|X509|ASN1_|CRYPTO_free|SHA256|d2i_|i2d_|OBJ_|OPENSSL_|BN_|PEM_|BIO_|ERR_|EC_|ECDSA_|AUTHORITY_KEYID_|BASIC_CONSTRAINTS_|DIST_POINT|CRL_)'
effects='RAND_|_file|_current_time|X509_gmtime|X509_time_adj|fp$'
# shellcheck disable=SC2046
prove lib "$libraries" '^env\.' $(objects "$lib") || failed=1
if grep -E "$effects" "$out/lib.allowed"; then echo "not pure: lib calls these of its libraries" >&2; failed=1; fi
[ $failed = 0 ] || exit 1
echo "the host of the rules must provide:"
sed 's/^/  /' "$out/rules.imports"
