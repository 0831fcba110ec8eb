#!/usr/bin/env python3
"""Measures what tests/bench/rows.py lists, each row beside its peer where there is one; prints a table and writes build/bench.json.

Rounds alternate: ours, then the peer's, again and again, so that both see the same machine. A value is the median over rounds (each of them a median);
ratio > 1 means that we are faster, for times and for rates. Where the machine does other things too, ratios below 1.5 say little.
Peers are built once, into the cache (PHALA_CACHE, else ~/.cache/phala); one that cannot be built or installed is named, and its rows have no ratio.

Exit code 0: every row of ours was measured, whatever its peer or goal. 1: one was not (named)."""
import argparse
import json
import statistics
import sys

import measure
import network
from measure import ROOT, say
from rows import ROWS, Bench, Network, Peer


def build_peers(rows):
    """{project: folder of its programs}, and the folder of the peer's contracts."""
    wanted = [r.peer for r in rows if isinstance(r.peer, Peer)]
    built = {p: measure.build_cargo_peer(p) for p in sorted({p.project for p in wanted})}
    needs_wasm = any("{wasm}" in argument for p in wanted for argument in p.arguments)
    return {p: folder for p, folder in built.items() if folder}, measure.build_peer_contracts() if needs_wasm else None


def one_round(rows, peers, wasm, repetitions, ours, theirs):
    """Adds a sample to every row of programs; right after each of ours come the peers it is measured against."""
    for program in dict.fromkeys(r.ours.program for r in rows):
        group = [r for r in rows if r.ours.program == program]
        found = measure.run_bench(program, list(dict.fromkeys(r.ours.name for r in group)), repetitions)
        runs = {}
        for r in group:
            ours[r.name].append(measure.bench_value(found, r.ours))
            if r.peer is None or r.peer.project not in peers or (wasm is None and any("{wasm}" in a for a in r.peer.arguments)):
                continue
            key = (r.peer.project, r.peer.program, r.peer.arguments)
            if key not in runs:
                runs[key] = measure.run_peer(peers[r.peer.project], r.peer.program, [a.format(wasm=wasm, golden=measure.GOLDEN) for a in r.peer.arguments])
            theirs[r.name].append(measure.peer_value(runs[key], r.peer))


def result_of(row, ours, theirs):
    """One entry of bench.json."""
    ours, theirs = [v for v in ours if v is not None], [v for v in theirs if v is not None]
    mine = statistics.median(ours) if ours else None
    peer = statistics.median(theirs) if theirs else None
    ratio = (mine / peer if row.rate else peer / mine) if mine and peer else None
    return {"name": row.name, "unit": row.unit, "ours": mine, "peer": peer, "ratio": ratio, "samples": {"ours": ours, "peer": theirs},
            "bound": row.bound, "goal": row.goal(), "met": row.met(mine, ratio), "note": row.note}


def number(v):
    return "-" if v is None else f"{v:.0f}" if v >= 1000 else f"{v:.2f}" if v >= 0.1 else f"{v:.3f}"


MET = {True: "yes", False: "NO", None: ""}


def show(results):
    width = max(len(r["name"]) for r in results)
    print(f"{'':{width}} {'ours':>9} {'peer':>9} {'ratio':>6}  {'unit':10} {'goal':18} met")
    for r in results:
        print(f"{r['name']:{width}} {number(r['ours']):>9} {number(r['peer']):>9} {number(r['ratio']):>6}  {r['unit']:10} {r['goal'] or '':18} {MET[r['met']]:4}{r['note']}".rstrip())


def markdown(results):
    """The same as docs/performance.md has it."""
    print("\n| what | ours | peer | ratio | unit | goal | met | bounded by |\n| --- | --: | --: | --: | --- | --- | --- | --- |")
    for r in results:
        note = f" ({r['note']})" if r["note"] else ""
        print(f"| {r['name']}{note} | {number(r['ours'])} | {number(r['peer'])} | {number(r['ratio'])} | {r['unit']} | {r['goal'] or ''} | {MET[r['met']]} | {r['bound']} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="how often everything is measured (5)")
    parser.add_argument("--repetitions", type=int, default=3, help="how often each benchmark of ours is repeated in a round (3)")
    parser.add_argument("--seconds", type=int, default=3, help="of load, for each measurement of queries (3)")
    parser.add_argument("--only", default="", metavar="TEXT", help="rows whose name contains this")
    parser.add_argument("--no-peers", action="store_true", help="measure ours alone")
    parser.add_argument("--markdown", action="store_true", help="print the table as docs/performance.md has it, too")
    options = parser.parse_args()
    rows = [r for r in ROWS if options.only in r.name]
    if not rows:
        parser.error(f"no row contains '{options.only}'; there are: " + "; ".join(r.name for r in ROWS))

    ours, theirs = {r.name: [] for r in rows}, {r.name: [] for r in rows}
    of_programs = [r for r in rows if isinstance(r.ours, Bench)]
    peers, wasm = ({}, None) if options.no_peers else build_peers(rows)
    for n in range(options.rounds if of_programs else 0):
        say(f"round {n + 1} of {options.rounds}")
        one_round(of_programs, peers, wasm, options.repetitions, ours, theirs)
    of_network = [r for r in rows if isinstance(r.ours, Network)]
    if of_network:
        queries = any(r.ours.key.startswith("query.") for r in of_network)
        samples = network.run(options.rounds if queries else 0, options.seconds, queries and not options.no_peers)
        for r in of_network:
            ours[r.name] = samples.get(r.ours.key, [])
            theirs[r.name] = samples.get(r.peer.key, []) if r.peer else []

    results = [result_of(r, ours[r.name], theirs[r.name]) for r in rows]
    show(results)
    if options.markdown:
        markdown(results)
    (ROOT / "build").mkdir(exist_ok=True)
    (ROOT / "build/bench.json").write_text(json.dumps(results, indent=2) + "\n")
    missing = [r["name"] for r in results if r["ours"] is None]
    if missing:
        say("not measured: " + "; ".join(missing))
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
