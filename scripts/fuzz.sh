#!/usr/bin/env bash
# Fuzzing under address and undefined-behaviour sanitizers. Every target starts from the kept corpus (tests/fuzz/corpus) and grows it in build/corpus.
# A finding fails its target, never hides another, and is printed with the command that replays it.
# Usage: scripts/fuzz.sh [name…]          builds, then runs each target for FUZZ_SECONDS (60), FUZZ_LANES (all processors) at a time
#        scripts/fuzz.sh --merge [name…]  builds, then folds seeds and build/corpus into the kept corpus: the least that covers as much
#        scripts/fuzz.sh --list           names of the targets
#        scripts/fuzz.sh --built name     runs one target that was just built
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${FUZZ_SECONDS:-60}
bin=build/fuzz/bin
options=tests/fuzz/options.txt

list() { for source in tests/fuzz/*_fuzz.cpp; do basename "$source" _fuzz.cpp; done; }

# What is in the folder may be of another day: only what this run built counts.
build() { cmake --preset fuzz >/dev/null && cmake --build build/fuzz --parallel "$(nproc)" --target fuzzers; }

# The target's own options: its longest input, and its dictionary where it has one.
flags_of() {
  sed -n "s/^$1 //p" "$options"
  [ ! -f "tests/fuzz/dictionaries/$1.dict" ] || echo "-dict=tests/fuzz/dictionaries/$1.dict"
}

run_one() {
  local name=$1 log=build/fuzz-$1.log status=0 input
  mkdir -p "build/corpus/$name" "build/findings/$name"
  # shellcheck disable=SC2046
  timeout -k 10 $((seconds + 240)) "$bin/${name}_fuzz" "build/corpus/$name" "tests/fuzz/corpus/$name" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=4096 \
    -print_final_stats=1 -artifact_prefix="build/findings/$name/" $(flags_of "$name") >"$log" 2>&1 || status=$?
  if [ $status = 0 ]; then
    echo "fuzz $name: no finding in $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") runs, $(grep -oE 'cov: [0-9]+' "$log" | tail -n 1)"
    return
  fi
  tail -n 40 "$log"
  echo "fuzz $name: FAILED (status $status; all of it is in $log)"
  sed -n 's/.*Test unit written to //p' "$log" | while read -r input; do
    echo "fuzz $name: finding $input"
    echo "fuzz $name: replay  $bin/${name}_fuzz $input"
  done
  return 1
}

merge_one() {
  local name=$1 kept=tests/fuzz/corpus/$1 fresh=build/merge/$1
  rm -rf "$fresh"
  mkdir -p "$fresh" "build/corpus/$name" "build/seeds/$name" "$kept"
  # edges only: how often one was taken multiplies the files without reaching anything new
  # shellcheck disable=SC2046
  "$bin/${name}_fuzz" -set_cover_merge=1 -use_counters=0 -timeout=20 -rss_limit_mb=4096 $(flags_of "$name") "$fresh" "build/seeds/$name" "$kept" "build/corpus/$name" \
    >"build/merge-$name.log" 2>&1 || { tail -n 40 "build/merge-$name.log"; return 1; }
  rm -rf "$kept"
  mv "$fresh" "$kept"
  echo "corpus $name: $(ls "$kept" | wc -l) inputs, $(du -sb "$kept" | cut -f1) bytes"
}

case ${1:-} in
  --list) list; exit ;;
  --built) run_one "$2"; exit ;;
  --merge-built) merge_one "$2"; exit ;;
esac
mode=--built
if [ "${1:-}" = --merge ]; then mode=--merge-built; shift; fi
names=("$@")
[ ${#names[@]} -gt 0 ] || mapfile -t names < <(list)
build
[ $mode = --built ] || rm -rf build/seeds
[ $mode = --built ] || "$bin/fuzz_seeds" build/seeds
printf '%s\n' "${names[@]}" | xargs -P "${FUZZ_LANES:-$(nproc)}" -n 1 scripts/fuzz.sh "$mode"
