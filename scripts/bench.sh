#!/usr/bin/env bash
# Builds what measures and what is measured, then runs it beside the peers. Arguments go to tests/bench/run.py (--only, --rounds, --no-peers; --help tells).
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p build
echo "building (build/bench.build.log)" >&2
{ cmake --preset release -DPHALA_BENCHMARKS=ON && cmake --build build/release --parallel "$(nproc)" --target benchmarks; } >build/bench.build.log 2>&1 ||
  { tail -n 40 build/bench.build.log >&2; exit 1; }
exec python3 tests/bench/run.py "$@"
