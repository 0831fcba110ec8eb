#!/usr/bin/env bash
# Installs what building and running needs, on Debian 12. Safe to repeat: asks dpkg first, installs only what is missing,
# never removes a package. Usage: scripts/setup.sh [build|sanitize|format|all] [--check]
#   build     what `make run` needs                  sanitize  what the presets asan, tsan and fuzz need on top
#   format    what `make format` needs, that alone   all       what `make test` needs
#   --check   only say what is missing (exit 1 if anything)
set -euo pipefail

say() { printf '%s\n' "setup: $*"; }
die() { printf '%s\n' "setup: $*" >&2; exit 1; }
installed() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

want=${1:-build}
check=${2:-}
case $want in build | sanitize | format | all) ;; *) die "unknown purpose '$want': build, sanitize, format or all" ;; esac

# This list is the one place where a dependency is named; docs/adr/0001-dependencies.md says why each was chosen.
build_packages=(
  clang-19 lld-19 llvm-19 cmake ninja-build ccache pkg-config git ca-certificates libstdc++-12-dev
  librocksdb-dev libssl-dev libsecp256k1-dev libxxhash-dev libcurl4-openssl-dev
  libprotobuf-dev protobuf-compiler nlohmann-json3-dev libtomlplusplus-dev libcli11-dev libspdlog-dev libfmt-dev libgtest-dev
  libjsmn-dev libc++-19-dev-wasm32 libc++abi-19-dev-wasm32 libclang-rt-19-dev-wasm32 binaryen wabt python3
)
sanitize_packages=(libclang-rt-19-dev)
format_packages=(clang-format-19 git)
test_packages=(libbenchmark-dev g++-12 gdb curl procps wrk)
boost=(libboost1.81-dev)
rust=(rustc-web cargo-web)
rust_with_sources=(rustc-web cargo-web rust-web-src)   # ink! contracts are built for wasm32 from Rust's own sources

# Where heavy things are kept between clones: the same rule as in cmake/PhalaCache.cmake.
cache=${PHALA_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/phala}

# Rust 1.95 or newer, from wherever it is.
rust_ok() {
  local v
  v=$(cargo --version 2>/dev/null | sed -n 's/^cargo 1\.\([0-9]*\).*/\1/p')
  [ -n "$v" ] && [ "$v" -ge 95 ]
}
# The published JavaScript clients need Node 18 or newer.
node_ok() {
  local v
  v=$(node --version 2>/dev/null | sed -n 's/^v\([0-9]*\).*/\1/p')
  [ -n "$v" ] && [ "$v" -ge 18 ] && command -v npm >/dev/null
}

packages=()
[ "$want" = format ] && packages+=("${format_packages[@]}") || packages+=("${build_packages[@]}")
case $want in
  sanitize) packages+=("${sanitize_packages[@]}") ;;
  all)
    packages+=("${sanitize_packages[@]}" "${format_packages[@]}" "${test_packages[@]}")
    node_ok || packages+=(nodejs npm)
    ;;
esac
missing=()
add_missing() {
  local p
  for p in "$@"; do installed "$p" || [[ " ${missing[*]-} " == *" $p "* ]] || missing+=("$p"); done
}
add_missing "${packages[@]}"
if [ "$want" != format ]; then
  [ -f "$cache/boost-1.81/include/boost/version.hpp" ] || add_missing "${boost[@]}"
  if [ ! -x "$cache/rust-web/bin/cargo" ]; then
    rust_ok || add_missing "${rust[@]}"
    [ "$want" = all ] && add_missing "${rust_with_sources[@]}"
  fi
fi

