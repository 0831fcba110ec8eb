#!/usr/bin/env bash
# Lets g++ 12 read everything that must not depend on one compiler: lib, pallets, runtime. Nothing is built; an error of the second compiler is a dialect of the
# first, or a mistake that it overlooks. Usage: scripts/second-compiler.sh [BUILD_FOLDER]   (default build/release, configured)
set -euo pipefail
cd "$(dirname "$0")/.."
python3 - "${1:-build/release}" <<'PYTHON' | xargs -0 -P "${PHALA_JOBS:-$(nproc)}" -n 1 bash -c
import json, os, shlex, sys
root = os.getcwd()
found = 0
for entry in json.load(open(os.path.join(sys.argv[1], "compile_commands.json"), encoding="utf-8")):
    source = os.path.relpath(entry["file"], root)
    if not source.startswith(("lib/", "pallets/", "runtime/")) or source.endswith(("_test.cpp", "_benchmark.cpp")): continue
    words = shlex.split(entry["command"])
    flags = [w for w in words if w.startswith(("-I", "-D"))] + [f"-isystem{words[i + 1]}" for i, w in enumerate(words) if w == "-isystem"]
    # attributes of the first compiler are ignored by the second
    sys.stdout.write(shlex.join(["g++-12", "-std=gnu++23", "-fsyntax-only", "-Wall", "-Wno-attributes", "-Werror=return-type", *flags, source]) + "\0")
    found += 1
if found < 50: sys.exit(f"only {found} sources found; is the build folder configured?")
PYTHON
echo "g++ 12 reads lib, pallets and runtime"
