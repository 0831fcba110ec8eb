#!/usr/bin/env bash
# Installs what building and running needs, on Debian 12. Safe to repeat: asks dpkg first, installs only what is missing,
# never removes a package. Usage: scripts/setup.sh [build|test|all] [--check]
#   build  what `make run` needs        test  what `make test` needs on top        --check  only say what is missing (exit 1 if anything)
set -euo pipefail

want=${1:-build}
check=no
[ "${2:-}" = --check ] && check=yes

# This list is the one place where a dependency is named; docs/adr/0001-dependencies.md says why each was chosen.
build_packages=(
  clang-19 lld-19 llvm-19 cmake ninja-build ccache pkg-config git ca-certificates libstdc++-12-dev
  librocksdb-dev libssl-dev libsecp256k1-dev libxxhash-dev libcurl4-openssl-dev
  libprotobuf-dev protobuf-compiler nlohmann-json3-dev libtomlplusplus-dev libcli11-dev libspdlog-dev libfmt-dev libgtest-dev
  libjsmn-dev libc++-19-dev-wasm32 libc++abi-19-dev-wasm32 libclang-rt-19-dev-wasm32 binaryen wabt python3
)
test_packages=(clang-format-19 libclang-rt-19-dev libbenchmark-dev g++-12 gdb curl wrk)

say() { printf '%s\n' "setup: $*"; }
die() { printf '%s\n' "setup: $*" >&2; exit 1; }
installed() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

packages=("${build_packages[@]}")
[ "$want" = build ] || packages+=("${test_packages[@]}")

# Rust 1.95 or newer, from wherever it is; otherwise Debian's own package of a current compiler.
rust_ok() {
  local v
  v=$("${1:-cargo}" --version 2>/dev/null | sed -n 's/^cargo 1\.\([0-9]*\).*/\1/p')
  [ -n "$v" ] && [ "$v" -ge 95 ]
}
rust_ok cargo || packages+=(cargo-web rustc-web)
# ink! contracts are built for wasm32 from Rust's own sources, which only Debian's package carries here.
[ "$want" = build ] || packages+=(rustc-web cargo-web rust-web-src)
# The published JavaScript clients need Node 18 or newer.
if [ "$want" != build ]; then
  node_major=$(node --version 2>/dev/null | sed -n 's/^v\([0-9]*\).*/\1/p')
  [ -n "$node_major" ] && [ "$node_major" -ge 18 ] && command -v npm >/dev/null || packages+=(nodejs npm)
fi

missing=()
for p in "${packages[@]}"; do installed "$p" || missing+=("$p"); done

cache=${PHALA_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/phala}
boost_present() { installed libboost1.81-dev || [ -f "$cache/boost-1.81/include/boost/version.hpp" ]; }
boost_present || missing+=(libboost1.81-dev)

if [ ${#missing[@]} -eq 0 ]; then say "everything is here"; exit 0; fi
say "missing: ${missing[*]}"
[ "$check" = yes ] && exit 1

[ -f /etc/debian_version ] || die "this script knows Debian 12 only; install the equivalents of the packages above, then run make again"
command -v apt-get >/dev/null || die "apt-get is not here; install the packages above by hand, then run make again"
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || die "needs root to install packages; run: su -c 'scripts/setup.sh $want'"
  as_root=(sudo)
fi
free_mb=$(df -Pm "$(dirname "$cache")" 2>/dev/null | awk 'NR==2{print $4}' || true)
[ -z "$free_mb" ] || [ "$free_mb" -ge 4000 ] || die "only ${free_mb} MB are free where $cache lives; building needs about 4000"

say "updating the package lists"
"${as_root[@]}" apt-get update -qq || die "apt-get update failed; check the network and /etc/apt/sources.list"

# Boost 1.81 conflicts with packages that pull in 1.74's headers. Nothing is removed for it: its headers go to the cache instead.
plan=$("${as_root[@]}" apt-get install --no-install-recommends -s "${missing[@]}" 2>&1) || plan="$plan
Remv unsatisfiable"
if grep -q '^Remv' <<<"$plan"; then
  say "Boost 1.81 would displace installed packages: unpacking its headers into $cache instead"
  rest=()
  for p in "${missing[@]}"; do [ "$p" = libboost1.81-dev ] || rest+=("$p"); done
  missing=(${rest[@]+"${rest[@]}"})
  mkdir -p "$cache/boost-1.81"
  tmp=$(mktemp -d)
  (cd "$tmp" && chmod 755 . && apt-get download -qq libboost1.81-dev && dpkg -x libboost1.81-dev*.deb x)
  rm -rf "$cache/boost-1.81/include"
  mv "$tmp/x/usr/include" "$cache/boost-1.81/include"
  rm -rf "$tmp"
fi
if [ ${#missing[@]} -gt 0 ]; then
  say "installing ${#missing[@]} packages (a few minutes the first time)"
  log=$(mktemp)
  if ! DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y --no-install-recommends --no-remove -o Dpkg::Use-Pty=0 "${missing[@]}" 2>&1 |
      tee "$log" | awk '/^Setting up/{printf "\rsetup: %d set up: %-40.40s", ++n, $3; fflush()} END{print ""}'; then
    tail -n 20 "$log" >&2
    die "installing failed; the last lines above say why. Nothing was removed; running this again continues"
  fi
fi
say "done"
