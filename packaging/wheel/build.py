#!/usr/bin/env python3
"""Makes a Python wheel that carries built binaries: build.py BUILT OUT; prints its path.

There is no Python in it: pip lays what is below `data/scripts` into the environment's `bin`. A wheel has no links, so
the v* commands are two-line scripts that start `vospace` beside them under their own name. Manual pages and completions are below
`data/data/share`, which becomes the environment's `share`. Needs only the standard library, and strip and objdump of the compiler's
tools.
"""

import base64
import hashlib
import os
import pathlib
import platform
import re
import subprocess
import sys
import tempfile
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent
PROGRAMS = ["mountvofs", "vospace", "vospaced"]
# The time of all entries, so that the same binaries give the same wheel.
EPOCH = (1980, 1, 1, 0, 0, 0)


def version():
    return re.search(r'^version = "(.*)"$', (TOP / "Cargo.toml").read_text(), re.M).group(1)


def commands():
    """The names that the installation gives to vospace."""
    text = (TOP / "packaging/install.sh").read_text()
    return re.search(r"^commands=\((.*?)\)", text, re.M | re.S).group(1).split()


def tag(binaries):
    """The oldest C library that the programs run with, in the words of PEP 600."""
    symbols = subprocess.run(["objdump", "-T", *binaries], check=True, capture_output=True, text=True).stdout
    minor = max(int(number) for number in re.findall(r"GLIBC_2\.(\d+)", symbols))
    return f"py3-none-manylinux_2_{minor}_{platform.machine()}"


def shared(built, work):
    """Manual pages and completions, as the installation lays them: paths below the prefix, and what is in them."""
    installation = [TOP / "packaging/install.sh", "install", "/", built]
    subprocess.run(installation, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "DESTDIR": work})
    places = ["share/man", "share/bash-completion", "share/zsh", "share/fish"]
    files = sorted(path for place in places for path in pathlib.Path(work, place).rglob("*") if path.is_file())
    # A link becomes a copy.
    return [(path.relative_to(work).as_posix(), path.read_bytes()) for path in files]


def script(command):
    """vospace beside it, under another name: it acts by the name that it is called with."""
    return f'#!/usr/bin/env bash\nexec -a {command} "$(dirname "$(readlink -f "$0")")/vospace" "$@"\n'.encode()


def main(built, out):
    name = f"vofs-{version()}"
    with tempfile.TemporaryDirectory() as work:
        programs = {}
        for program in PROGRAMS:
            programs[program] = pathlib.Path(work, program)
            subprocess.run(["strip", "--strip-debug", "-o", programs[program], pathlib.Path(built, program)], check=True)
        tags = tag(programs.values())
        entries = [(f"{name}.data/scripts/{program}", path.read_bytes(), 0o755) for program, path in programs.items()]
    with tempfile.TemporaryDirectory() as work:
        entries += [(f"{name}.data/data/{path}", data, 0o644) for path, data in shared(built, work)]
    entries += [(f"{name}.data/scripts/{command}", script(command), 0o755) for command in commands()]
    metadata = (
        f"Metadata-Version: 2.1\nName: vofs\nVersion: {version()}\n"
        "Summary: VOSpace as a directory, and the v* commands\nLicense: MIT OR Apache-2.0\n"
        "Requires-Python: >=3.8\nDescription-Content-Type: text/markdown\n\n" + (TOP / "README.md").read_text()
    )
    wheel = f"Wheel-Version: 1.0\nGenerator: vofs\nRoot-Is-Purelib: false\nTag: {tags}\n"
    entries += [(f"{name}.dist-info/METADATA", metadata.encode(), 0o644), (f"{name}.dist-info/WHEEL", wheel.encode(), 0o644)]
    entries += [(f"{name}.dist-info/licenses/{text.name}", text.read_bytes(), 0o644) for text in sorted(TOP.glob("LICENSE-*"))]
    record = "".join(
        f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b'=').decode()},{len(data)}\n"
        for path, data, _ in entries
    )
    entries.append((f"{name}.dist-info/RECORD", (record + f"{name}.dist-info/RECORD,,\n").encode(), 0o644))
    os.makedirs(out, exist_ok=True)
    target = pathlib.Path(out, f"{name}-{tags}.whl")
    # The level is a matter of time only: 1 for the tests, 9 for what is handed on.
    level = int(os.environ.get("WHEEL_COMPRESSION", "9"))
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as archive:
        for path, data, mode in entries:
            entry = zipfile.ZipInfo(path, EPOCH)
            entry.external_attr = (0o100000 | mode) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    print(target)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: build.py BUILT OUT")
    main(sys.argv[1], sys.argv[2])
