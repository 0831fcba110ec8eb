#!/usr/bin/env python3
"""Runs our benchmarks and, interleaved with them, the peers they are measured against; prints a table and writes build/bench.json.

ratio > 1: we are faster. A ratio is median of ours against median of the peer's, both from this run; cores are shared with whatever else
the machine does, so ratios under 1.5 say little. Peers are cargo projects in tests/bench/peers, built once into the cache.
Usage: run.py [--rounds N] [--only TEXT] [--no-peers]
"""
import argparse, json, os, pathlib, re, statistics, subprocess, sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = ROOT / "build/release/bin"
CACHE = pathlib.Path(os.environ.get("PHALA_CACHE", pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "phala"))
UNIT_NS = {"ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9}
GOLDEN = ROOT / "tests/golden"
SGX = [str(GOLDEN / "dcap/sgx_quote"), str(GOLDEN / "dcap/sgx_quote_collateral.json"), "20", "20"]
TDX = [str(GOLDEN / "dcap/tdx_quote"), str(GOLDEN / "dcap/tdx_quote_collateral.json"), "20", "20"]


def row(name, unit, ours, divide=1.0, peer=None, note=""):
    """ours: (benchmark binary, exact benchmark name). divide: operations per iteration. peer: (project, binary, arguments, line prefix, factor to `unit`)."""
    return {"name": name, "unit": unit, "ours": ours, "divide": divide, "peer": peer, "note": note}


FRAME_TRANSFERS = ("frame", "transfers", ["500", "5"])
FRAME_CONTRACTS = ("frame", "contracts", ["{wasm}/flipper.wasm", "{wasm}/compute.wasm"])
TRIE = ("frame", "trie", ["100000"])
ROWS = [
    row("transfer, signature + apply, 1 thread", "us/tx", ("phala_runtime_benchmark", "transfer_checked"), 500, (*FRAME_TRANSFERS, "sr25519 apply only", 1), "500 in a block; FRAME native"),
    row("transfer, apply without signature", "us/tx", ("phala_runtime_benchmark", "transfer_applied_only"), 500),
    row("trie: 100k inserts + root", "us/key", ("phala_trie_benchmark", "insert_and_root/32"), 100_000, (*TRIE, "insert 100000 + commit/root, v=32B", 1), "sp-trie"),
    row("trie: streamed root of 100k", "us/key", ("phala_trie_benchmark", "streamed_root/32"), 100_000, (*TRIE, "streamed trie_root of 100000 sorted", 1), "sp-trie"),
    row("trie: update 1000 of 100k + root", "us/key", ("phala_trie_benchmark", "stored_update/1000"), 1000, (*TRIE, "update 1000 of 100000 + root, v=32B", 1), "sp-trie"),
    row("contract: flipper get", "us/call", ("phala_engine_benchmark", "flipper_get_query"), 1, (*FRAME_CONTRACTS, "overlay get (bare_call)", 1), "pallet-contracts, wasmi"),
    row("contract: flipper flip", "us/call", ("phala_engine_benchmark", "flipper_flip_query"), 1, (*FRAME_CONTRACTS, "overlay flip (bare_call)", 1), "pallet-contracts, wasmi"),
    row("contract: compute, 100k rounds, metered", "us/call", ("phala_engine_benchmark", "compute_rounds/100000"), 1, (*FRAME_CONTRACTS, "compute n=100000", 1), "pallet-contracts, wasmi"),
    row("contract: compile at upload (18 KB)", "us/code", ("phala_engine_benchmark", "compile_flipper")),
    row("SGX quote, cold", "us/quote", ("phala_attest_benchmark", "cold/sgx"), 1, ("dcap", "dcap", SGX, "verify, ring", 1), "dcap-qvl"),
    row("TDX quote, cold", "us/quote", ("phala_attest_benchmark", "cold/tdx"), 1, ("dcap", "dcap", TDX, "verify, ring", 1), "dcap-qvl"),
    row("SGX quote, cached chain, new platform", "us/quote", ("phala_attest_benchmark", "new_platform/sgx"), 1, ("dcap", "dcap", SGX, "verify, ring", 1), "dcap-qvl does the whole work each time"),
    row("SGX quote, known platform", "us/quote", ("phala_attest_benchmark", "known_platform/sgx"), 1, ("dcap", "dcap", SGX, "verify, ring", 1), "dcap-qvl does the whole work each time"),
    row("store: commit a block of 1000 changes", "us/block", ("phala_store_benchmark", "commit/iterations:150/1000/real_time"), note="with fsync"),
    row("store: read at the head", "us/read", ("phala_store_benchmark", "get/old:0/absent:0")),
    row("sr25519 verify", "us", ("phala_crypto_benchmark", "sr25519_verify_one")),
    row("blake2b-256, 32 B", "us", ("phala_crypto_benchmark", "blake2_256/32")),
]


def build_peer(project):
    """Builds a peer once; the folder of its binaries, or None with a message."""
    target = CACHE / "peers" / project
    print(f"building peer {project} (minutes the first time)", file=sys.stderr, flush=True)
    done = subprocess.run(["cargo", "build", "--release", "--manifest-path", str(ROOT / "tests/bench/peers" / project / "Cargo.toml")],
                          env={**os.environ, "CARGO_TARGET_DIR": str(target)}, stdout=subprocess.DEVNULL)
    (ROOT / "tests/bench/peers" / project / "Cargo.lock").unlink(missing_ok=True)
    return target / "release" if done.returncode == 0 else None


def build_wasm():
    """The contracts that the peer runs: the same flipper, in the shape pallet-contracts accepts."""
    out = CACHE / "peers/wasm"
    out.mkdir(parents=True, exist_ok=True)
    flipper = out / "flipper.in.wasm"
    flipper.write_bytes(bytes.fromhex(json.loads((GOLDEN / "contracts/flipper.contract").read_text())["source"]["wasm"][2:]))
    subprocess.run([str(ROOT / "tests/bench/peers/contracts/build.sh"), str(flipper), str(out)], check=True, stdout=subprocess.DEVNULL)
    return out


def run_ours(binary, names):
    """Microseconds of one iteration, by benchmark name."""
    pattern = "^(" + "|".join(re.escape(n) for n in names) + ")$"
    path = BIN / binary
    if not path.exists():
        return {}
    out = subprocess.run([str(path), f"--benchmark_filter={pattern}", "--benchmark_format=json", "--benchmark_min_time=0.3"], capture_output=True, text=True)
    if out.returncode != 0:
        print(f"{binary}: {out.stderr[-400:]}", file=sys.stderr)
        return {}
    return {b["name"]: b["cpu_time" if "real_time" not in b["name"] else "real_time"] * UNIT_NS[b["time_unit"]] / 1e3 for b in json.loads(out.stdout)["benchmarks"] if "error_occurred" not in b}


def run_peer(folder, binary, arguments):
    """Median microseconds by line name, as the harness prints them."""
    out = subprocess.run([str(folder / binary), *arguments], capture_output=True, text=True)
    found = {}
    for line in out.stdout.splitlines():
        m = re.match(r"(.*?): cpu min [\d.]+ us med ([\d.]+) us", line)
        if m and m[1] not in found:
            found[m[1]] = float(m[2])
    if out.returncode != 0:
        print(f"{binary}: {out.stderr[-400:]}", file=sys.stderr)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="rows whose name contains this")
    parser.add_argument("--no-peers", action="store_true")
    options = parser.parse_args()
    rows = [r for r in ROWS if options.only in r["name"]]

    peers, wasm = {}, None
    if not options.no_peers:
        for project in sorted({r["peer"][0] for r in rows if r["peer"]}):
            peers[project] = build_peer(project)
            if peers[project] is None:
                print(f"peer {project} does not build here: its rows have no ratio", file=sys.stderr)
        if any(r["peer"] and r["peer"][1] == "contracts" for r in rows):
            wasm = build_wasm()

    ours = {r["name"]: [] for r in rows}
    theirs = {r["name"]: [] for r in rows}
    for n in range(options.rounds):
        print(f"round {n + 1} of {options.rounds}", file=sys.stderr, flush=True)
        for binary in dict.fromkeys(r["ours"][0] for r in rows):
            group = [r for r in rows if r["ours"][0] == binary]
            measured = run_ours(binary, [r["ours"][1] for r in group])
            for r in group:
                if r["ours"][1] in measured:
                    ours[r["name"]].append(measured[r["ours"][1]] / r["divide"])
            runs = {}
            for r in group:   # right after ours, so that both see the same machine
                if not r["peer"] or not peers.get(r["peer"][0]):
                    continue
                project, program, arguments, prefix, factor = r["peer"]
                key = (project, program, tuple(arguments))
                if key not in runs:
                    runs[key] = run_peer(peers[project], program, [a.format(wasm=wasm) for a in arguments])
                value = next((v for k, v in runs[key].items() if k.startswith(prefix)), None)
                if value is not None:
                    theirs[r["name"]].append(value * factor)

    result = []
    print(f"{'what':44} {'ours':>10} {'peer':>10} {'ratio':>7}  unit")
    for r in rows:
        mine = statistics.median(ours[r["name"]]) if ours[r["name"]] else None
        peer = statistics.median(theirs[r["name"]]) if theirs[r["name"]] else None
        ratio = peer / mine if mine and peer else None
        result.append({"name": r["name"], "unit": r["unit"], "ours": mine, "peer": peer, "ratio": ratio, "note": r["note"], "samples": {"ours": ours[r["name"]], "peer": theirs[r["name"]]}})
        text = lambda v: "-" if v is None else f"{v:.2f}"
        print(f"{r['name']:44} {text(mine):>10} {text(peer):>10} {text(ratio):>7}  {r['unit']}{'  (' + r['note'] + ')' if r['note'] else ''}")
    (ROOT / "build").mkdir(exist_ok=True)
    (ROOT / "build/bench.json").write_text(json.dumps(result, indent=2) + "\n")
    missing = [r["name"] for r in result if r["ours"] is None]
    if missing:
        print("not measured: " + ", ".join(missing), file=sys.stderr)
        return 1
    return 0


sys.exit(main())
