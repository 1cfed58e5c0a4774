"""The sparse engine on matrices of a folder: exact against scipy, in the cycles of the model.

All files of Matrix Market and of layers' patterns below the folder; real values are rounded to 16
bits with the finest scale that holds them, patterns have random values. Each product is simulated
alone, all in a row, and all again under random stalls; but not those of the largest matrices, whose
cycles are those of the model that all others confirm.
"""

from pathlib import Path

import numpy as np
import scipy.sparse

from hwgen.flow.engine import build_engine
from hwgen.flow.spmv import Prepared, prepared, timing_of
from hwgen.flow.steps import code_digest
from hwgen.host.csr import Csr
from hwgen.host.spmv import SpmvHost
from hwgen.numeric import Fixed, SpecError
from hwgen.verify import simulate_engine

from ..frame.bench import SEED, file_digests, machine
from ..frame.row import Row
from .spmv_ecp5 import SPEC

__all__ = ["KEY", "inputs", "lacking", "measure"]

LARGE = 5000
"""Least nonzeros of the matrices that the median is of."""

MOST_BEATS = 20_000
"""Of entries that are simulated; of a larger matrix the model's cycles are told."""

MUST, STRETCH = ">= 0.85", ">= 0.92"

KEY = (SPEC.to_dict(), LARGE, SEED)


def lacking(bench) -> str | None:
    """Matrices."""
    return None if bench.data and _files(bench.data) else (
        "--data FOLDER with matrices, .mtx or .smtx")


def inputs(bench) -> dict:
    """What the files hold, and the code that packs them."""
    return file_digests(_files(bench.data)) | {"code": code_digest("host", "flow")}


def _files(folder) -> list[Path]:
    return sorted(path for suffix in ("mtx", "smtx") for path in Path(folder).rglob(f"*.{suffix}"))


def measure(bench):
    """For each matrix its cycles, alone and in a row; of all whether they are scipy's."""
    host, rng = SpmvHost.from_manifest(SPEC.to_dict()), np.random.default_rng(SEED)
    folder = build_engine(SPEC, bench.folder / bench.part / "engine", progress=bench.tell_step)
    files, products, large, wrong = _files(bench.data), [], [], 0
    for number, path in enumerate(files):
        bench.tell(number / len(files), path.name)
        found = _with_values(prepared(path, Fixed(SPEC.weights.bits), fits=True), path, rng)
        if not found.matrix.nnz:
            continue
        timing = timing_of(SPEC, host, host.pack(found.matrix, frac=found.frac))
        if found.matrix.nnz >= LARGE:
            large.append(timing)
        if timing.beats > MOST_BEATS:
            yield from _rows(path, found, timing, None)
            continue
        x = rng.integers(SPEC.x.min, SPEC.x.max, found.matrix.shape[1], endpoint=True)
        products.append([(found.matrix, x)])
        result = simulate_engine(folder, products[-1:], progress=bench.tell_step)
        wrong += not np.array_equal(result.products[0], _scipys(found.matrix, x))
        yield from _rows(path, found, timing, result.cycles)
    yield from _together(bench, folder, products, wrong)
    for how, share in (("alone", "utilisation"), ("in a row", "sustained")):
        if large:
            yield Row(work=f"{len(large)} matrices of at least {LARGE:,} nonzeros", must=MUST,
                      stretch=STRETCH, metric=f"median of all products, {how}",
                      value=round(float(np.median([getattr(each, share) for each in large])), 4))


def _with_values(found: Prepared, path, rng) -> Prepared:
    """A pattern with random values; what else there is as it is."""
    if path.suffix != ".smtx":
        return found
    matrix, fmt = found.matrix, SPEC.weights
    values = rng.integers(1, fmt.max, matrix.nnz, endpoint=True) * rng.choice([-1, 1], matrix.nnz)
    return found._replace(matrix=Csr(matrix.shape, matrix.starts, matrix.columns, values), frac=0)


def _scipys(matrix, x) -> np.ndarray:
    return scipy.sparse.csr_array((matrix.values, matrix.columns, matrix.starts), matrix.shape) @ x


def _rows(path, found, timing, cycles):
    m, n = found.matrix.shape
    work = {"work": f"{_name(path)}, {m} x {n}, {found.matrix.nnz:,} nonzeros", "seed": SEED,
            "device": machine(), "tools": "Verilator"}
    if cycles is None:
        yield Row(**work, metric="cycles alone, of the model", value=timing.cycles, unit="cycles")
    else:
        yield Row(**work, metric="cycles alone", value=cycles, unit="cycles",
                  must=f"== {timing.cycles}")
    yield Row(**work, metric="of them with entries", value=timing.beats, unit="cycles")
    yield Row(**work, metric="nonzeros / 16", value=timing.ideal, unit="cycles")
    yield Row(**work, metric="of all products, alone", value=round(timing.utilisation, 4))
    yield Row(**work, metric="of all products, in a row", value=round(timing.sustained, 4))


def _name(path: Path) -> str:
    """Short, but of its own: layers of one name are told apart by how they were pruned."""
    if path.suffix == ".mtx":
        return path.stem
    *_, how, density, name = path.with_suffix("").parts
    return f"{how} {density} {name[:28]}"


def _together(bench, folder, products, wrong):
    work = {"work": f"{len(products)} matrices", "seed": SEED, "device": machine(),
            "tools": "Verilator"}
    if not products:
        raise SpecError(f"{bench.data}: must hold a matrix with entries, not too large to simulate")
    for stalls in ("none", "random"):
        result = simulate_engine(folder, products, stalls=stalls, seed=SEED,
                                 progress=bench.tell_step)
        wrong += sum(not np.array_equal(found, _scipys(*product))
                     for found, [product] in zip(result.products, products, strict=True))
        if stalls == "none":
            nonzeros = sum(matrix.nnz for [(matrix, _)] in products)
            yield Row(**work, metric="cycles, all in a row", value=result.cycles, unit="cycles")
            yield Row(**work, metric="of all products, all in a row",
                      value=round(nonzeros / SPEC.lanes / result.cycles, 4))
    yield Row(**work, metric="products that differ from scipy's, alone, in a row, stalled",
              value=wrong, must="== 0")
