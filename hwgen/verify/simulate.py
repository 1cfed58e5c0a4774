"""Runs the bench of an artefact as a program of its own, and reads what it found."""

import json
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import numpy as np

from ..emit import bench_folder, read_manifest, write_vectors
from ..ir import Network, load
from ..numeric import SpecError
from ..toolchain import ToolError, ToolInfo, environment, find
from ..toolchain.runner import execute
from .result import Mismatch, MismatchError, SimResult, VerifyError

__all__ = ["MODES", "SIMULATORS", "STALLS", "simulate"]

SIMULATORS = {"verilator": "verilator", "icarus": "iverilog"}
"""Name of a simulator -> the tool it needs."""

STALLS = ("none", "input", "output", "both", "random")
MODES = ("stream", "reset", "length")

FOUND_FAULT = 1
"""Exit status of the bench when it ran and found something wrong."""


def simulate(folder, x=None, *, stalls: str = "none", seed: int = 0,
             simulator: str = "verilator", mode: str = "stream", progress=None) -> SimResult:
    """Stream ``x`` through the Verilog of an artefact and compare every score and class.

    Parameters
    ----------
    folder : path             an artefact
    x : integers ``(n, *shape)``, optional
        By default the inputs stored in the artefact. What must come out is computed by the golden
        model from the network file, never taken from the stored vectors.
    stalls : str
        ``none``; ``input``, ``output`` or ``both`` sides by fair coins; ``random``: both in
        bursts, some long enough to fill every queue.
    seed : int                of the stalls
    simulator : str           ``verilator`` or ``icarus``
    mode : str
        ``stream``; ``reset``: three resets in mid-frame first; ``length``: frames of a wrong
        length between sound ones (of its own: ``x`` must be None).
    progress : callable(step, fraction, text), optional
        Told of the steps ``compile`` and ``simulate``; ``fraction`` is None where unknown.

    Returns
    -------
    SimResult

    Raises
    ------
    SpecError       If the folder is no sound artefact, or an argument is wrong.
    MismatchError   If a value differs. The run is then repeated with a watch on the streams
                    between the stages, to name the first node that is wrong.
    VerifyError     If it hangs, or sends a wrong number of frames or elements.
    ToolError       If the simulator or the compiler is missing or fails.

    The compiled simulation stays in ``sim/`` of the artefact and is used again.
    """
    _require_choices(stalls=stalls, simulator=simulator, mode=mode)
    folder = Path(folder)
    manifest = read_manifest(folder)
    network = load(folder / manifest["network"])
    if mode == "length" and x is not None:
        raise SpecError("x must be None in mode 'length', which has frames of its own")
    find(SIMULATORS[simulator])
    vectors = _stored(folder, network) if x is None else _frames(network, x)
    run = _Run(folder.resolve(), manifest, network, vectors, stalls, seed, mode, simulator,
               progress or (lambda step, fraction, text: None))
    found = run.bench()
    if not found["passed"]:
        _fail(run, found)
    return run.result(found, None)


def _require_choices(**given):
    choices = {"stalls": STALLS, "simulator": tuple(SIMULATORS), "mode": MODES}
    for what, value in given.items():
        if value not in choices[what]:
            raise SpecError(f"{what} must be one of {list(choices[what])}, not {value!r}")


def _stored(folder, network: Network) -> np.ndarray:
    with np.load(folder / "vectors.npz", allow_pickle=False) as arrays:
        return arrays["x"].reshape(-1, *network.input.shape)


def _frames(network: Network, x) -> np.ndarray:
    x = np.asarray(x)
    if x.shape[1:] != network.input.shape or not len(x):
        raise SpecError(f"x must be of shape (n, {', '.join(map(str, network.input.shape))})"
                        f" with n at least 1, not {x.shape}")
    return x


