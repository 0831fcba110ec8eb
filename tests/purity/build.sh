#!/bin/bash
# Proves that the rules of the chain are pure: compiles them for wasm32 with nothing but a C++ library. No exceptions, no threads, no
# files, no clock, no randomness; what is left undefined must be the host's cryptography and certificate parsing, or the C and C++ library.
# Usage: tests/purity/build.sh [OUTPUT FOLDER]     Needs clang-19, libc++-19-dev-wasm32, wasi-libc, llvm-nm-19.
set -euo pipefail
cd "$(dirname "$0")/../.."
out=${1:-build/purity}
mkdir -p "$out"
nm=$(command -v llvm-nm-19 || echo /usr/lib/llvm-19/bin/llvm-nm)

sources=$(ls lib/base/base/*.cpp lib/scale/scale/*.cpp lib/crypto/crypto/wasm_host.cpp lib/trie/trie/*.cpp lib/primitives/primitives/*.cpp lib/attest/attest/*.cpp pallets/*/*.cpp runtime/runtime/*.cpp |
          grep -vE '_(test|benchmark)\.cpp$|_openssl\.cpp$|_json\.cpp$')
includes=(-Ilib/base -Ilib/scale -Ilib/crypto -Ilib/trie -Ilib/primitives -Ilib/metadata -Ilib/attest -Ipallets -Iruntime)
flags=(--target=wasm32-wasi -std=gnu++2b -stdlib=libc++ -Os -fno-exceptions -fno-threadsafe-statics -ffunction-sections -Wall -Wno-gnu-statement-expression)

failed=0
for source in $sources; do
  object="$out/$(tr / _ <<< "${source%.cpp}").o"
  # a folder of ours, so that an unchanged source need not be compiled again; headers count through the newest of them
  if [ "$object" -nt "$source" ] && [ -z "$(find lib pallets runtime -name '*.hpp' -newer "$object" -print -quit)" ]; then continue; fi
  clang++-19 "${flags[@]}" "${includes[@]}" -c "$source" -o "$object" || { echo "not pure: $source" >&2; failed=1; }
done
[ $failed = 0 ] || exit 1

# What the whole needs and does not define itself.
"$nm" --defined-only --format=just-symbols "$out"/*.o | sort -u > "$out/defined"
"$nm" --undefined-only --format=just-symbols "$out"/*.o | sort -u > "$out/wanted"
comm -13 "$out/defined" "$out/wanted" | c++filt > "$out/imports"
allowed='^(host_[a-z0-9_]+$|std::|operator (new|delete)|__cxa_|__assert|__stack_chk|__(multi|udivti|umodti|ashlti|lshrti|ashrti)3$|__indirect_function_table|__stack_pointer|__linear_memory|__memory_base|abort$|mem(cmp|cpy|move|set|chr)$|strlen$|vtable for |typeinfo for |__dso_handle$|__libcpp_|.*__cxxabi)'
if foreign=$(grep -vE "$allowed" "$out/imports"); then
  echo "not pure: the rules want these from outside:" >&2
  echo "$foreign" >&2
  exit 1
fi
echo "pure: $(wc -w <<< "$sources") sources; the host must provide $(grep -c '^host_' "$out/imports") functions:"
grep '^host_' "$out/imports" | sed 's/^/  /'
