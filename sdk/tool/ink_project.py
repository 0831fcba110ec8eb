"""Builds an ink! 3, 4 or 5 contract crate: the wasm module with a toolchain whose standard library is compiled along (no
prebuilt wasm32 target is needed), the metadata by running ink's own generator in a host build of the same crate."""
import hashlib
import json
import os
import re
import shutil
import subprocess
import tomllib

import cache

TARGET = "wasm32-unknown-unknown"
RELEASE = {"LTO": "fat", "CODEGEN_UNITS": "1", "OPT_LEVEL": "z", "PANIC": "abort", "OVERFLOW_CHECKS": "true"}
# By ink!'s generation: the crate whose generator describes a contract, and the type that it makes.
GENERATORS = {3: ("ink_metadata", "ink_metadata::MetadataVersioned"), 4: ("ink", "ink::metadata::InkProject"), 5: ("ink", "ink::metadata::InkProject")}
METADATA_MAIN = """extern crate contract;

extern "Rust" {
    fn __ink_generate_metadata() -> DESCRIPTION;
}

fn main() {
    let metadata = unsafe { __ink_generate_metadata() };
    println!("{}", serde_json::to_string(&metadata).expect("metadata is JSON"));
}
"""


class BuildError(Exception):
    """The project cannot be built; the text says what to do."""