def _fail(run: "_Run", found: dict):
    """Repeat the run up to the failing frame with a watch on the inner streams, and raise."""
    first = found["mismatches"][0] if found["mismatches"] else None
    short = first and run.mode == "stream" and not found["faults"]
    limit = first["image"] + 1 if short else 0
    traced = run.bench(trace=True, frames=limit)
    worst = traced["traced"] or first
    result = run.result(found, Mismatch(**worst) if worst else None)
    how = f"(mode {run.mode}, stalls {run.stalls}, seed {run.seed}, {run.simulator})"
    where = f"{run.manifest['name']}: "
    lines = [f"  {fault}" for fault in found["faults"]]
    if found["faults"]:
        passed = ", ".join(f"{node} {count}" for node, count in traced["traced_frames"].items())
        lines.append(f"  whole frames that left each node: {passed}")
    if worst is None:
        raise VerifyError("\n".join([f"{where}simulation must end soundly {how}", *lines]),
                          result, found["faults"])
    counts = f"{found['mismatched']} of {found['compared']} values differ"
    raise MismatchError("\n".join([f"{where}{result.first_mismatch}; {counts} {how}", *lines]),
                        result, found["faults"])


@dataclass(frozen=True, eq=False)
class _Run:
    folder: Path
    manifest: dict
    network: Network
    x: np.ndarray
    stalls: str
    seed: int
    mode: str
    simulator: str
    progress: object

    @property
    def results(self) -> Path:
        return self.folder / "sim" / f"{self.simulator}-{self.mode}-{self.stalls}-{self.seed}"

    @property
    def build(self) -> Path:
        digest = self.manifest["sha256"][self.manifest["verilog"][0]]
        return self.folder / "sim" / f"build-{self.simulator}-{digest[:12]}"

    def bench(self, *, trace: bool = False, frames: int = 0) -> dict:
        """What ``results.json`` of one run says; ToolError if the bench did not get to its end."""
        self.results.mkdir(parents=True, exist_ok=True)
        vectors = self.results / "vectors.npz"
        x = self.x[:frames] if frames else self.x
        write_vectors(vectors, self.network, x, lanes=self.manifest["input"]["lanes"],
                      edge_frames=len(x) if trace else 0)
        args = [bench_folder() / "run.py", "--sim", self.simulator, "--stalls", self.stalls,
                "--seed", self.seed, "--mode", self.mode, "--artefact", self.folder,
                "--vectors", vectors, "--results", self.results, "--build", self.build]
        tool = ToolInfo(name="bench", kind="wheel", path=sys.executable,
                        version=metadata.version("cocotb"))
        done = execute(tool, [*args, *(["--trace"] if trace else [])], cwd=self.results,
                       log="bench.log", env=environment(), progress=_Teller(self.progress))
        written = self.results / "results.json"
        if done.returncode not in (0, FOUND_FAULT) or not written.is_file():
            raise ToolError(f"bench must run {self.simulator} to the end, and did not",
                            command=done.command, returncode=done.returncode, tail=done.tail,
                            log=done.log)
        return json.loads(written.read_text(encoding="utf-8"))

    def result(self, found: dict, mismatch: Mismatch | None) -> SimResult:
        """As the bench found it; the arrays are those that came out."""
        with np.load(self.results / "found.npz", allow_pickle=False) as arrays:
            values = arrays["found"]
        count = self.manifest["output"]["fields"][0]["count"]
        has_class = len(self.manifest["output"]["fields"]) > 1
        same = {key: found[key] for key in (
            "compared", "mismatched", "latency_cycles", "interval_cycles", "cycles", "seconds",
            "stalls", "seed", "mode", "version")}
        return SimResult(scores=values[:, :count], classes=values[:, count] if has_class else None,
                         first_mismatch=mismatch, simulator=self.simulator, **same)


class _Teller:
    """Makes progress of the lines that the bench prints."""

    def __init__(self, progress):
        self._progress = progress
        self._compiling = False

    def __call__(self, line: str):
        words = line.split()
        if line.startswith("build: "):
            self._compiling = True
            self._progress("compile", None, line.removeprefix("build: "))
        elif len(words) == 4 and words[0] == "frames" and words[2] == "of":
            if self._compiling:
                self._compiling = False
                self._progress("compile", 1.0, "done")
            done, total = int(words[1]), int(words[3])
            self._progress("simulate", done / total, f"{done} of {total} frames")
