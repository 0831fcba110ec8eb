#!/usr/bin/env bash
# The tests. After the build, jobs run side by side on as many lanes as there are processors (two at least); a failing job does not hide the others, and one that
# hangs fails when its time is up. Each job's output is in build/test-NAME.log and is shown when it fails. Ends with "N passed, N failed".
# Usage: scripts/test.sh [suite…]   all of them when none is named:
#   unit       every room's own tests
#   e2e        the published clients against a whole network
#   contracts  ink! and C++ contracts
#   purity     lib, pallets, runtime for wasm32
#   sim        the network under 1,000 seeds
#   fuzz       each target for FUZZ_SECONDS (60)
#   sanitize   unit tests of lib and worker under address and undefined-behaviour sanitizers, of what has threads under the thread sanitizer
#   compiler   g++ 12 reads lib, pallets and runtime
set -uo pipefail
cd "$(dirname "$0")/.."
cores=$(nproc)
lanes=$((cores > 2 ? cores : 2))
half=$(((cores + 1) / 2))   # what a job that can use many processors takes beside another
export FUZZ_SECONDS=${FUZZ_SECONDS:-60}
suites=("$@")
[ ${#suites[@]} -gt 0 ] || suites=(unit e2e contracts purity sim fuzz sanitize compiler)
in_two_gibibytes() { (ulimit -v 2097152 && "$@"); }
has() { [[ " ${suites[*]} " == *" $1 "* ]]; }
mkdir -p build
began=$SECONDS passed=0 failed=0 failures=()

# ---- jobs ----------------------------------------------------------------------------------------------------------------
names=()
declare -A limit needs command state started name_of sleepy
# add NAME LIMIT_S NEEDS COMMAND…    NEEDS: a job that must have passed before, or -
add() {
  names+=("$1")
  limit[$1]=$2 needs[$1]=$3 state[$1]=waiting command[$1]=$(printf '%q ' "${@:4}")
}

# report NAME STATUS
report() {
  local log=build/test-$1.log seconds=$((SECONDS - started[$1]))
  if [ "$2" = 0 ]; then
    state[$1]=passed passed=$((passed + 1))
    printf 'ok    %-34s %4d s\n' "$1" $seconds
    return
  fi
  state[$1]=failed failed=$((failed + 1)) failures+=("$1")
  printf 'FAIL  %-34s %4d s\n' "$1" $seconds
  if [ "$2" = 124 ] || [ "$2" = 137 ]; then echo "      not done after ${limit[$1]} s"; fi
  tail -n 60 "$log" | sed 's/^/      /'
}

# Within run_all. A sleepy job takes no lane.
start() {
  started[$1]=$SECONDS state[$1]=running running=$((running + 1))
  [ -n "${sleepy[$1]:-}" ] || busy=$((busy + 1))
  timeout -k 10 "${limit[$1]}" bash -c "${command[$1]}" >"build/test-$1.log" 2>&1 </dev/null &
  name_of[$!]=$1
}

# The next job in line whose need has passed and that has a lane.
next_job() {
  local name need
  for name in "${names[@]}"; do
    [ "${state[$name]}" = waiting ] || continue
    [ $busy -lt $lanes ] || [ -n "${sleepy[$name]:-}" ] || continue
    need=${needs[$name]}
    if [ "$need" = - ] || [ "${state[$need]}" = passed ]; then
      next=$name
      return 0
    fi
    [ "${state[$need]}" = failed ] || continue
    echo "not run: it needs $need" >"build/test-$name.log"
    started[$name]=$SECONDS
    report "$name" 1
  done
  return 1
}

run_all() {
  local running=0 busy=0 pid status next
  while :; do
    while next_job; do start "$next"; done
    [ $running -gt 0 ] || break
    wait -n -p pid
    status=$?
    [ -n "${pid:-}" ] || continue
    running=$((running - 1))
    [ -n "${sleepy[${name_of[$pid]}]:-}" ] || busy=$((busy - 1))
    report "${name_of[$pid]}" $status
  done
}
trap 'kill $(jobs -p) 2>/dev/null; exit 130' INT TERM

finish() {
  [ "$failed" -eq 0 ] || echo "failed: ${failures[*]} (logs in build/test-*.log)"
  echo "took $(((SECONDS - began) / 60)) min $(((SECONDS - began) % 60)) s"
  echo "$passed passed, $failed failed"
  [ "$failed" -eq 0 ]
  exit
}

# configure PRESET JOBS OPTION… -- TARGET…: as fresh as the sources, or not at all
configure() {
  local preset=$1 jobs=$2 options=()
  shift 2
  while [ "$1" != -- ]; do options+=("$1"); shift; done
  shift
  cmake --preset "$preset" ${options[@]+"${options[@]}"} && nice -n 10 cmake --build "build/$preset" --parallel "$jobs" ${1:+--target "$@"}
}
# Exactly what the lock file says; again only when it changed.
npm_install() {
  local sum
  sum=$(cat package.json package-lock.json | sha256sum)
  [ "$(cat node_modules/.installed 2>/dev/null)" = "$sum" ] || { npm ci --no-audit --no-fund --loglevel=error && mkdir -p node_modules && echo "$sum" >node_modules/.installed; }
}
e2e() { cd "tests/e2e/$1" && node --test --test-reporter=spec "$2"; }
export -f configure npm_install e2e in_two_gibibytes

# ---- what is run, in this order as lanes get free: quick answers first, then what is long or waited for ----------------------
# what measures is built too, or it would rot between two measurements
add build 3600 - configure release "$cores" -DPHALA_BENCHMARKS=ON -- all benchmarks
run_all
[ "${state[build]}" = passed ] || { echo "the build failed; nothing else can run"; finish; }

# as the build lists them: a folder may hold programs of another day
if has unit; then
  for room in $(ctest --test-dir build/release -N | sed -n 's/^ *Test *#[0-9]*: //p'); do add "unit-${room#phala_}" 600 - ctest --test-dir build/release --tests-regex "^$room\$" --output-on-failure; done
  add engine-in-2-gib 600 - in_two_gibibytes build/release/bin/phala_engine_test --gtest_brief=1
fi
sanitized=()
! has sanitize || sanitized=(lib_tests worker_tests)
! has fuzz || sanitized+=(fuzzers)
if [ ${#sanitized[@]} -gt 0 ]; then add build-asan 3600 - configure fuzz $half -- "${sanitized[@]}"; fi
threaded=(phala_http phala_tasks phala_pool phala_rpc phala_worker_api)
if has e2e; then
  for project in tests/e2e/*/package.json; do
    project=$(basename "$(dirname "$project")")
    add "npm-$project" 600 - bash -c "cd tests/e2e/$project && npm_install"
    for file in tests/e2e/"$project"/*.test.mjs; do
      name=e2e-$project-$(basename "$file" .test.mjs)
      add "$name" 900 "npm-$project" e2e "$project" "$(basename "$file")"
      [[ $name != *-kill ]] || sleepy[$name]=yes   # waits for blocks most of the time
    done
  done
  add e2e-polkadot-api-metadata 120 npm-polkadot-api bash -c "cd tests/e2e/polkadot-api && node ../../golden/metadata/check.mjs ."
fi
if has sanitize; then add build-tsan 3600 - configure tsan $half -- "${threaded[@]/%/_test}"; fi
if has sim; then add simulated-network 1800 - tests/sim/run.sh; fi
if has contracts; then add contracts 1800 - tests/contracts/check.sh build/release; fi
if has purity; then add purity-wasm32 1200 - tests/purity/build.sh build/purity; fi
if has compiler; then add second-compiler 1200 - scripts/second-compiler.sh build/release; fi
# tests_of PRESET: "name folder program" of each, as the build lists them
tests_of() {
  ctest --test-dir "build/$1" --show-only=json-v1 2>/dev/null | python3 -c '
import json, os, sys
for test in json.load(sys.stdin)["tests"]:
    folder = next(p["value"] for p in test["properties"] if p["name"] == "WORKING_DIRECTORY")
    print(test["name"].removeprefix("phala_"), os.path.relpath(folder, sys.argv[1]), os.path.relpath(test.get("command", ["not-built"])[0]))' "build/$1"
}
mapfile -t rooms < <(tests_of release)
! has sanitize || [ ${#rooms[@]} -gt 20 ] || { echo "the build lists only ${#rooms[@]} tests"; failed=$((failed + 1)); finish; }
if has sanitize; then
  # the same rooms, so the same list; these programs come with their build
  while read -r name folder program; do
    if [[ $folder == lib/* || $folder == worker/* ]]; then add "asan-$name" 900 build-asan "${program/build\/release/build/fuzz}" --gtest_brief=1; fi
    if [[ " ${threaded[*]} " == *" phala_$name "* ]]; then add "tsan-$name" 900 build-tsan "${program/build\/release/build/tsan}" --gtest_brief=1; fi
  done < <(printf '%s\n' "${rooms[@]}")
fi
if has fuzz; then
  for target in $(scripts/fuzz.sh --list); do add "fuzz-$target" $((FUZZ_SECONDS + 300)) build-asan scripts/fuzz.sh --built "$target"; done
fi
run_all
finish