class Toolchain:
    """A rustc and cargo that can compile core and alloc from source."""

    def __init__(self):
        for rustc in filter(None, (os.environ.get("PHALA_RUSTC"), shutil.which("rustc"), "/usr/bin/rustc", cache.path("rust-web", "bin", "rustc"))):
            cargo = os.path.join(os.path.dirname(rustc), "cargo")
            if not (os.path.exists(rustc) and os.path.exists(cargo)):
                continue
            self.rustc, self.cargo = rustc, cargo
            self.sysroot = self._ask("--print", "sysroot")
            if os.path.exists(os.path.join(self.sysroot, "lib/rustlib/src/rust/library/core/Cargo.toml")):
                self.version = self._ask("--version")
                return
        raise BuildError("no Rust toolchain with its library sources was found. Install the Debian packages rustc-web, cargo-web and "
                         "rust-web-src, or run 'rustup component add rust-src', or set PHALA_RUSTC to such a rustc")

    def _ask(self, *args):
        return subprocess.run([self.rustc, *args], capture_output=True, text=True, check=True).stdout.strip()

    def environment(self, jobs):
        env = dict(os.environ, RUSTC=self.rustc, RUSTC_BOOTSTRAP="1", CARGO_BUILD_JOBS=str(jobs))
        for name in ("RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "RUSTC_WRAPPER"):
            env.pop(name, None)
        return env


def wasm_flags(toolchain, root, *linking):
    """Of the compiler, for code whose sources lie under `root`."""
    # absolute paths in panic texts would make the code depend on where it was built
    return ["-Ctarget-cpu=mvp", *linking, "-Aunexpected_cfgs", f"--remap-path-prefix={root}=/src", f"--remap-path-prefix={os.path.expanduser('~')}=/home",
            f"--remap-path-prefix={os.environ.get('CARGO_HOME') or os.path.expanduser('~/.cargo')}=/home/.cargo",
            f"--remap-path-prefix={os.path.realpath(toolchain.sysroot + '/lib/rustlib/src/rust')}=/rust"]


def _run(command, env, cwd, what):
    done = subprocess.run(command, env=env, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BuildError(f"{what} failed:\n{done.stderr[-8000:]}")
    return done.stdout


def _linker():
    for name in ("wasm-ld-19", "wasm-ld"):
        if shutil.which(name):
            return name
    return None


class InkProject:
    """One contract crate, with what cargo says about it."""

    def __init__(self, directory, jobs):
        self.directory = os.path.abspath(directory)
        self.toolchain = Toolchain()
        self.env = self.toolchain.environment(jobs)
        self.manifest = os.path.join(self.directory, "Cargo.toml")
        graph = self._graph()
        self.root = graph["workspace_root"]
        self.packages = {p["id"]: p for p in graph["packages"]}
        mine = [p for p in graph["packages"] if os.path.samefile(p["manifest_path"], self.manifest)]
        if not mine:
            raise BuildError(f"{self.manifest} describes no package; name the folder of one contract")
        self.package = mine[0]
        self.name = self.package["name"]
        libraries = [t for t in self.package["targets"] if {"lib", "rlib", "cdylib"} & set(t["crate_types"])]
        if not libraries:
            raise BuildError(f"{self.manifest} has no library target; a contract is a library")
        self.library = libraries[0]
        self.ink_version = self._version_of("ink", "ink_lang")
        generation = int(self.ink_version.split(".")[0])
        if generation not in GENERATORS:
            raise BuildError(f"{self.name} uses ink! {self.ink_version}; this tool builds releases of ink! 3, 4 and 5")
        self.generator, self.description = GENERATORS[generation]

    def _graph(self):
        locked = ["--locked"] if self._lock_path() else []
        return json.loads(_run([self.toolchain.cargo, "metadata", "--format-version", "1", "--manifest-path", self.manifest, *locked],
                               self.env, self.directory, "reading the crate"))

    def _lock_path(self):
        found = subprocess.run([self.toolchain.cargo, "locate-project", "--workspace", "--message-format", "plain",
                                "--manifest-path", self.manifest], env=self.env, capture_output=True, text=True, check=False)
        if found.returncode != 0:
            raise BuildError(f"{self.manifest} is not a crate: {found.stderr.strip()}")
        path = os.path.join(os.path.dirname(found.stdout.strip()), "Cargo.lock")
        return path if os.path.exists(path) else None

    def _version_of(self, *names):
        """Of the first of these crates that the contract depends on."""
        for name in names:
            versions = sorted({p["version"] for p in self.packages.values() if p["name"] == name})
            if versions:
                break
        else:
            raise BuildError(f"{self.manifest} depends on neither of the crates {' and '.join(names)}")
        if len(versions) > 1:
            raise BuildError(f"the dependencies need several versions of '{name}' ({', '.join(versions)}); pin one")
        return versions[0]

    def fingerprint(self):
        """Hash of every local source file, of the lock file and of the toolchain: equal means an equal result."""
        state = hashlib.sha256(f"{self.name}\0{self.toolchain.version}\0{_linker()}".encode())
        files = {os.path.join(self.root, "Cargo.lock"), os.path.join(self.root, "Cargo.toml")}
        for package in self.packages.values():
            if package["source"] is not None:
                continue
            for folder, subfolders, names in os.walk(os.path.dirname(package["manifest_path"])):
                subfolders[:] = [s for s in subfolders if s != "target" and not s.startswith(".")]
                files.update(os.path.join(folder, n) for n in names)
        for path in sorted(files):
            state.update(os.path.relpath(path, self.root).encode() + b"\0")
            if os.path.exists(path):
                with open(path, "rb") as file:
                    state.update(hashlib.sha256(file.read()).digest())
        return state.hexdigest()

    def build_wasm(self, target_dir):
        """Path of the linker's output."""
        env = dict(self.env)
        for key, value in RELEASE.items():
            env[f"CARGO_PROFILE_RELEASE_{key}"] = value
        flags = wasm_flags(self.toolchain, self.root, "-Clink-arg=-zstack-size=65536", "-Clink-arg=--import-memory")
        env["CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS"] = " ".join(flags)
        if _linker():
            env["CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER"] = _linker()
        locked = ["--locked"] if self._lock_path() else []
        _run([self.toolchain.cargo, "rustc", "--manifest-path", self.manifest, "-p", self.name, "--lib", "--crate-type", "cdylib",
              "--no-default-features", "--release", "--target", TARGET, "-Zbuild-std=core,alloc", "--target-dir", target_dir, *locked],
             env, self.directory, f"compiling {self.name} to wasm")
        return os.path.join(target_dir, TARGET, "release", self.library["name"].replace("-", "_") + ".wasm")

    def build_metadata(self, target_dir):
        """ink's own description of the contract, as parsed JSON."""
        linkable = bool({"lib", "rlib"} & set(self.library["crate_types"]))
        source = self.directory if linkable else self._linkable_copy(os.path.join(target_dir, "metadata-source", self.name))
        folder = os.path.join(target_dir, "metadata", self.name)
        os.makedirs(os.path.join(folder, "src"), exist_ok=True)
        with open(os.path.join(folder, "Cargo.toml"), "w", encoding="utf-8") as file:
            file.write(f"""[package]
name = "metadata-of-{self.name}"
version = "0.1.0"
edition = "2021"

[dependencies]
contract = {{ package = "{self.name}", path = {json.dumps(source)}, default-features = false, features = ["std"] }}
{self.generator} = "={self.ink_version}"
serde_json = "1"

[workspace]
""")
        with open(os.path.join(folder, "src/main.rs"), "w", encoding="utf-8") as file:
            file.write(METADATA_MAIN.replace("DESCRIPTION", self.description))
        lock = self._lock_path()
        if lock:
            shutil.copyfile(lock, os.path.join(folder, "Cargo.lock"))
        env = dict(self.env, RUSTFLAGS="-Aunexpected_cfgs")
        out = _run([self.toolchain.cargo, "run", "--quiet", "--manifest-path", os.path.join(folder, "Cargo.toml"), "--target-dir",
                    os.path.join(target_dir, "host")], env, folder, f"generating the metadata of {self.name}")
        return json.loads(out)

    def _linkable_copy(self, folder):
        """A manifest of the same sources as a library that Rust code can link, for crates that build only a cdylib."""
        with open(self.manifest, encoding="utf-8") as file:
            text = file.read()
        config = tomllib.loads(text)
        if "members" in config.get("workspace", {}) or re.search(r"^[^#\n]*\bworkspace\s*=\s*true", text, re.MULTILINE):
            raise BuildError(f"{self.manifest} builds only a cdylib and is tied to a workspace; add \"rlib\" to [lib] crate-type")

        def absolute(found):
            return f"{found.group(1)}{json.dumps(os.path.normpath(os.path.join(self.directory, found.group(2))))}"

        text = re.sub(r'(\bpath\s*=\s*)"([^"]+)"', absolute, text)
        text = re.sub(r"\bcrate-type\s*=\s*\[[^\]]*\]", 'crate-type = ["rlib"]', text)
        if "path" not in config["lib"]:
            text = re.sub(r"^\[lib\]", "[lib]\\npath = " + json.dumps(self.library["src_path"]), text, flags=re.MULTILINE)
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "Cargo.toml"), "w", encoding="utf-8") as file:
            file.write(text)
        return folder

    def source_info(self):
        found = re.search(r"rustc (\S+)", self.toolchain.version)
        return {"language": f"ink! {self.ink_version}", "compiler": f"rustc {found.group(1) if found else 'unknown'}"}

    def contract_info(self):
        info = {"name": self.name, "version": self.package["version"], "authors": self.package["authors"]}
        for ours, theirs in (("description", "description"), ("license", "license"), ("repository", "repository")):
            if self.package.get(theirs):
                info[ours] = self.package[theirs]
        return info
