"""The artefact of an engine: its Verilog, how its streams speak, vectors and a bench."""

from pathlib import Path

import numpy as np

from ..host.systolic import SystolicHost
from ..numeric import SpecError, as_int64, format_from_dict
from ..plan.engines import SystolicSpec
from ..rtl.systolic import SystolicEngine
from .engine_readme import engine_readme
from .folder import aside_of, complete, require_replaceable, write_verilog
from .manifest import MAGIC, MANIFEST_VERSION, tools_used
from .verilog import module_name

__all__ = ["sample_products", "spec_from", "write_engine", "write_jobs"]

COMPONENTS = {"systolic": SystolicEngine}
"""Name of an engine -> the component that implements it."""

BENCH_FILES = ("bench_found.py", "bench_model.py", "bench_watch.py", "compiled_bench.py",
               "engine_bench.py", "object_cache.py", "run.py", "stream_bench.py")
"""The bench of an engine and what it needs; none of them needs hwgen."""

MAX_SAMPLE = 24
"""Most vectors and tiles of the sample's products, so that they simulate in seconds."""


def write_engine(spec: SystolicSpec, folder, *, name: str | None = None, products=None,
                 progress=None) -> Path:
    """Write ``folder``: Verilog, manifest, vectors, bench and README.

    Parameters
    ----------
    spec : SystolicSpec
    folder : path
        As of :func:`hwgen.emit.write_artefact`.
    name : str, optional
        Of the Verilog module and its file; by default that of the folder.
    products : sequence of (a, b), optional
        Integers ``(m, k)`` and ``(k, n)`` of the vectors; by default :func:`sample_products`.
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
    if not isinstance(spec, SystolicSpec):
        raise TypeError(f"spec must be a SystolicSpec, not {spec!r}")
    folder = Path(folder)
    name = name or folder.name
    require_replaceable(folder)
    say = progress or (lambda line: None)
    with aside_of(folder) as aside:
        say("numpy: vectors")
        write_jobs(aside / "vectors.npz", spec, products or sample_products(spec))
        say("Amaranth to Verilog")
        write_verilog(aside, COMPONENTS[spec.engine](spec), name, progress)
        manifest = _describe(spec, name)
        complete(aside, manifest, engine_readme(manifest), BENCH_FILES)
    return folder


def _describe(spec, name) -> dict:
    """All of the manifest but the hashes."""
    sides = {"weights": ("s_axis_weights", spec.weight_bytes),
             "input": ("s_axis", spec.x_bytes), "output": ("m_axis", spec.result_bytes)}
    return {
        "format": f"{MAGIC}engine", "version": MANIFEST_VERSION, "name": name,
        "top": module_name(name), "verilog": [f"{name}.v"], "clock": "clk", "reset": "rst",
        **{side: {"port": port, "beat_bytes": size} for side, (port, size) in sides.items()},
        "probes": [], "engine": spec.to_dict(), "memory_bits": spec.memory_bits,
        "tools": tools_used(),
    }


def spec_from(entry: dict) -> SystolicSpec:
    """The engine that the entry ``engine`` of a manifest describes."""
    sizes = {what: entry[what] for what in ("rows", "columns", "depth", "tiles", "multipliers")}
    formats = {what: format_from_dict(entry[what]) for what in ("x", "weights")}
    return SystolicSpec(**sizes, **formats)


def sample_products(spec: SystolicSpec, *, seed: int = 0) -> list:
    """Products that divide by the engine's sizes and that do not, of extremes and at random."""
    rng = np.random.default_rng(seed)
    depth, tiles = min(spec.depth, MAX_SAMPLE), min(spec.tiles, 4)
    rows, columns = spec.rows, spec.columns
    shapes = [(1, 1, 1), (depth, rows * tiles, columns),
              (depth + 1, max(1, rows * tiles - 1), columns + 1), (2, rows, 2 * columns)]
    products = [tuple(_drawn(rng, fmt, shape) for fmt, shape in (
        (spec.x, (m, k)), (spec.weights, (k, n)))) for m, k, n in shapes]
    a, b = (np.full(shape, fmt.min) for fmt, shape in (
        (spec.x, (depth, rows * tiles)), (spec.weights, (rows * tiles, columns))))
    return [*products, (a, b)]


def _drawn(rng, fmt, shape):
    return rng.integers(fmt.min, fmt.max, shape, endpoint=True)


def write_jobs(path, spec: SystolicSpec, products) -> list[np.ndarray]:
    """Write ``path`` (npz) for the bench; the products, by numpy in int64.

    ``weights``, ``x``, ``results`` are the frames of all jobs, uint8, one behind the other, and
    ``weights_bytes`` and so on the bytes of each; ``cycles`` what they take without stalls.
    ``a0``, ``b0``, ``c0`` and so on are the matrices.
    """
    host, jobs, results, arrays = SystolicHost.from_manifest(spec.to_dict()), [], [], {}
    planned, answers = [], []
    for number, pair in enumerate(products):
        jobs += host.frames(*pair)
        a, b = as_int64(pair[0], "a"), as_int64(pair[1], "b")
        answers.append(a @ b)
        results += _result_frames(spec, answers[-1])
        planned += spec.jobs(len(a), *b.shape)
        arrays |= {f"a{number}": a, f"b{number}": b, f"c{number}": answers[-1]}
    frames = {"weights": [job.weights for job in jobs], "x": [job.x for job in jobs],
              "results": results}
    for what, parts in frames.items():
        arrays[what] = np.frombuffer(b"".join(parts), np.uint8)
        arrays[f"{what}_bytes"] = np.array([len(part) for part in parts])
    with Path(path).open("wb") as file:
        np.savez_compressed(file, **arrays, cycles=spec.cycles_of(planned))
    return answers


def _result_frames(spec, answer) -> list[bytes]:
    """What the engine must send for it, by ``docs/systolic.md``: columns that lack are zeros."""
    size = -(-spec.accumulator.bits // 8)
    m, n = answer.shape
    if answer.min() < spec.accumulator.min or answer.max() > spec.accumulator.max:
        raise SpecError(f"results must fit {spec.accumulator}, not run from {answer.min()} to"
                        f" {answer.max()}")
    padded = np.pad(answer, ((0, 0), (0, -n % spec.columns)))
    octets = np.ascontiguousarray(padded, "<i8").view(np.uint8).reshape(*padded.shape, 8)
    return [octets[row:row + spec.depth, column:column + spec.columns, :size].tobytes()
            for column in range(0, n, spec.columns) for row in range(0, m, spec.depth)]
