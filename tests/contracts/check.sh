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

# one generation of ink! after the other: contracts of one workspace share what is compiled of its crates
for crate in "$here"/*/Cargo.toml "$here"/ink3/*/Cargo.toml "$here"/ink5/*/Cargo.toml; do
  grep -q '^\[package\]' "$crate" || continue   # the workspace of a generation
  "$root/sdk/tool/phala-contract-build" "$(dirname "$crate")" --out "$out"
done
python3 - "$out" "$root/tests/golden/contracts" <<'PYTHON'
import glob, json, os, sys
built_folder, golden_folder = sys.argv[1:]
names = [sorted(os.path.basename(path)[:-len(".contract")] for path in glob.glob(f"{folder}/*.contract")) for folder in sys.argv[1:]]
if names[0] != names[1]:
    sys.exit(f"built were {', '.join(names[0])}, but the golden files are {', '.join(names[1])}")
for name in names[0]:
    built, golden = (json.load(open(f"{folder}/{name}.contract", encoding="utf-8")) for folder in (built_folder, golden_folder))
    for part in sorted((built.keys() | golden.keys()) - {"source"}):   # ink! 3 puts all but the contract under V3
        if built.get(part) != golden.get(part):
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
node check.mjs "$root"/tests/golden/contracts/*.contract
node check.mjs "$build/contracts/system.contract" --as system --also system.selectors.json "$build/contracts/tokenomic.contract" "$out/my_first.contract"
