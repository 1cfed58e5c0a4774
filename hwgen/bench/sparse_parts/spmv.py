"""The sparse engine on matrices of a folder: exact against scipy, in the cycles of the model.

All files of Matrix Market and of layers' patterns below the folder; real values are rounded to 16
bits with the finest scale that holds them, patterns have random values. All products are simulated,
in a row and again under random stalls, but those of the largest matrices; of each that is not small
also its cycles alone. What is not simulated is told by the model, which simulation holds to the
cycle.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import scipy.sparse

from hwgen.flow.engine import build_engine
from hwgen.flow.spmv import Prepared, Timing, prepared, timing_of
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
"""Least nonzeros of the matrices that the median is of, and that are simulated alone."""

MOST_BEATS = 20_000
"""Of entries that are simulated."""

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
    """Of all matrices whether products are scipy's; of each its cycles, alone and in a row."""
    host, rng = SpmvHost.from_manifest(SPEC.to_dict()), np.random.default_rng(SEED)
    folder = build_engine(SPEC, bench.folder / bench.part / "engine", progress=bench.tell_step)
    works = []
    for path in _files(bench.data):
        bench.tell(None, path.name)
        found = _with_values(prepared(path, Fixed(SPEC.weights.bits), fits=True), path, rng)
        if found.matrix.nnz:
            timing = timing_of(SPEC, host, host.pack(found.matrix, frac=found.frac))
            x = rng.integers(SPEC.x.min, SPEC.x.max, found.matrix.shape[1], endpoint=True)
            works.append(Work(path, found.matrix, x, timing))
    simulated = [work for work in works if work.timing.beats <= MOST_BEATS]
    yield from _together(bench, folder, simulated)
    for work in works:
        is_alone = work.timing.beats <= MOST_BEATS and work.matrix.nnz >= LARGE
        yield from _rows(work, _alone(bench, folder, work) if is_alone else None)
    large = [work.timing for work in works if work.matrix.nnz >= LARGE]
    for how, share in (("alone", "utilisation"), ("in a row", "sustained")):
        if large:
            yield Row(work=f"{len(large)} matrices of at least {LARGE:,} nonzeros", must=MUST,
                      stretch=STRETCH, metric=f"median of all products, {how}",
                      value=round(float(np.median([getattr(each, share) for each in large])), 4))


class Work(NamedTuple):
    """A product: the file of its matrix, the matrix as integers, x, and its cycles."""

    path: Path
    matrix: Csr
    x: np.ndarray
    timing: Timing

    @property
    def y(self) -> np.ndarray:
        """As scipy has it."""
        matrix = self.matrix
        return scipy.sparse.csr_array(
            (matrix.values, matrix.columns, matrix.starts), matrix.shape) @ self.x


def _with_values(found: Prepared, path, rng) -> Prepared:
    """A pattern with random values; what else there is as it is."""
    if path.suffix != ".smtx":
        return found
    matrix, fmt = found.matrix, SPEC.weights
    values = rng.integers(1, fmt.max, matrix.nnz, endpoint=True) * rng.choice([-1, 1], matrix.nnz)
    return found._replace(matrix=Csr(matrix.shape, matrix.starts, matrix.columns, values), frac=0)


def _alone(bench, folder, work) -> int:
    """Cycles in the simulator."""
    return simulate_engine(folder, [[(work.matrix, work.x)]], progress=bench.tell_step).cycles


def _rows(work, cycles):
    timing, (m, n) = work.timing, work.matrix.shape
    same = {"work": f"{_name(work.path)}, {m} x {n}, {work.matrix.nnz:,} nonzeros", "seed": SEED,
            "device": machine(), "tools": "Verilator"}
    if cycles is None:
        yield Row(**same, metric="cycles alone, of the model", value=timing.cycles, unit="cycles")
    else:
        yield Row(**same, metric="cycles alone", value=cycles, unit="cycles",
                  must=f"== {timing.cycles}")
    yield Row(**same, metric="of them with entries", value=timing.beats, unit="cycles")
    yield Row(**same, metric="nonzeros / 16", value=timing.ideal, unit="cycles")
    yield Row(**same, metric="of all products, alone", value=round(timing.utilisation, 4))
    yield Row(**same, metric="of all products, in a row", value=round(timing.sustained, 4))


def _name(path: Path) -> str:
    """Short, but of its own: layers of one name are told apart by how they were pruned."""
    if path.suffix == ".mtx":
        return path.stem
    *_, how, density, name = path.with_suffix("").parts
    return f"{how} {density} {name[:28]}"


def _together(bench, folder, works):
    same = {"work": f"{len(works)} matrices", "seed": SEED, "device": machine(),
            "tools": "Verilator"}
    if not works:
        raise SpecError(f"{bench.data}: must hold a matrix with entries, not too large to simulate")
    products = [[(work.matrix, work.x)] for work in works]
    for stalls in ("none", "random"):
        result = simulate_engine(folder, products, stalls=stalls, seed=SEED,
                                 progress=bench.tell_step)
        wrong = sum(not np.array_equal(found, work.y)
                    for found, work in zip(result.products, works, strict=True))
        how = "in a row" if stalls == "none" else "under random stalls"
        yield Row(**same, metric=f"products that differ from scipy's, {how}", value=wrong,
                  must="== 0")
        if stalls == "none":
            nonzeros = sum(work.matrix.nnz for work in works)
            yield Row(**same, metric="cycles, in a row", value=result.cycles, unit="cycles")
            yield Row(**same, metric="of all products, in a row",
                      value=round(nonzeros / SPEC.lanes / result.cycles, 4))