if [ ${#missing[@]} -eq 0 ]; then say "everything is here"; exit 0; fi
say "missing: ${missing[*]}"
[ "$check" = --check ] && exit 1

system=$(. /etc/os-release 2>/dev/null && printf '%s %s' "${ID:-?}" "${VERSION_ID:-?}") || system="an unknown system"
[ "$system" = "debian 12" ] || die "this is $system, and this script knows Debian 12 only; install the equivalents of the packages above, then run make again"
command -v apt-get >/dev/null || die "apt-get is not here; install the packages above by hand, then run make again"
apt=(env DEBIAN_FRONTEND=noninteractive apt-get)   # sudo forgets the environment, so it is said behind it
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || die "needs root to install packages; run: su -c 'scripts/setup.sh $want'"
  apt=(sudo "${apt[@]}")
fi

# The cache may not exist yet; its nearest folder that does lies on the same disk.
above=$cache
while [ ! -e "$above" ]; do above=$(dirname "$above"); done
free_mb=$(df -Pm "$above" | sed -n '2s/^[^ ]* *[0-9]* *[0-9]* *\([0-9]*\).*/\1/p')
[ -z "$free_mb" ] || [ "$free_mb" -ge 4000 ] || die "only $free_mb MB are free where $cache lives; building needs about 4000. Free some, or set PHALA_CACHE to a folder on another disk"

say "updating the package lists"
"${apt[@]}" update -qq || die "apt-get update failed; check the network and /etc/apt/sources.list"

if [[ " ${missing[*]} " == *" rustc-web "* ]]; then
  offered=$(apt-cache show --no-all-versions rustc-web 2>/dev/null | sed -n 's/^Version: 1\.\([0-9]*\).*/\1/p')
  [ "${offered:-0}" -ge 95 ] || die "the archives offer rustc-web 1.${offered:-?}, and 1.95 is needed: the newer one is in bookworm-security (main); add it to /etc/apt/sources.list, or install a current Rust with rustup"
fi

without() {   # without "a b" c…: the words c that are not among a b
  local drop=" $1 " p
  shift
  for p in "$@"; do [[ $drop == *" $p "* ]] || printf '%s\n' "$p"; done
}
# fits PACKAGE…: they can be installed and nothing would be removed. What apt says stays in $plan.
fits() {
  [ $# -eq 0 ] || { plan=$("${apt[@]}" install --no-install-recommends -s "$@" 2>&1) && ! grep -q '^Remv' <<<"$plan"; }
}
explain_failure() {
  local first
  first=$(grep -m1 '^E:' <<<"$plan" || true)
  if grep -q '^Remv' <<<"$plan"; then
    die "installing would remove $(sed -n 's/^Remv \([^ ]*\).*/\1/p' <<<"$plan" | tr '\n' ' ')- and this script removes nothing. Remove them yourself if you can do without, then run this again"
  fi
  case $first in
    *"Unable to locate package"*) die "$first. Debian 12's archives main and bookworm-security must be in /etc/apt/sources.list" ;;
    *"held broken"*) die "$first
$(grep -A4 'unmet dependencies' <<<"$plan" || true)
Try: apt-get --fix-broken install; apt-mark showhold names packages that were held back" ;;
    *) die "apt-get cannot install these packages: ${first:-$(tail -n 3 <<<"$plan")}" ;;
  esac
}
# unpack NAME PACKAGE…: the files of packages under $cache/NAME without installing them, whole or not at all.
unpack() {
  local name=$1 work
  shift
  mkdir -p "$cache"
  work=$(mktemp -d "$cache/.$name-XXXXXX")
  if ! (cd "$work" && apt-get download "$@" && for deb in *.deb; do dpkg -x "$deb" x; done) >"$work/log" 2>&1; then
    tail -n 5 "$work/log" >&2
    rm -rf "$work"
    die "fetching $* failed; the lines above say why"
  fi
  if [ "$name" = rust-web ]; then
    mv "$work/x/usr/bin" "$work/x/usr/programs"   # they find their libraries only when told where
    mkdir "$work/x/usr/bin"
    for program in cargo rustc rustdoc; do
      # shellcheck disable=SC2016
      printf '#!/bin/sh\nhere=$(dirname "$(readlink -f "$0")")/..\nLD_LIBRARY_PATH=$(echo "$here"/lib/*-linux-gnu)${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} exec "$here/programs/%s" "$@"\n' $program >"$work/x/usr/bin/$program"
      chmod 755 "$work/x/usr/bin/$program"
    done
  fi
  rm -rf "${cache:?}/$name"
  mv "$work/x/usr" "$cache/$name"
  rm -rf "$work"
}

# Boost 1.81 conflicts with packages that pull in 1.74's headers, Debian's current Rust with its old one and with rustup. Nothing is
# removed for them: where they do not fit, their files go to the cache instead.
aside=()
if ! fits "${missing[@]}"; then
  found=no
  for drop in "${boost[*]}" "${rust_with_sources[*]}" "${boost[*]} ${rust_with_sources[*]}"; do
    mapfile -t rest < <(without "$drop" "${missing[@]}")
    [ ${#rest[@]} -lt ${#missing[@]} ] && fits ${rest[@]+"${rest[@]}"} || continue
    mapfile -t aside < <(without "${rest[*]-}" "${missing[@]}")
    missing=(${rest[@]+"${rest[@]}"})
    found=yes
    break
  done
  if [ $found = no ]; then
    fits "${missing[@]}" || true   # its words, not those of the last attempt
    explain_failure
  fi
fi
if [[ " ${aside[*]-} " == *" ${boost[0]} "* ]]; then
  say "Boost 1.81 would displace installed packages: unpacking its headers into $cache/boost-1.81 instead"
  unpack boost-1.81 "${boost[@]}"
fi
if [[ " ${aside[*]-} " == *"-web"* ]]; then
  say "the installed Rust stands in the way of a current one: unpacking that into $cache/rust-web instead"
  depends() { apt-cache depends --no-recommends --no-suggests "$@" | sed -n 's/^ *Depends: \([a-z0-9][^ ]*\)$/\1/p' | sort -u; }
  rust_whole=("${rust_with_sources[@]}" libstd-rust-web-dev $(depends libstd-rust-web-dev | grep '^libstd-rust-web-'))
  unpack rust-web "${rust_whole[@]}"
  # what those packages would have brought
  add_missing $(depends "${rust_whole[@]}" | grep -v -e rust -e cargo)
fi

progress() {   # a line that changes on a terminal, lines of their own elsewhere
  local fetched=0 set_up=0 line text end=$'\n' begin=
  [ -t 1 ] && { begin=$'\r'; end=; }
  while IFS= read -r line; do
    printf '%s\n' "$line" >>"$1"
    case $line in
      Get:*) fetched=$((fetched + 1)); text="fetched $fetched: $(cut -d' ' -f5 <<<"$line")" ;;
      "Setting up "*) set_up=$((set_up + 1)); text="$set_up set up: $(cut -d' ' -f3 <<<"$line")" ;;
      *) continue ;;
    esac
    printf "$begin%-72.72s$end" "setup: $text"
  done
  [ -t 1 ] && printf '\n' || true
}
if [ ${#missing[@]} -gt 0 ]; then
  say "installing ${#missing[@]} packages and what they need (a few minutes the first time)"
  log=$(mktemp)
  if ! "${apt[@]}" install -y --no-install-recommends --no-remove -o Dpkg::Use-Pty=0 "${missing[@]}" 2>&1 | progress "$log"; then
    tail -n 20 "$log" >&2
    die "installing failed; the last lines above say why. Nothing was removed; running this again continues"
  fi
  rm -f "$log"
fi
say "done"
