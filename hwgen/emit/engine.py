"""The artefact of an engine: its Verilog, how its streams speak, vectors and a bench."""

from pathlib import Path

import numpy as np

from ..plan.engines import ENGINES
from .engines import WORKS
from .engines.frames import Frames
from .folder import aside_of, complete, require_replaceable, write_verilog
from .manifest import MAGIC, MANIFEST_VERSION, tools_used
from .verilog import module_name

__all__ = ["sample_products", "spec_from", "write_engine", "write_jobs"]

BENCH_FILES = ("bench_found.py", "bench_model.py", "bench_watch.py", "compiled_bench.py",
               "engine_bench.py", "object_cache.py", "run.py", "stream_bench.py")
"""The bench of an engine and what it needs; none of them needs hwgen."""


def write_engine(spec, folder, *, name: str | None = None, products=None, progress=None) -> Path:
    """Write ``folder``: Verilog, manifest, vectors, bench and README.

    Parameters
    ----------
    spec : one of :data:`hwgen.plan.engines.ENGINES`
    folder : path
        As of :func:`hwgen.emit.write_artefact`.
    name : str, optional
        Of the Verilog module and its file; by default that of the folder.
    products : sequence, optional
        What the vectors are of, as :mod:`hwgen.emit.engines` has it for each engine; by default
        :func:`sample_products`.
    progress : callable(str), optional

    Returns
    -------
    Path    The folder. Until all of it is written, the old one stays as it is.

    Raises
    ------
    TypeError    If ``spec`` is none.
    SpecError    If ``folder`` holds something else, or the engine cannot multiply ``products``.
    ToolError    If Yosys is missing or fails.
    """
    if type(spec) not in ENGINES.values():
        raise TypeError(f"spec must be that of an engine, not {spec!r}")
    folder, work = Path(folder), WORKS[spec.engine]
    name = name or folder.name
    require_replaceable(folder)
    say = progress or (lambda line: None)
    with aside_of(folder) as aside:
        say("numpy: vectors")
        write_jobs(aside / "vectors.npz", spec, products or sample_products(spec))
        say("Amaranth to Verilog")
        write_verilog(aside, work.component(spec), name, progress)
        manifest = _describe(spec, name)
        complete(aside, manifest, work.readme(manifest), BENCH_FILES)
    return folder


def _describe(spec, name) -> dict:
    """All of the manifest but the hashes."""
    return {
        "format": f"{MAGIC}engine", "version": MANIFEST_VERSION, "name": name,
        "top": module_name(name), "verilog": [f"{name}.v"], "clock": "clk", "reset": "rst",
        **{side: {"port": port, "beat_bytes": size}
           for side, (port, size) in WORKS[spec.engine].sides(spec).items()},
        "probes": [], "engine": spec.to_dict(), "memory_bits": spec.memory_bits,
        "tools": tools_used(),
    }


def spec_from(entry: dict):
    """The engine that the entry ``engine`` of a manifest describes."""
    return WORKS[entry["engine"]].spec_from(entry)


def sample_products(spec, *, seed: int = 0) -> list:
    """Products that divide by the engine's sizes and that do not, of extremes and at random."""
    return WORKS[spec.engine].sample(spec, np.random.default_rng(seed))


def write_jobs(path, spec, products) -> Frames:
    """Write ``path`` (npz) for the bench; what is in it.

    ``weights``, ``x``, ``results`` are the frames of all jobs, uint8, one behind the other, and
    ``weights_bytes`` and so on the bytes of each; ``cycles`` what they take without stalls. What
    else there is are the operands, as :mod:`hwgen.emit.engines` has them.
    """
    done = WORKS[spec.engine].frames(spec, products)
    arrays = dict(done.arrays)
    for what, parts in (("weights", done.weights), ("x", done.x), ("results", done.results)):
        arrays[what] = np.frombuffer(b"".join(parts), np.uint8)
        arrays[f"{what}_bytes"] = np.array([len(part) for part in parts])
    with Path(path).open("wb") as file:
        np.savez_compressed(file, **arrays, cycles=done.cycles)
    return done
