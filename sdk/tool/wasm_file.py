"""Makes a linker's wasm output acceptable as contract code.

Contract code exports `call` and `deploy` and nothing else, imports one memory with a maximum, has no custom sections and
uses no instruction beyond the MVP and sign extension. Linkers export more and leave the memory open-ended."""
import os
import re
import subprocess

EXPORTS = (b"call", b"deploy")
SECTION_CUSTOM, SECTION_IMPORT, SECTION_EXPORT = 0, 2, 7
KIND_FUNC, KIND_MEMORY = 0, 2


class WasmError(Exception):
    """The module cannot become contract code; the text says why."""


class _Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        if self.at + n > len(self.data):
            raise WasmError("the wasm file ends inside a section")
        part = self.data[self.at:self.at + n]
        self.at += n
        return part

    def number(self):
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7
            if shift > 28:
                raise WasmError("the wasm file has an oversized number")

    def name(self):
        return self.take(self.number())


def _number(value):
    out = bytearray()
    while True:
        low, value = value & 0x7F, value >> 7
        out.append(low | (0x80 if value else 0))
        if not value:
            return bytes(out)


def _imports(body, max_pages):
    reader, items = _Reader(body), []
    for _ in range(reader.number()):
        start = reader.at
        module, field = reader.name(), reader.name()
        head = body[start:reader.at]
        kind = reader.take(1)[0]
        if kind == KIND_FUNC:
            if module not in (b"seal0", b"seal1", b"seal2"):
                raise WasmError(f"it imports {module.decode()}.{field.decode()}, which no contract host offers")
            items.append(head + bytes([kind]) + _number(reader.number()))
        elif kind == KIND_MEMORY:
            limits = reader.take(1)[0]
            initial = reader.number()
            maximum = reader.number() if limits & 1 else max_pages
            if initial > max_pages:
                raise WasmError(f"it needs {initial} pages of memory at the start; the limit is {max_pages}")
            items.append(head + bytes([kind, 1]) + _number(initial) + _number(min(maximum, max_pages)))
        else:
            raise WasmError(f"it imports {module.decode()}.{field.decode()}, which is neither a function nor the memory")
    return _number(len(items)) + b"".join(items)


def _exports(body):
    reader, items, names = _Reader(body), [], set()
    for _ in range(reader.number()):
        start = reader.at
        name, kind = reader.name(), reader.take(1)[0]
        reader.number()
        if name in EXPORTS and kind == KIND_FUNC:
            names.add(name)
            items.append(body[start:reader.at])
    for name in EXPORTS:
        if name not in names:
            raise WasmError(f"it does not export the function '{name.decode()}'")
    return _number(len(items)) + b"".join(items)


def shape(wasm, max_pages):
    """`wasm` with only `call` and `deploy` exported, its memory import capped, and without custom sections."""
    if wasm[:8] != b"\0asm\1\0\0\0":
        raise WasmError("it is not a wasm module")
    reader, out = _Reader(wasm), bytearray(wasm[:8])
    reader.at = 8
    exported = False
    while reader.at < len(wasm):
        section = reader.take(1)[0]
        body = reader.take(reader.number())
        if section == SECTION_CUSTOM:
            continue
        if section == SECTION_IMPORT:
            body = _imports(body, max_pages)
        if section == SECTION_EXPORT:
            body, exported = _exports(body), True
        out += bytes([section]) + _number(len(body)) + body
    if not exported:
        raise WasmError("it exports nothing")
    return bytes(out)


def finish(raw_path, out_path, max_pages=16):
    """Shapes, optimises and checks the module at `raw_path`; writes `out_path` and returns its bytes."""
    shaped_path = out_path + ".shaped"
    with open(raw_path, "rb") as file:
        shaped = shape(file.read(), max_pages)
    with open(shaped_path, "wb") as file:
        file.write(shaped)
    try:
        _run(["wasm-opt", "-Oz", "--mvp-features", "--enable-sign-ext", "--zero-filled-memory", shaped_path, "-o", shaped_path + ".opt"])
        with open(shaped_path + ".opt", "rb") as file:
            final = shape(file.read(), max_pages)
    finally:
        for path in (shaped_path, shaped_path + ".opt"):
            if os.path.exists(path):
                os.remove(path)
    with open(out_path, "wb") as file:
        file.write(final)
    check_instructions(out_path)
    return final


def check_instructions(path):
    """Refuses floating point, and any instruction outside the MVP and sign extension."""
    _run(["wasm-validate", "--disable-saturating-float-to-int", "--disable-simd", "--disable-multi-value",
          "--disable-bulk-memory", "--disable-reference-types", path])
    listing = _run(["wasm-objdump", "-d", path])
    function = "?"
    for line in listing.splitlines():
        if line.startswith("0"):
            function = line.split()[1]
        found = re.search(r"\b(f32|f64)\.\w+", line)
        if found:
            raise WasmError(f"function {function} uses floating point ({found.group(0)}), which is not deterministic")


def _run(command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise WasmError(f"'{command[0]}' is not installed; install the packages binaryen and wabt") from None
    if done.returncode != 0:
        raise WasmError(f"{command[0]} refused it: {(done.stderr or done.stdout).strip()[:2000]}")
    return done.stdout
