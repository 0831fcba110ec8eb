"""Builds a C++ contract: a folder with contract.toml and *.cpp, against the SDK beside this tool. The same sources are compiled
twice: to wasm, and natively into a program that prints the contract's own description as metadata."""
import glob
import hashlib
import json
import os
import re
import shutil
import subprocess
import tomllib
from concurrent.futures import ThreadPoolExecutor

import ink_project

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
INCLUDES = ("sdk", "lib/base", "lib/scale")
SHARED = ("lib/base/base/assert.cpp", "lib/base/base/bytes.cpp", "lib/scale/scale/codec.cpp",
          "sdk/phala/contract.cpp", "sdk/phala/env.cpp", "sdk/phala/json.cpp", "sdk/phala/pink.cpp")
WASM_ONLY = ("sdk/phala/runtime.cpp",)
NATIVE_ONLY = ("sdk/phala/metadata.cpp",)
COMMON_FLAGS = ["-std=c++23", "-Wall", "-Wextra", "-Werror=return-type", "-Werror=unused-result", "-Wno-gnu-statement-expression",
                f"-ffile-prefix-map={ROOT}/="]
# No clock, file or exception exists in a contract; floats are refused later, by instruction.
WASM_FLAGS = ["--target=wasm32-wasi", "-mcpu=mvp", "-msign-ext", "-Oz", "-flto", "-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics",
              "-nostdlib"]
LINK_FLAGS = ["-fuse-ld=lld", "-Wl,--import-memory,--no-entry,--gc-sections,-z,stack-size=65536,--stack-first,--strip-all,--fatal-warnings,-O2"]
# Crates that a contract may ask for in contract.toml (`libraries`), each a static library for wasm; natively the SDK has the same functions.
LIBRARIES = {"crypto": "sdk/crypto"}
# What native tests of a contract link with, from a build of this tree, and the machine's own libraries.
TEST_LIBRARIES = ("sdk/libphala_sdk.a", "lib/crypto/libphala_crypto.a", "lib/scale/libphala_scale.a", "lib/base/libphala_base.a", "rust/libphala_rust.a")
TEST_SYSTEM = ["-lcrypto", "-lxxhash", "-lsecp256k1", "-lgtest_main", "-lgtest", "-lpthread", "-ldl", "-lm"]
TEST_INCLUDES = ("lib/crypto",)
KEYS = {"name": str, "version": str, "authors": list, "description": str, "license": str, "repository": str, "buffer_size": int,
        "max_pages": int, "libraries": list}


class BuildError(Exception):
    """The project cannot be built; the text says what to do."""


def _run(command, what):
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise BuildError(f"'{command[0]}' is not installed; install clang-19, lld-19 and libc++-19-dev-wasm32") from None
    if done.returncode != 0:
        raise BuildError(f"{what} failed:\n{(done.stderr or done.stdout)[-8000:]}")
    return done.stdout


def _hash_files(files):
    """One hash over (name, content) pairs."""
    state = hashlib.sha256()
    for name, path in sorted(files):
        with open(path, "rb") as file:
            state.update(name.encode() + b"\0" + hashlib.sha256(file.read()).digest())
    return state.hexdigest()


def _library_state(library):
    folder = os.path.join(ROOT, LIBRARIES[library])
    files = [os.path.join(folder, f) for f in ("Cargo.toml", "Cargo.lock")] + glob.glob(os.path.join(folder, "src/*.rs"))
    return _hash_files((os.path.relpath(f, folder), f) for f in files) + ink_project.Toolchain().version


def _compiler():
    for name in filter(None, (os.environ.get("PHALA_CLANGXX"), "clang++-19", "clang++")):
        if shutil.which(name):
            return name
    raise BuildError("clang++-19 is not installed; install clang-19, lld-19 and libc++-19-dev-wasm32, or set PHALA_CLANGXX")


