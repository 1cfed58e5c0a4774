"""The folder of an artefact: written aside, then renamed, so that it is whole or not there."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

from ..numeric import SpecError
from .manifest import MANIFEST, file_hashes
from .verilog import module_name, to_verilog

__all__ = ["aside_of", "bench_folder", "complete", "copy_bench", "require_replaceable",
           "write_json", "write_verilog"]


def bench_folder() -> Path:
    """The folder of the benches, as files."""
    return Path(str(resources.files("hwgen.tb")))


def copy_bench(folder: Path, names) -> None:
    """Copy those benches into ``folder``, which is new."""
    folder.mkdir()
    for name in names:
        shutil.copyfile(bench_folder() / name, folder / name)


def write_json(path: Path, document) -> None:
    """Write ``document``, for people too."""
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def complete(folder: Path, manifest: dict, readme: str, bench) -> None:
    """Add to ``folder`` the ``bench`` files, the README, and the manifest with hashes of all."""
    copy_bench(folder / "bench", bench)
    (folder / "README.txt").write_text(readme, encoding="utf-8")
    write_json(folder / MANIFEST, manifest | {"sha256": file_hashes(folder)})


def write_verilog(folder: Path, component, name: str, progress) -> str:
    """Write ``component`` into ``folder`` as ``name.v``; the text."""
    with tempfile.TemporaryDirectory(dir=folder, prefix="verilog-") as work:
        text = to_verilog(component, module_name(name), folder=work, progress=progress)
    (folder / f"{name}.v").write_text(text, encoding="utf-8")
    return text


def require_replaceable(folder: Path) -> None:
    """Raise SpecError if ``folder`` holds something that is no artefact."""
    if folder.exists() and not folder.is_dir():
        raise SpecError(f"{folder}: output must be a folder, not a file")
    there = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    if there and MANIFEST not in there:
        some = ", ".join(there[:5]) + (f" and {len(there) - 5} more" if len(there) > 5 else "")
        raise SpecError(f"{folder}: output folder must be empty or an artefact (with {MANIFEST}),"
                        f" but it holds {some}; choose another or move them away")


@contextmanager
def aside_of(folder: Path) -> Iterator[Path]:
    """A new folder beside ``folder`` that takes its place at the end, or is removed on error."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}.new-"))
    try:
        umask = os.umask(0)
        os.umask(umask)
        work.chmod(0o777 & ~umask)
        yield work
        _replace(work, folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _replace(work: Path, folder: Path):
    if not folder.exists():
        work.rename(folder)
        return
    old = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}.old-"))
    try:
        folder.rename(old)  # over an empty folder
        work.rename(folder)
    finally:
        if not folder.exists():
            old.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
