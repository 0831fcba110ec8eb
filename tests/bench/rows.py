"""What `make bench` measures: one row a line of its table. Adding a row is adding it here; what runs it is measure.py (programs) and network.py."""
from dataclasses import dataclass


@dataclass(frozen=True)
class Bench:
    """A google-benchmark of ours. `name` without the suffixes the library adds (iterations:, real_time …). A row is its time for one of `per`
    operations; processor time, or what a wall clock shows where work is spread over threads or waits for the disk; or one of its counters."""
    program: str
    name: str
    per: float = 1
    wall: bool = False
    counter: str = ""
    rate: bool = False   # operations per second instead of time


@dataclass(frozen=True)
class Peer:
    """A line of a peer's harness in peers/: its median, in microseconds."""
    project: str
    program: str
    arguments: tuple
    line: str            # how the line begins
    wall: bool = False


@dataclass(frozen=True)
class Network:
    """A value that network.py measures: of a running `phala dev`, or of workerd beside it."""
    key: str


@dataclass(frozen=True)
class Row:
    name: str
    unit: str
    ours: object         # Bench or Network
    peer: object = None  # Peer or Network
    bound: str = ""      # what bounds it
    note: str = ""
    rate: bool = False   # more is better
    ratio: float = 0     # goal: at least so many times the peer
    at_most: float = 0   # goal: ours, in `unit`
    at_least: float = 0

    def goal(self):
        if self.ratio:
            return f"ratio >= {self.ratio:g}"
        if self.at_most:
            return f"<= {self.at_most:g} {self.unit}"
        return f">= {self.at_least:g} {self.unit}" if self.at_least else None

    def met(self, ours, ratio):
        if ours is None or (self.ratio and ratio is None):
            return None
        if self.ratio:
            return ratio >= self.ratio
        if self.at_most:
            return ours <= self.at_most
        return ours >= self.at_least if self.at_least else None


# ---- peers: project in peers/, program, arguments -----------------------------------------------------------------------
TRANSFERS = ("frame", "transfers", ("500", "5"))
CONTRACTS = ("frame", "contracts", ("{wasm}/flipper.wasm", "{wasm}/compute.wasm"))
TRIE = ("frame", "trie", ("100000",))
CRYPTO = ("frame", "crypto", ())
QUOTE = {kind: ("dcap", "perf-dcap", (f"{{golden}}/dcap/{kind}_quote", f"{{golden}}/dcap/{kind}_quote_collateral.json", "20", "20")) for kind in ("sgx", "tdx")}


def transfers(name, **more):
    return Row(f"transfers: {name}", "us/tx", **more)


def trie(name, benchmark, per, line, **more):
    return Row(f"trie: {name}", "us/key", Bench("phala_trie_benchmark", benchmark, per), Peer(*TRIE, line), note="sp-trie", **more)


def contract(name, benchmark, line, **more):
    return Row(f"contract: {name}", "us/call", Bench("phala_engine_benchmark", benchmark), Peer(*CONTRACTS, line), note="pallet-contracts on wasmi", **more)


def gas(what, benchmark, bound, at_most=2):
    return Row(f"gas: the dearest {what}", "of its gas", Bench("phala_engine_benchmark", benchmark, counter="of_gas"), bound=bound, note="time by what its gas pays for", at_most=at_most)


def storage(name, unit, benchmark, bound, **more):
    how = {k: more.pop(k) for k in ("per", "counter") if k in more}
    return Row(f"storage: {name}", unit, Bench("phala_engine_benchmark", benchmark, wall=True, **how), bound=bound, **more)


def quote(kind, name, benchmark, **more):
    bound = "P-256 verifications in OpenSSL: 9 cold, 3 for a new platform, 2 for a known one"
    return Row(f"quote: {kind.upper()}, {name}", "us/quote", Bench("phala_attest_benchmark", f"{benchmark}/{kind}"), Peer(*QUOTE[kind], "verify, ring"), bound, **more)


