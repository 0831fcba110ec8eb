#!/usr/bin/env bash
# The simulated network under 1,000 seeds (SIM_SEEDS), against the release build. A failing seed is replayed by
#   build/release/bin/phala-sim build/release/contracts/system.wasm tests/golden/contracts/flipper.contract --first SEED --seeds 1
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${PHALA_BUILD:-build/release}
exec "$build/bin/phala-sim" "$build/contracts/system.wasm" tests/golden/contracts/flipper.contract --seeds "${SIM_SEEDS:-1000}"
