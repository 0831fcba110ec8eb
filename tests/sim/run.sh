#!/usr/bin/env bash
# The simulated network under 1,000 seeds (SIM_SEEDS), against the release build. All of it twice, in two processes beside each other: the same seed must end at
# the same roots in both. Three seeds, with a system contract that never changes, must end where tests/golden/sim/roots.txt says. A failing seed is replayed by
#   build/release/bin/phala-sim build/release/contracts/system.wasm tests/golden/contracts --first SEED --seeds 1
# Then contract traffic without a pause until block SIM_BLOCKS (300) under SIM_BLOCK_SEEDS (3) seeds: three workers agree after every block. The long run is SIM_BLOCKS=10000.
# Usage: run.sh [--accept]     --accept: the rules of the chain, the gas or the simulation were meant to change; keeps the new roots
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${PHALA_BUILD:-build/release}
contracts=tests/golden/contracts golden=tests/golden/sim/roots.txt
out=build/sim
mkdir -p "$out"

"$build/bin/phala-sim" empty $contracts --seeds 3 --roots "$out/golden"
if [ "${1:-}" = --accept ]; then cp "$out/golden" $golden && echo "kept in $golden"; exit; fi
if ! diff $golden "$out/golden"; then
  echo "a seed no longer ends at its golden roots. When the chain's rules, gas or formats were meant to change: tests/sim/run.sh --accept" >&2
  exit 1
fi

run() {
  "$build/bin/phala-sim" "$build/contracts/system.wasm" $contracts --seeds "${SIM_SEEDS:-1000}" --threads $((($(nproc) + 1) / 2)) --roots "$out/$1" >"$out/$1.log" 2>&1
}
run once & first=$!
run again & second=$!
failed=0
wait $first || failed=1
wait $second || failed=1
cat "$out/once.log"
if ! cmp -s "$out/once" "$out/again"; then
  echo "the same seed ends elsewhere in another process:" >&2
  diff "$out/once" "$out/again" | head -n 20 >&2
  failed=1
fi
"$build/bin/phala-sim" "$build/contracts/system.wasm" $contracts --seeds "${SIM_BLOCK_SEEDS:-3}" --blocks "${SIM_BLOCKS:-300}" --threads $((($(nproc) + 1) / 2)) || failed=1
echo "roots of all: $(sha256sum "$out/once" | cut -c1-16)"
exit $failed
