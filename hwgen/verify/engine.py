"""The emitted Verilog of an engine in a simulator: products that must be numpy's."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..emit import read_manifest
from ..emit.engine import spec_from, write_jobs
from ..numeric import SpecError
from ..toolchain import find
from .process import run_bench
from .simulate import SIMULATORS, STALLS

__all__ = ["EngineMismatchError", "EngineResult", "simulate_engine"]


class EngineMismatchError(RuntimeError):
    """The engine does not send what numpy says, or not when the formula says."""


@dataclass(frozen=True, eq=False)
class EngineResult:
    """What an engine in the simulator made of some products.

    Members
    -------
    products : list of int64 ``(m, n)``    as the hardware sent them
    jobs, compared : int                   jobs, and results that are equal to numpy's: all
    cycles : int or None                   of all jobs in a row; None with stalls
    simulated_cycles : int
    seconds : float                        wall-clock time of the simulation
    stalls, seed, simulator, version       what was run, with what
    """

    products: list
    jobs: int
    compared: int
    cycles: int | None
    simulated_cycles: int
    seconds: float
    stalls: str
    seed: int
    simulator: str
    version: str


def simulate_engine(folder, products=None, *, stalls: str = "none", seed: int = 0,
                    simulator: str = "verilator", netlist=None, progress=None) -> EngineResult:
    """Multiply ``products`` in the Verilog of an engine's artefact, and compare with numpy.

    Parameters
    ----------
    folder : path
    products : sequence of (a, b), optional
        Integers ``(m, k)`` and ``(k, n)``; by default those of the artefact's vectors.
    stalls, seed, simulator, netlist, progress
        As of :func:`hwgen.verify.simulate`; ``input`` stalls weights too.

    Raises
    ------
    SpecError         If the folder is no engine's, or it cannot multiply ``products``.
    EngineMismatchError
        If a result differs, comes too late or not at all; or, without stalls, if they took other
        cycles than :meth:`SystolicSpec.cycles_of` says.
    ToolError         If the simulator is missing or fails.
    """
    for what, value, choices in (("stalls", stalls, STALLS),
                                 ("simulator", simulator, tuple(SIMULATORS))):
        if value not in choices:
            raise SpecError(f"{what} must be one of {list(choices)}, not {value!r}")
    folder = Path(folder).resolve()
    manifest = read_manifest(folder, "engine")
    find(SIMULATORS[simulator])
    products = _stored(folder) if products is None else list(products)
    what = Path(netlist).stem if netlist else manifest["sha256"][manifest["verilog"][0]][:12]
    results = folder / "sim" / f"{simulator}-{what}-{stalls}-{seed}"
    results.mkdir(parents=True, exist_ok=True)
    spec = spec_from(manifest["engine"])
    answers = write_jobs(results / "vectors.npz", spec, products)
    found = run_bench(
        ["--sim", simulator, "--stalls", stalls, "--seed", seed, "--artefact", folder,
         "--vectors", results / "vectors.npz", "--results", results,
         "--build", folder / "sim" / f"build-{simulator}-{what}",
         *(["--netlist", Path(netlist).resolve()] if netlist else [])],
        results, how=simulator, progress=progress or (lambda step, fraction, text: None))
    if not found["passed"]:
        _fail(manifest, found)
    keys = ("jobs", "compared", "cycles", "simulated_cycles", "seconds", "stalls", "seed",
            "version")
    return EngineResult(products=_products(results, spec, answers), simulator=simulator,
                        **{key: found[key] for key in keys})


def _stored(folder) -> list:
    with np.load(folder / "vectors.npz", allow_pickle=False) as arrays:
        count = sum(name[0] == "a" for name in arrays.files)
        return [(arrays[f"a{k}"], arrays[f"b{k}"]) for k in range(count)]


def _products(results, spec, answers) -> list:
    """What came out, cut into the matrices that it is of."""
    with np.load(results / "found.npz", allow_pickle=False) as arrays:
        values, begin, products = arrays["found"].reshape(-1, spec.columns), 0, []
    for m, n in (answer.shape for answer in answers):
        blocks = -(-n // spec.columns)
        part = values[begin:begin + blocks * m].reshape(blocks, m, spec.columns)
        products.append(np.moveaxis(part, 0, 1).reshape(m, -1)[:, :n])
        begin += blocks * m
    return products


def _fail(manifest, found):
    lines = [f"  {fault}" for fault in found["faults"]]
    lines += [f"  job {wrong['job']}, vector {wrong['vector']}, column {wrong['column']}: expected"
              f" {wrong['expected']}, found {wrong['found']}" for wrong in found["mismatches"][:1]]
    raise EngineMismatchError("\n".join([
        f"{manifest['name']}: results must be those of numpy, but {found['mismatched']} of"
        f" {found['compared']} differ (stalls {found['stalls']}, seed {found['seed']})", *lines]))
