"""Keeps what the compiler makes of the simulator's own sources, which no design changes.

Verilator's makefile calls it as ``OBJCACHE``: ``object_cache.py COMPILER ARGUMENT ...``. A source
with an absolute path belongs to Verilator or cocotb; its object is kept per user, named by command,
source and the headers beside it, if the compiler's list of what it has read (``-MMD``) names none
of the design's files: cocotb's main program reads ``Vtop.h``. Anything else is compiled as asked.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

RULE = "2: of files with absolute paths only"
"""By which objects are kept; those of another rule are not taken."""


def folder() -> Path:
    """``HWGEN_CACHE``, else hwgen's folder in the user's cache."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("HWGEN_CACHE") or Path(base) / "hwgen") / "objects"


def key(command: list[str], source: Path) -> str:
    """Names the object: the command, and size and time of the source and its headers."""
    compiler = Path(shutil.which(command[0]) or command[0]).resolve()
    parts = [RULE, *command, str(compiler), str(compiler.stat().st_mtime_ns)]
    for path in sorted([source, *source.parent.glob("*.h")]):
        parts.append(f"{path} {path.stat().st_size} {path.stat().st_mtime_ns}")
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def copy(origin: Path, to: Path) -> bool:
    """Copy aside, then rename; False where the file system does not let it."""
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        handle, aside = tempfile.mkstemp(dir=to.parent)
        os.close(handle)
        shutil.copyfile(origin, aside)
        Path(aside).replace(to)
    except OSError:
        return False
    return True


def is_fixed(made: Path) -> bool:
    """Whether object ``made`` was compiled from files with absolute paths only, by its list."""
    try:
        text = made.with_suffix(".d").read_text()
    except OSError:
        return False
    _, _, read = text.replace("\\\n", " ").partition(":")
    return all(Path(word).is_absolute() for word in read.split())


def main(command: list[str]) -> int:
    """Compile, or take what was compiled before; the compiler's exit status."""
    sources = [Path(word) for word in command if word.endswith(".cpp") and Path(word).is_absolute()]
    if "-o" not in command or len(sources) != 1:
        return subprocess.call(command)
    made = Path(command[command.index("-o") + 1])
    kept = folder() / f"{key(command, sources[0])}.o"
    if kept.is_file() and copy(kept, made):
        return 0
    status = subprocess.call(command)
    if status == 0 and is_fixed(made):
        copy(made, kept)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
