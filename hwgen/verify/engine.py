"""The emitted Verilog of an engine in a simulator: products that must be numpy's."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..emit import read_manifest
from ..emit.engine import spec_from, write_jobs
from ..emit.engines import WORKS
from ..toolchain import find
from .process import run_bench
from .simulate import SIMULATORS, require_choices

__all__ = ["EngineMismatchError", "EngineResult", "simulate_engine"]


class EngineMismatchError(RuntimeError):
    """The engine does not send what numpy says, or not when the formula says."""


@dataclass(frozen=True, eq=False)
class EngineResult:
    """What an engine in the simulator made of some products.

    Members
    -------
    products : list of int64 arrays        as the hardware sent them: ``(m, n)``, or ``(m,)``
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
    products : sequence, optional
        As of :func:`hwgen.emit.write_engine`; by default those of the artefact's vectors.
    stalls, seed, simulator, netlist, progress
        As of :func:`hwgen.verify.simulate`; ``input`` stalls weights too.

    Raises
    ------
    SpecError         If the folder is no engine's, or it cannot multiply ``products``.
    EngineMismatchError
        If a result differs, comes too late or not at all; or, without stalls, if they took other
        cycles than the spec's ``cycles_of`` says.
    ToolError         If the simulator is missing or fails.
    """
    require_choices(stalls=stalls, simulator=simulator)
    folder = Path(folder).resolve()
    manifest = read_manifest(folder, "engine")
    find(SIMULATORS[simulator])
    work = WORKS[manifest["engine"]["engine"]]
    products = _stored(folder, work) if products is None else list(products)
    what = Path(netlist).stem if netlist else manifest["sha256"][manifest["verilog"][0]][:12]
    results = folder / "sim" / f"{simulator}-{what}-{stalls}-{seed}"
    results.mkdir(parents=True, exist_ok=True)
    spec = spec_from(manifest["engine"])
    sent = write_jobs(results / "vectors.npz", spec, products)
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
    with np.load(results / "found.npz", allow_pickle=False) as arrays:
        came_out = sent.assemble(arrays["found"])
    for number, (right, product) in enumerate(zip(sent.answers, came_out, strict=True)):
        if not np.array_equal(right, product):
            raise EngineMismatchError(f"{manifest['name']}: product {number} must be that of numpy,"
                                      " as its results, put together by the host, are not")
    return EngineResult(products=came_out, simulator=simulator,
                        **{key: found[key] for key in keys})


def _stored(folder, work) -> list:
    with np.load(folder / "vectors.npz", allow_pickle=False) as arrays:
        return work.stored(arrays)


def _fail(manifest, found):
    lines = [f"  {fault}" for fault in found["faults"]]
    lines += [f"  result {wrong['frame']}, beat {wrong['beat']}, element {wrong['element']}:"
              f" expected {wrong['expected']}, found {wrong['found']}"
              for wrong in found["mismatches"][:1]]
    raise EngineMismatchError("\n".join([
        f"{manifest['name']}: results must be those of numpy, but {found['mismatched']} of"
        f" {found['compared']} differ (stalls {found['stalls']}, seed {found['seed']})", *lines]))