class CppProject:
    def __init__(self, directory, jobs):
        self.directory = os.path.abspath(directory)
        self.jobs = max(1, jobs)
        self.compiler = _compiler()
        self.compiler_version = _run([self.compiler, "--version"], "asking the compiler").splitlines()[0]
        self.config = self._config()
        self.name = self.config["name"]
        self.sources = sorted(s for s in glob.glob(os.path.join(self.directory, "*.cpp")) if not s.endswith("_test.cpp"))
        if not self.sources:
            raise BuildError(f"{self.directory} holds no .cpp file")

    def _config(self):
        path = os.path.join(self.directory, "contract.toml")
        try:
            with open(path, "rb") as file:
                config = tomllib.load(file)
        except tomllib.TOMLDecodeError as error:
            raise BuildError(f"{path} is not TOML: {error}") from None
        for key, value in config.items():
            if key not in KEYS:
                raise BuildError(f"{path}: unknown key '{key}'; known are {', '.join(KEYS)}")
            if not isinstance(value, KEYS[key]):
                raise BuildError(f"{path}: '{key}' must be a {KEYS[key].__name__}")
        for key in ("name", "version"):
            if key not in config:
                raise BuildError(f"{path}: '{key}' is missing")
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", config["name"]):
            raise BuildError(f"{path}: name '{config['name']}' may hold letters, digits, '_' and '-' and begins with a letter")
        for library in config.setdefault("libraries", []):
            if library not in LIBRARIES:
                raise BuildError(f"{path}: unknown library '{library}'; known are {', '.join(LIBRARIES)}")
        config.setdefault("authors", [])
        config.setdefault("buffer_size", 16384)
        if not 1024 <= config["buffer_size"] <= 2 << 20:
            raise BuildError(f"{path}: buffer_size must be between 1024 and {2 << 20} bytes")
        return config

    def _resource_dir(self):
        return _run([self.compiler, "-print-resource-dir"], "asking the compiler").strip()

    def _builtins(self):
        path = os.path.join(self._resource_dir(), "lib/wasi/libclang_rt.builtins-wasm32.a")
        if not os.path.exists(path):
            raise BuildError(f"{path} is missing; install libclang-rt-19-dev-wasm32")
        return path

    def _library_headers(self):
        """libc++ for wasm32 of the compiler's own version."""
        llvm = os.path.realpath(os.path.join(self._resource_dir(), "../../.."))
        path = os.path.join(llvm, "include/wasm32-wasi/c++/v1")
        if not os.path.exists(os.path.join(path, "vector")):
            raise BuildError(f"{path} is missing; install libc++-19-dev-wasm32")
        return path

    def fingerprint(self):
        files = [f for pattern in ("*.cpp", "*.hpp", "*.h", "contract.toml") for f in glob.glob(os.path.join(self.directory, pattern))]
        own = _hash_files((os.path.relpath(f, self.directory), f) for f in files if not f.endswith("_test.cpp"))
        libraries = "".join(_library_state(library) for library in sorted(self.config["libraries"]))
        return hashlib.sha256(f"{self.compiler_version}\0{own}\0{self._sdk_state()}\0{libraries}".encode()).hexdigest()

    def _sdk_state(self):
        files = [f for i in INCLUDES for pattern in ("*/*.cpp", "*/*.hpp") for f in glob.glob(os.path.join(ROOT, i, pattern))]
        return _hash_files((os.path.relpath(f, ROOT), f) for f in files if not f.endswith("_test.cpp"))

    def _compile(self, sources, flags, target_dir, kind):
        """Objects, in the order of the sources. Those of the SDK are kept for other contracts."""
        includes = [f"-I{os.path.join(ROOT, i)}" for i in INCLUDES] + [f"-I{self.directory}"]
        shared_state = f"{self.compiler_version}\0{self._sdk_state()}\0{' '.join(flags)}\0{ROOT}"
        shared_folder = os.path.join(target_dir, "cpp-sdk", hashlib.sha256(shared_state.encode()).hexdigest()[:24])
        own_folder = os.path.join(target_dir, "cpp", self.name, kind)
        os.makedirs(shared_folder, exist_ok=True)
        os.makedirs(own_folder, exist_ok=True)

        def one(item):
            index, source = item
            shared = index >= len(self.sources)
            out = os.path.join(shared_folder if shared else own_folder, f"{index - len(self.sources) if shared else index}.o")
            if shared and os.path.exists(out):
                return out
            fresh = f"{out}.{os.getpid()}"
            _run([self.compiler, *COMMON_FLAGS, f"-ffile-prefix-map={self.directory}/=", *flags, *includes, "-c", source, "-o", fresh],
                 f"compiling {os.path.basename(source)}")
            os.replace(fresh, out)
            return out

        with ThreadPoolExecutor(self.jobs) as pool:
            return list(pool.map(one, enumerate(sources)))

    def _build_library(self, library, target_dir):
        toolchain = ink_project.Toolchain()
        folder = os.path.join(ROOT, LIBRARIES[library])
        target = os.path.join(target_dir, "cpp-libraries", library)
        env = toolchain.environment(self.jobs)
        env["CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS"] = " ".join(ink_project.wasm_flags(toolchain, folder))
        done = subprocess.run([toolchain.cargo, "rustc", "--release", "--locked", "--target", ink_project.TARGET, "-Zbuild-std=core", "--target-dir", target],
                              env=env, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BuildError(f"compiling the library '{library}' failed:\n{done.stderr[-8000:]}")
        return os.path.join(target, ink_project.TARGET, "release", f"libphala_contract_{library}.a")

    def build_wasm(self, target_dir):
        folder = os.path.join(target_dir, "cpp", self.name)
        sources = self.sources + [os.path.join(ROOT, s) for s in SHARED + WASM_ONLY]
        # last of all the machine's own headers, for libraries that are headers alone (libjsmn)
        flags = WASM_FLAGS + ["-isystem", self._library_headers(), "-idirafter", "/usr/include", f"-DPHALA_BUFFER_SIZE={self.config['buffer_size']}"]
        objects = self._compile(sources, flags, target_dir, "wasm")
        out = os.path.join(folder, self.name + ".wasm")
        libraries = [self._build_library(library, target_dir) for library in self.config["libraries"]]
        _run([self.compiler, *WASM_FLAGS, *LINK_FLAGS, *objects, *libraries, self._builtins(), "-o", out], f"linking {self.name}")
        return out

    def build_metadata(self, target_dir):
        folder = os.path.join(target_dir, "cpp", self.name)
        sources = self.sources + [os.path.join(ROOT, s) for s in SHARED + NATIVE_ONLY]
        # Host functions are declared but not there; nothing that prints a description reaches one, and the linker drops the rest.
        flags = ["-O0", "-ffunction-sections", "-fdata-sections", "-DPHALA_CONTRACT_METADATA"]
        objects = self._compile(sources, flags, target_dir, "native")
        program = os.path.join(folder, "describe")
        _run([self.compiler, "-fuse-ld=lld", "-Wl,--gc-sections", *objects, "-o", program], f"linking the description of {self.name}")
        return json.loads(_run([program], f"describing {self.name}"))

    def test(self, target_dir, build):
        """Compiles the contract and its *_test.cpp natively and runs them; the exit code of the tests."""
        tests = sorted(glob.glob(os.path.join(self.directory, "*_test.cpp")))
        if not tests:
            raise BuildError("it has no tests: no file ends in _test.cpp")
        libraries = [os.path.join(build, library) for library in TEST_LIBRARIES]
        for library in libraries:
            if not os.path.exists(library):
                raise BuildError(f"{library} is missing; build the SDK first: cmake --build {build} --target phala_sdk")
        folder = os.path.join(target_dir, "cpp", self.name, "test")
        os.makedirs(folder, exist_ok=True)
        includes = [f"-I{os.path.join(ROOT, i)}" for i in (*INCLUDES, *TEST_INCLUDES)] + [f"-I{self.directory}"]

        def one(source):
            out = os.path.join(folder, os.path.basename(source) + ".o")
            _run([self.compiler, *COMMON_FLAGS, "-O1", "-g", *includes, "-c", source, "-o", out], f"compiling {os.path.basename(source)}")
            return out

        with ThreadPoolExecutor(self.jobs) as pool:
            objects = list(pool.map(one, self.sources + tests))
        program = os.path.join(folder, self.name + "_test")
        _run([self.compiler, "-fuse-ld=lld", *objects, *libraries, *TEST_SYSTEM, "-o", program], f"linking the tests of {self.name}")
        return subprocess.run([program, "--gtest_brief=1"], check=False).returncode

    def source_info(self):
        found = re.search(r"clang version (\d+\.\d+\.\d+)", self.compiler_version)
        # clients choose how to read the metadata by its version; the language is for people
        return {"language": "C++ 23", "compiler": f"clang {found.group(1) if found else 'unknown'}"}

    def contract_info(self):
        return {key: self.config[key] for key in ("name", "version", "authors", "description", "license", "repository") if key in self.config}