def query(clients, value, bound, **more):
    unit = "requests/s" if value == "requests_per_s" else "ms"
    name = f"query: encrypted, {clients} client{'s' if clients > 1 else ''}" + ("" if unit == "requests/s" else ", " + value.removesuffix("_ms"))
    return Row(name, unit, Network(f"query.{clients}.{value}"), Network(f"hello.{clients}.{value}"), bound, "workerd says hello, in clear", rate=unit == "requests/s", **more)


CURVE = "sr25519: a check, a key agreement, a signature; then the kernel and hand-overs between threads"
SHARED = "cores, which clients and worker share"
ROOTED = "sr25519 apply + finalize_block (root) + commit"
WHOLE_WORK = "dcap-qvl does the whole work each time"

ROWS = [
    transfers("signature, apply, root, commit; 1 thread", ours=Bench("phala_transfers_benchmark", "transfers", 2000), peer=Peer(*TRANSFERS, ROOTED),
              bound="signatures, half of it; then the state's overlay and the trie", note="500 in a block; FRAME native", ratio=2.5),
    transfers("the same on 2 threads", ours=Bench("phala_transfers_benchmark", "transfers_on_threads/2", 2000, wall=True), peer=Peer(*TRANSFERS, ROOTED, wall=True),
              bound="applying in order on one thread; signatures take both", note="by the wall clock; FRAME uses one thread", ratio=4),
    transfers("signatures alone", ours=Bench("phala_runtime_benchmark", "transfers_signatures", 500), bound="multi-scalar multiplication"),
    transfers("applying alone", ours=Bench("phala_runtime_benchmark", "transfers_applied", 500), bound="the state's overlay, SCALE"),
    transfers("into the pool, all threads", ours=Bench("phala_seal_benchmark", "admission", 1000, wall=True), bound="one signature check each, on every core"),
    transfers("from the pool to a block on disk", ours=Bench("phala_seal_benchmark", "block_of_transfers", 1000, wall=True),
              bound="applying; the database's batch and one fsync", note="1000 in a block"),
    trie("100k inserts + root", "insert_and_root/32", 100_000, "insert 100000 + commit/root, v=32B", bound="BLAKE2b, cache misses", ratio=2),
    trie("update 1000 of 100k + root", "change_and_root/1000/0", 1000, "update 1000 of 100000 + root, v=32B", bound="BLAKE2b, cache misses", ratio=2),
    trie("update 1 of 100k + root", "change_and_root/1/0", 1, "update 1 of 100000 + root, v=32B", bound="hashing the five nodes of a path, one after the other", ratio=2),
    trie("the 1000, nodes stored by place", "stored_update/1000", 1000, "update 1000 of 100000 + root, v=32B", bound="cache misses: looking up, copying and replacing two nodes a key", ratio=2),
    trie("the 1, nodes stored by place", "stored_update/1", 1, "update 1 of 100000 + root, v=32B", bound="cache misses: looking up, copying and replacing the five nodes of a path", ratio=2),
    trie("streamed root of 100k", "streamed_root/32", 100_000, "streamed trie_root of 100000 sorted", bound="BLAKE2b"),
    contract("flipper get, a query", "flipper_get_query", "overlay get (bare_call)", bound="taking an instance from the pool and clearing it", ratio=12),
    contract("flipper flip, a transaction", "flipper_flip_transaction", "overlay flip (bare_call)", bound="as get; then writing the difference into the state", ratio=12),
    contract("100k rounds of compute, metered", "compute_rounds/100000", "compute n=100000", bound="the processor: compiled code that counts its fuel", ratio=40),
    Row("contract: upload of flipper", "us/code", Bench("phala_engine_benchmark", "upload_flipper"), bound="compiling (Cranelift)", note="check, rewrite, compile; once for each code"),
    gas("host function", "dearest_host_function", "hashing and copying what it is given"),
    gas("function of the chain extension", "dearest_extension_function", "curve arithmetic"),
    gas("mix of instructions", "dearest_instructions", "the first touch of memory"),
    gas("golden program", "dearest_golden_program", "taking an instance from the pool", at_most=1),
    storage("read of one of a million, a query", "us/call", "storage_read", "a call; the way to the value misses the cache five times"),
    storage("that read beside one of 100", "times", "storage_read", "cache misses", counter="of_few", at_most=2),
    storage("write of one of a million, a transaction", "us/call", "storage_write", "a call; copying the nodes on the way, which readers still see", note="a block each"),
    storage("that write beside one of 100", "times", "storage_write", "cache misses", counter="of_few", at_most=2),
    storage("root after 10 changes of a million", "us/change", "storage_root_10", "copying and hashing the five nodes of a path", per=10, note="applied, and the root"),
    storage("root after 1000 changes of a million", "us/change", "storage_root_1000", "as with 10", per=1000, note="applied, and the root"),
    storage("a change among 1000 beside one among 10", "times", "storage_root_1000", "nothing grows but the number of changes", counter="of_ten", at_most=1.5),
    storage("memory of a million entries", "MiB", "storage_memory", "a node of 48 bytes each, and the heap's own fields", counter="mib", note="8 bytes of key, 32 of value"),
    storage("memory beside what the limit counts", "times", "storage_memory", "the dearest kind of entry, which the limit must count in full", counter="of_counted", at_most=1),
    quote("sgx", "cold", "cold", note="dcap-qvl", ratio=0.8),
    quote("tdx", "cold", "cold", note="dcap-qvl", ratio=0.8),
    quote("sgx", "cached chain, new platform", "new_platform", note=WHOLE_WORK, ratio=2.5),
    quote("tdx", "cached chain, new platform", "new_platform", note=WHOLE_WORK, ratio=2.5),
    quote("sgx", "cached chain, known platform", "known_platform", note=WHOLE_WORK, ratio=2.5),
    quote("tdx", "cached chain, known platform", "known_platform", note=WHOLE_WORK, ratio=2.5),
    query(1, "p50_ms", CURVE, at_most=0.3),
    query(1, "p99_ms", "the scheduler of a shared machine"),
    query(1, "requests_per_s", CURVE),
    query(16, "p50_ms", SHARED),
    query(16, "p99_ms", "the scheduler of a shared machine"),
    query(16, "requests_per_s", SHARED, ratio=1),
    Row("sync: empty blocks", "blocks/s", Bench("phala_sync_benchmark", "sync/messages:0", 256, wall=True, rate=True), bound="hashing headers; one fsync for 256 blocks", rate=True, at_least=100_000),
    Row("sync: blocks with 10 messages", "blocks/s", Bench("phala_sync_benchmark", "sync/messages:10", 256, wall=True, rate=True), bound="decoding and hashing messages", rate=True),
    Row("sync: memory of the worker", "MiB", Bench("phala_sync_benchmark", "sync/messages:10", counter="rss_mib"), bound="program and engine; nothing grows with the chain", note="after 51,200 blocks with 10 messages"),
    Row("memory: worker at rest", "MiB", Network("memory.worker"), bound="program and engine; the cluster's state is small", note="in a cluster, before its first query", at_most=100),
    Row("memory: node at rest", "MiB", Network("memory.node"), bound="the database's buffers"),
    Row("store: commit of 1000 changes", "us/block", Bench("phala_store_benchmark", "commit/1000", wall=True), bound="the database's batch and one fsync"),
    Row("store: read at the head", "us/read", Bench("phala_store_benchmark", "get/old:0/absent:0"), bound="a look into a hash table"),
    Row("sr25519: verify one", "us", Bench("phala_crypto_benchmark", "sr25519_verify_one"), Peer(*CRYPTO, "sr25519 verify from bytes (sp-core)"), "curve arithmetic", "the same library"),
    Row("blake2b-256: 32 bytes", "us", Bench("phala_crypto_benchmark", "blake2_256/32"), Peer(*CRYPTO, "blake2b-256 32 B"), "one compression", "sp-io"),
]
