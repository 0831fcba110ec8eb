#!/usr/bin/env bash
# Builds the benchmarks and runs them beside their peers. Arguments go to tests/bench/run.py (--only, --rounds, --no-peers).
set -euo pipefail
cd "$(dirname "$0")/.."
cmake --preset release -DPHALA_BENCHMARKS=ON >/dev/null
cmake --build build/release --parallel "$(nproc)"
exec python3 tests/bench/run.py "$@"
