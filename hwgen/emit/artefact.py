"""Writing the artefact folder: aside, then renamed, so that it is whole or not there."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

from ..numeric import SpecError
from ..plan import Design
from ..rtl.pipeline import Pipeline
from .manifest import MANIFEST, describe, file_hashes
from .readme import readme
from .vectors import sample_inputs, write_vectors
from .verilog import module_name, to_verilog
from .weights import describe_loaded, weight_words

__all__ = ["bench_folder", "write_artefact"]

BENCH_FILES = ("bench_found.py", "bench_model.py", "bench_watch.py", "compiled_bench.cpp",
               "compiled_bench.py", "object_cache.py", "run.py", "stream_bench.py")
"""The benches of a core, of those in the folder; none of them needs hwgen."""


def write_artefact(design: Design, folder, *, x=None, progress=None) -> Path:
    """Write ``folder``: Verilog, manifest, network, design, vectors, bench and README.

    Parameters
    ----------
    design : Design
    folder : path
        Made with its parents. An artefact that is there is replaced, with all that was made from
        it; a folder that holds something else is refused.
    x : integers ``(n, *shape)``, optional
        Inputs of the vectors; by default 64 frames, the extremes and random ones.
    progress : callable(str), optional
        Called with a line when a step begins, and with those of Yosys.

    Returns
    -------
    Path    The folder. Until all of it is written, the old one stays as it is.

    Raises
    ------
    TypeError    If ``design`` is none.
    SpecError    If ``folder`` holds something else, or ``x`` does not fit the network.
    ToolError    If Yosys is missing or fails.
    """
    if not isinstance(design, Design):
        raise TypeError(f"design must be a Design, not {design!r}")
    folder = Path(folder)
    _require_replaceable(folder)
    say = progress or (lambda line: None)
    with _aside(folder) as aside:
        say("golden model: vectors")
        x = sample_inputs(design.network) if x is None else x
        loaded = _write_weights(aside, design)
        write_vectors(aside / "vectors.npz", design.network, x, lanes=design.in_lanes,
                      loaded=loaded)
        say("Amaranth to Verilog")
        verilog = _write_verilog(aside, design, progress)
        design.network.save(aside / "network.hwgen")
        _write_json(aside / "design.json", design.to_dict())
        _copy_bench(aside / "bench")
        manifest = describe(design, verilog)
        (aside / "README.txt").write_text(readme(manifest), encoding="utf-8")
        _write_json(aside / MANIFEST, manifest | {"sha256": file_hashes(aside)})
    return folder


def bench_folder() -> Path:
    """The folder of the benches, as files."""
    return Path(str(resources.files("hwgen.tb")))


def _write_verilog(aside, design, progress) -> str:
    with tempfile.TemporaryDirectory(dir=aside, prefix="verilog-") as work:
        text = to_verilog(Pipeline(design), module_name(design.name), folder=work,
                          progress=progress)
    (aside / f"{design.name}.v").write_text(text, encoding="utf-8")
    return text


def _write_weights(aside, design) -> list:
    """``weights.bin`` where weights are loaded; the one set that the vectors are for."""
    if not design.loaded:
        return []
    words = weight_words(describe_loaded(design), design.network)
    (aside / "weights.bin").write_bytes(words.astype("<u4").tobytes())
    return [(design.network, words)]


def _copy_bench(folder):
    folder.mkdir()
    for name in BENCH_FILES:
        shutil.copyfile(bench_folder() / name, folder / name)


def _write_json(path, document):
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def _require_replaceable(folder: Path):
    if folder.exists() and not folder.is_dir():
        raise SpecError(f"{folder}: output must be a folder, not a file")
    there = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    if there and MANIFEST not in there:
        some = ", ".join(there[:5]) + (f" and {len(there) - 5} more" if len(there) > 5 else "")
        raise SpecError(f"{folder}: output folder must be empty or an artefact (with {MANIFEST}),"
                        f" but it holds {some}; choose another or move them away")


@contextmanager
def _aside(folder: Path) -> Iterator[Path]:
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
