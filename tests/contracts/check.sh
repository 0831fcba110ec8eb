#!/usr/bin/env bash
# Rebuilds the ink! contracts of this folder and compares them with tests/golden/contracts; then loads these, and the contracts the
# build ships, in the published @polkadot/api-contract. Usage: check.sh [BUILD_FOLDER]   (default build/release)
# The code is reproducible with the compiler that the golden file names; with another one only the metadata must agree.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
build=$(realpath "${1:-$root/build/release}")
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

for name in flipper caller fetcher; do "$root/sdk/tool/phala-contract-build" "$here/$name" --out "$out"; done
python3 - "$out" "$root/tests/golden/contracts" <<'PYTHON'
import json, sys
built_folder, golden_folder = sys.argv[1:]
for name in ("flipper", "caller", "fetcher"):
    built, golden = (json.load(open(f"{folder}/{name}.contract", encoding="utf-8")) for folder in (built_folder, golden_folder))
    for part in ("version", "types", "storage", "spec", "contract"):
        if built[part] != golden[part]:
            sys.exit(f"{name}: '{part}' of the metadata differs from the golden file")
    if built["source"]["compiler"] != golden["source"]["compiler"]:
        print(f"{name}: built by {built['source']['compiler']}, the golden file by {golden['source']['compiler']}: code not compared")
    elif built["source"]["hash"] != golden["source"]["hash"]:
        sys.exit(f"{name}: code hash {built['source']['hash']} differs from the golden {golden['source']['hash']}")
    else:
        print(f"{name}: equal to the golden file")
PYTHON

# what `phala contract new` makes is tested and built as it is
"$build/bin/phala" contract new my_first --dir "$out/my_first" >/dev/null
"$build/bin/phala" contract test "$out/my_first"
"$build/bin/phala" contract build "$out/my_first" --out "$out"

cd "$here/check-abi"
npm install --no-audit --no-fund --loglevel=error >/dev/null
node check.mjs "$root"/tests/golden/contracts/{flipper,caller,fetcher}.contract
node check.mjs "$build/contracts/system.contract" --as system --also system.selectors.json "$build/contracts/tokenomic.contract" "$out/my_first.contract"
