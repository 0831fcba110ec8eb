#!/usr/bin/env bash
# Runs fuzz targets for FUZZ_SECONDS each (60), starting from the kept corpus and growing it in build/. Usage: scripts/fuzz.sh [name…]
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${FUZZ_SECONDS:-60}
if [ ! -d build/fuzz/bin ] || [ $# -eq 0 ]; then cmake --preset fuzz >/dev/null && cmake --build build/fuzz --parallel "$(nproc)" --target fuzzers; fi
names=("$@")
if [ ${#names[@]} -eq 0 ]; then for t in build/fuzz/bin/*_fuzz; do names+=("$(basename "$t" _fuzz)"); done; fi
for name in "${names[@]}"; do
  mkdir -p "build/corpus/$name" "build/findings/$name"
  kept=tests/fuzz/corpus/$name
  [ -d "$kept" ] || kept=
  echo "fuzzing $name for $seconds s"
  build/fuzz/bin/"${name}"_fuzz "build/corpus/$name" $kept -max_total_time="$seconds" -timeout=20 -rss_limit_mb=4096 -print_final_stats=1 \
    -artifact_prefix="build/findings/$name/"
done
