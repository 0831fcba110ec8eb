"""Runs programs that measure: our google-benchmarks, and the peers' harnesses, which are built once into the cache."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = ROOT / "build/release/bin"
GOLDEN = ROOT / "tests/golden"
PEERS = ROOT / "tests/bench/peers"
CACHE = pathlib.Path(os.environ.get("PHALA_CACHE") or pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "phala") / "peers"
SCRATCH = ROOT / "build/bench-scratch"   # on the disk of the tree: a /tmp in memory would make fsync free
UNIT_US = {"ns": 1e-3, "us": 1.0, "ms": 1e3, "s": 1e6}
TIMEOUT_S = 300
CARGO_MINOR = 95   # the oldest 1.x that builds the peers


def say(text):
    print(text, file=sys.stderr, flush=True)


# ---- peers --------------------------------------------------------------------------------------------------------------
def find_cargo():
    """The first cargo that is new enough for the peers, in the order in which the build looks; None when there is none."""
    for candidate in (os.environ.get("CARGO"), shutil.which("cargo"), pathlib.Path.home() / ".cargo/bin/cargo", "/usr/bin/cargo"):
        if candidate is None or not pathlib.Path(candidate).exists():
            continue
        version = re.match(r"cargo 1\.(\d+)", subprocess.run([candidate, "--version"], capture_output=True, text=True).stdout)
        if version and int(version[1]) >= CARGO_MINOR:
            return pathlib.Path(candidate)
    return None


def cargo_environment(cargo, target):
    """Where only clang is installed, it links: cargo asks for `cc`."""
    env = {**os.environ, "CARGO_TARGET_DIR": str(target), "PATH": f"{cargo.parent}:{os.environ['PATH']}"}
    if shutil.which("cc") is None:
        host = re.search(r"host: (\S+)", subprocess.run([cargo.parent / "rustc", "-vV"], capture_output=True, text=True).stdout)[1]
        env |= {"CC": "clang-19", "CXX": "clang++-19", f"CARGO_TARGET_{host.upper().replace('-', '_')}_LINKER": "clang-19"}
    return env


def build_cargo_peer(project):
    """The folder of a peer's programs, or None with a message. Minutes the first time (frame: about ten), a second afterwards."""
    cargo = find_cargo()
    if cargo is None:
        say(f"peer {project}: no cargo 1.{CARGO_MINOR} here, so its rows have no peer; scripts/setup.sh test installs it")
        return None
    say(f"peer {project}: building (minutes the first time)")
    target = CACHE / project
    done = subprocess.run([cargo, "build", "--release", "--locked", "--manifest-path", str(PEERS / project / "Cargo.toml")],
                          env=cargo_environment(cargo, target), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        say(f"peer {project} does not build, so its rows have no peer:\n{done.stderr[-2000:]}")
        return None
    return target / "release"


def build_peer_contracts():
    """The contracts in the shape that pallet-contracts accepts, or None with a message."""
    out = CACHE / "wasm"
    out.mkdir(parents=True, exist_ok=True)
    flipper = out / "flipper.in.wasm"
    flipper.write_bytes(bytes.fromhex(json.loads((GOLDEN / "contracts/flipper.contract").read_text())["source"]["wasm"][2:]))
    done = subprocess.run([PEERS / "contracts/build.sh", flipper, out], capture_output=True, text=True)
    if done.returncode != 0:
        say(f"the peer's contracts do not build, so rows of contracts have no peer:\n{done.stderr[-2000:]}")
        return None
    return out


def run_peer(folder, program, arguments):
    """What a harness printed, as of `medians_of`; empty with a message."""
    try:
        done = subprocess.run([folder / program, *arguments], capture_output=True, text=True, timeout=TIMEOUT_S)
    except (OSError, subprocess.TimeoutExpired) as e:
        say(f"peer {program}: {e}")
        return {}
    if done.returncode != 0:
        say(f"peer {program} failed: {done.stderr[-400:]}")
    return medians_of(done.stdout)


def medians_of(output):
    """The lines of a harness: {name: {"cpu": median in us, "wall": …}}; of equal names the first counts."""
    found = {}
    for line in output.splitlines():
        m = re.match(r"(.*?): cpu min [\d.]+ us med ([\d.]+) us \| wall min [\d.]+ us med ([\d.]+) us", line)
        if m:
            found.setdefault(m[1], {"cpu": float(m[2]), "wall": float(m[3])})
    return found


def peer_value(found, peer):
    """The peer's median for one operation; None when it did not print that line."""
    return next((medians["wall" if peer.wall else "cpu"] for name, medians in found.items() if name.startswith(peer.line)), None)


# ---- ours ---------------------------------------------------------------------------------------------------------------
def plain_name(run_name):
    """The name a benchmark was given, without what the library adds to it."""
    return re.sub(r"/(iterations:\d+|repeats:\d+|real_time|manual_time|process_time)", "", run_name)


def run_bench(program, names, repetitions):
    """Medians of some benchmarks of a program, by plain name: google-benchmark's own JSON entries."""
    SCRATCH.mkdir(parents=True, exist_ok=True)
    pattern = "^(" + "|".join(re.escape(n) for n in names) + ")(/(iterations:[0-9]+|real_time|manual_time|process_time))*$"
    try:
        done = subprocess.run([BIN / program, f"--benchmark_filter={pattern}", "--benchmark_format=json", "--benchmark_min_time=0.1",
                               f"--benchmark_repetitions={repetitions}", "--benchmark_report_aggregates_only=true"],
                              capture_output=True, text=True, timeout=TIMEOUT_S, env={**os.environ, "TMPDIR": str(SCRATCH)})
    except (OSError, subprocess.TimeoutExpired) as e:
        say(f"{program}: {e}")
        return {}
    if done.returncode != 0:
        say(f"{program} failed: {done.stderr[-400:]}")
        return {}
    return benchmarks_of(json.loads(done.stdout), program, repetitions)


def benchmarks_of(report, program, repetitions):
    """The medians in google-benchmark's report, by plain name; a benchmark that failed is absent, with a message."""
    found = {}
    for entry in report["benchmarks"]:
        if entry.get("error_occurred"):
            say(f"{program}: {entry['name']}: {entry.get('error_message')}")
        elif entry.get("aggregate_name", "median" if repetitions == 1 else None) == "median":   # of a single run there are no aggregates
            found[plain_name(entry["run_name"])] = entry
    return found


def bench_value(found, bench):
    """What a row shows of it: a counter, microseconds for one operation, or operations a second."""
    entry = found.get(bench.name)
    if entry is None:
        return None
    if bench.counter:
        return entry.get(bench.counter)
    us = entry["real_time" if bench.wall else "cpu_time"] * UNIT_US[entry["time_unit"]] / bench.per
    return 1e6 / us if bench.rate else us
