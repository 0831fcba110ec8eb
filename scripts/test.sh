#!/usr/bin/env bash
# The tests, one suite after the other; a failing suite does not hide the next. Ends with "N passed, N failed".
# Usage: scripts/test.sh [suite…]   suites: unit contracts purity sim e2e (these when none is named), fuzz
set -uo pipefail
cd "$(dirname "$0")/.."
jobs=$(nproc)
fuzz_seconds=${FUZZ_SECONDS:-60}
export FUZZ_SECONDS=$fuzz_seconds
passed=0 failed=0 failures=()
suites=("$@")
[ ${#suites[@]} -gt 0 ] || suites=(unit contracts purity sim e2e)
mkdir -p build

# run NAME COMMAND…: output goes to a log that is shown only when the command fails
run() {
  local name=$1 log=build/test-${1//[^a-z0-9-]/-}.log start=$SECONDS
  shift
  if "$@" >"$log" 2>&1; then
    passed=$((passed + 1))
    printf 'ok    %-34s %4d s\n' "$name" $((SECONDS - start))
  else
    failed=$((failed + 1))
    failures+=("$name")
    printf 'FAIL  %-34s %4d s\n' "$name" $((SECONDS - start))
    tail -n 60 "$log" | sed 's/^/      /'
  fi
}
has() { [[ " ${suites[*]} " == *" $1 "* ]]; }
configure() { cmake --preset "$1" && cmake --build "build/$1" --parallel "$jobs" "${@:2}"; }
npm_test() { (cd "tests/e2e/$1" && npm install --no-audit --no-fund --loglevel=error && npm test); }

run "build" configure release
if [ "$failed" -gt 0 ]; then
  echo "the build failed; nothing else can run"
  echo "$passed passed, $failed failed"
  exit 1
fi
if has unit; then
  for test in build/release/bin/*_test; do run "unit-$(basename "$test" _test)" "$test" --gtest_brief=1; done
fi
if has contracts; then run "contracts" tests/contracts/check.sh build/release; fi
if has purity; then run "purity-wasm32" tests/purity/build.sh build/purity; fi
if has sim; then run "simulated-network" tests/sim/run.sh; fi
if has fuzz; then
  run "build-fuzz" configure fuzz --target fuzzers
  for target in build/fuzz/bin/*_fuzz; do [ -x "$target" ] && run "fuzz-$(basename "$target" _fuzz)" scripts/fuzz.sh "$(basename "$target" _fuzz)"; done
fi
if has e2e; then
  for project in tests/e2e/*/package.json; do project=$(basename "$(dirname "$project")"); run "e2e-$project" npm_test "$project"; done
fi

[ "$failed" -eq 0 ] || echo "failed: ${failures[*]} (logs in build/test-*.log)"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
