"""Measures a network as a user starts it: memory at rest, and encrypted queries, with workerd answering in clear beside it."""
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from measure import BIN, CACHE, GOLDEN, PEERS, SCRATCH, say

CLIENTS = (1, 16)
REST_S = 10              # after which memory is "at rest"
READY_WITHIN_S = 60
FLIPPER_GET = "2f865bd9"
LATENCY_MS = {"us": 1e-3, "ms": 1.0, "s": 1e3}


def free_ports(count):
    """The first of so many ports that are free now."""
    for base in range(21000, 60000, count):
        sockets = []
        try:
            for port in range(base, base + count):
                sockets.append(socket.socket())
                sockets[-1].bind(("127.0.0.1", port))
            return base
        except OSError:
            continue
        finally:
            for s in sockets:
                s.close()
    raise RuntimeError("no free ports on 127.0.0.1")


def children_of(pid):
    """{program name: [pid]} of the processes that a process started."""
    out = {}
    for status in pathlib.Path("/proc").glob("[0-9]*/status"):
        try:
            text = status.read_text()
        except OSError:
            continue   # it has ended
        if re.search(rf"^PPid:\t{pid}$", text, re.M):
            out.setdefault(re.search(r"^Name:\t(.*)$", text, re.M)[1], []).append(int(status.parent.name))
    return out


def resident_mib(pid):
    return int(re.search(r"^VmRSS:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/status").read_text(), re.M)[1]) / 1024


class DevNetwork:
    """`phala dev` with a flipper contract, until `close`."""

    def __init__(self):
        SCRATCH.mkdir(parents=True, exist_ok=True)
        self.base = pathlib.Path(tempfile.mkdtemp(prefix="network-", dir=SCRATCH))
        port = free_ports(8)
        self.log = open(self.base / "dev.log", "w+")
        self.process = subprocess.Popen([BIN / "phala", "dev", "--base-path", self.base / "net", "--rpc-port", str(port), "--worker-port", str(port + 1)],
                                        stdout=self.log, stderr=subprocess.STDOUT)
        try:
            self.wait_ready()
            summary = json.loads((self.base / "net/dev.json").read_text())
            self.rpc, self.worker = summary["rpc"], summary["workers"][0]
        except Exception:
            self.close()
            raise

    def output(self):
        return (self.base / "dev.log").read_text()

    def wait_ready(self):
        until = time.monotonic() + READY_WITHIN_S
        while not re.search(r"^ready", self.output(), re.M):
            if self.process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"phala dev is not ready:\n{self.output()[-1000:]}")
            time.sleep(0.1)

    def memory(self):
        """MiB of one node and one worker."""
        programs = children_of(self.process.pid)
        return {"memory.node": resident_mib(programs["phala-node"][0]), "memory.worker": max(resident_mib(pid) for pid in programs["phala-worker"])}

    def deploy(self):
        """The id of a flipper."""
        done = subprocess.run([BIN / "phala", "contract", "deploy", GOLDEN / "contracts/flipper.contract", "new", "true", "--rpc", self.rpc, "--json"],
                              capture_output=True, text=True, timeout=120)
        if done.returncode != 0:
            raise RuntimeError(f"phala contract deploy: {done.stderr[-1000:]}")
        return json.loads(done.stdout)["contract"]

    def query(self, contract, clients, seconds):
        """What the load generator says: requests_per_s, p50_ms, p99_ms."""
        port = self.worker["url"].rsplit(":", 1)[1]
        done = subprocess.run([BIN / "phala_query_load", port, self.worker["publicKey"], contract, FLIPPER_GET, str(clients), str(seconds)],
                              capture_output=True, text=True, timeout=60 + seconds)
        if done.returncode != 0:
            raise RuntimeError(done.stderr[-1000:])
        return json.loads(done.stdout)

    def close(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(30)
        self.log.close()
        shutil.rmtree(self.base, ignore_errors=True)


def install_workerd():
    """The program, from npm, at the version that the lock file names; None with a message."""
    for tool in ("npm", "wrk"):
        if shutil.which(tool) is None:
            say(f"peer workerd: no {tool} here, so rows of queries have no peer; scripts/setup.sh test installs it")
            return None
    folder = CACHE / "workerd"
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "node_modules/.bin/workerd"
    wanted = (PEERS / "workerd/package-lock.json").read_text()
    lock = folder / "package-lock.json"
    if not (program.exists() and lock.exists() and lock.read_text() == wanted):
        for name in ("package.json", "package-lock.json"):
            shutil.copy(PEERS / "workerd" / name, folder / name)
        say("peer workerd: installing (160 MB the first time)")
        done = subprocess.run(["npm", "ci", "--prefix", folder, "--no-audit", "--no-fund", "--loglevel=error"], capture_output=True, text=True)
        if done.returncode != 0:
            say(f"peer workerd cannot be installed, so rows of queries have no peer:\n{done.stderr[-1000:]}")
            return None
    return program


class Workerd:
    """A workerd that says hello, until `close`."""

    def __init__(self, program):
        self.port = free_ports(1)
        self.process = subprocess.Popen([program, "serve", PEERS / "workerd/config.capnp", f"--socket-addr=h=127.0.0.1:{self.port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        self.close()
        raise RuntimeError("workerd does not answer")

    def hello(self, clients, seconds):
        """What wrk says, in the words of the load generator."""
        out = subprocess.run(["wrk", "-t1", f"-c{clients}", f"-d{seconds}s", "--latency", f"http://127.0.0.1:{self.port}/"], capture_output=True, text=True, timeout=60 + seconds).stdout
        quantile = lambda percent: (lambda m: float(m[1]) * LATENCY_MS[m[2]])(re.search(rf"{percent}%\s+([\d.]+)(us|ms|s)", out))
        return {"requests_per_s": float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1]), "p50_ms": quantile(50), "p99_ms": quantile(99)}

    def close(self):
        self.process.terminate()
        self.process.wait(30)


def run(rounds, seconds, with_peer):
    """{key: [a sample a round]}: "query.1.p50_ms", "hello.16.requests_per_s", "memory.node" …; what could not be measured is absent, with a message."""
    samples = {}
    note = lambda prefix, values: [samples.setdefault(f"{prefix}{k}", []).append(v) for k, v in values.items() if isinstance(v, (int, float))]
    program = install_workerd() if with_peer else None
    network = workerd = None
    try:
        network = DevNetwork()
        time.sleep(REST_S)
        note("", network.memory())
        contract = network.deploy()
        if program:
            workerd = Workerd(program)
        for n in range(rounds):
            say(f"queries: round {n + 1} of {rounds}")
            for clients in CLIENTS:
                note(f"query.{clients}.", network.query(contract, clients, seconds))
                if workerd:
                    note(f"hello.{clients}.", workerd.hello(clients, seconds))
    except (OSError, RuntimeError, subprocess.TimeoutExpired, KeyError, TypeError) as e:
        say(f"queries and memory: {e}")
    finally:
        for each in (workerd, network):
            if each:
                each.close()
    return samples
