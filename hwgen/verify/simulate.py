"""Runs the bench of an artefact as a program of its own, and reads what it found."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..emit import read_manifest, require_frames, sample_inputs, write_vectors
from ..emit.weights import weight_words
from ..ir import Network, load, replaced
from ..numeric import SpecError, as_int, did_you_mean
from ..toolchain import find
from .process import run_bench
from .result import Mismatch, MismatchError, SimResult, VerifyError

__all__ = ["BENCHES", "MODES", "SIMULATORS", "STALLS", "require_choices", "simulate"]

SIMULATORS = {"verilator": "verilator", "icarus": "iverilog"}
"""Name of a simulator -> the tool it needs."""

STALLS = ("none", "input", "output", "both", "random")
MODES = ("stream", "reset", "length")
BENCHES = ("cocotb", "compiled")

TRACED_BEFORE, TRACED_FRAMES = 2, 64
"""Of the many frames of the compiled bench, so many before a wrong one are sent again to find the
node, and so many at the start if it was no value that was wrong."""


def simulate(folder, x=None, *, frames: int | None = None, stalls: str = "none", seed: int = 0,
             bench: str = "cocotb", simulator: str = "verilator", mode: str = "stream",
             netlist=None, reload: Network | None = None, progress=None) -> SimResult:
    """Stream ``x`` through the Verilog of an artefact and compare every score and class.

    Parameters
    ----------
    folder : path             an artefact
    x : integers ``(n, *shape)``, optional
        By default the inputs stored in the artefact. What must come out is computed by the golden
        model from the network file, never taken from the stored vectors.
    frames : int, optional
        Only the first so many of ``x``; more than are stored are drawn at random.
    stalls : str
        ``none``; ``input``, ``output`` or ``both`` sides by fair coins; ``random``: both in
        bursts, some long enough to fill every queue.
    seed : int                of the stalls
    bench : str
        ``cocotb``; or ``compiled``, a C++ program with Verilator's model in it, which does the
        same many times faster. It also sees that an output beat that waits stays as it is; what
        it finds wrong is traced to a node by the bench under cocotb.
    simulator : str           ``verilator``; or ``icarus``, under cocotb
    mode : str
        ``stream``; ``reset``: three resets in mid-frame first; ``length``: frames of a wrong
        length between sound ones (of its own: ``x`` must be None).
    netlist : path, optional
        Flat Verilog of the whole core, made of its netlist, run in place of the artefact's own.
    reload : Network, optional
        Of an artefact that loads its weights: behind the frames, those of this network are loaded
        while some are still under way, and the same frames sent again. The result has both.
    progress : callable(step, fraction, text), optional
        Told of the steps ``compile`` and ``simulate``; ``fraction`` is None where unknown.

    Returns
    -------
    SimResult

    Raises
    ------
    SpecError       If the folder is no sound artefact, or an argument is wrong.
    MismatchError   If a value differs. The run is then repeated with a watch on the streams
                    between the stages, to name the first node that is wrong; not of a netlist,
                    in which they are no more.
    VerifyError     If it hangs, or sends a wrong number of frames or elements.
    ToolError       If the simulator or the compiler is missing or fails.

    The compiled simulation stays in ``sim/`` of the artefact and is used again.
    """
    require_choices(stalls=stalls, simulator=simulator, mode=mode, bench=bench)
    if bench == "compiled" and simulator != "verilator":
        raise SpecError(f"simulator of the compiled bench must be 'verilator', not {simulator!r}")
    folder = Path(folder)
    manifest = read_manifest(folder)
    network = load(folder / manifest["network"])
    if mode == "length" and not x is frames is None:
        raise SpecError("x and frames must be None in mode 'length', which has frames of its own")
    loaded = _loaded(manifest, network, reload, mode)
    find(SIMULATORS[simulator])
    vectors = _vectors(folder, network, x, frames)
    run = _Run(folder.resolve(), manifest, network, vectors, stalls, seed, mode, simulator, bench,
               netlist and Path(netlist).resolve(), loaded,
               progress or (lambda step, fraction, text: None))
    found = run.bench_run()
    if not found["passed"]:
        _fail(run, found)
    return run.result(found)


def require_choices(**given) -> None:
    """That choices of a simulation, by name, are among those that there are.

    Raises
    ------
    SpecError    If one is not.
    """
    choices = {"stalls": STALLS, "simulator": tuple(SIMULATORS), "mode": MODES, "bench": BENCHES}
    for what, value in given.items():
        if value not in choices[what]:
            raise SpecError(f"{what} must be one of {list(choices[what])}, not {value!r}"
                            + did_you_mean(value, choices[what]))


def _loaded(manifest, network: Network, reload, mode: str) -> list:
    """The sets of weights, where they are loaded, and the networks that they make."""
    if "weights" not in manifest:
        if reload is not None:
            raise SpecError(f"reload must be None, as the weights of '{manifest['name']}' are"
                            f" constants; plan it with weights = ram")
        return []
    if reload is not None and mode != "stream":
        raise SpecError(f"reload must be None in mode '{mode}', which begins anew, or the mode"
                        f" 'stream'")
    networks = [network]
    if reload is not None:
        networks.append(replaced(network, reload, thresholds=manifest["weights"]["thresholds"]))
    return [(member, weight_words(manifest["weights"], member)) for member in networks]


def _vectors(folder, network: Network, x, frames) -> np.ndarray:
    """What is sent: given, stored or drawn."""
    if frames is not None and as_int(frames, "frames") < 1:
        raise SpecError(f"frames must be at least 1, not {frames}")
    if x is None:
        x = _stored(folder, network)
        if frames is not None and frames > len(x):
            return sample_inputs(network, frames)
    else:
        x = require_frames(network, x)
        if frames is not None and frames > len(x):
            raise SpecError(f"frames must be at most {len(x)}, those of x, not {frames}")
    return x[:frames]


def _stored(folder, network: Network) -> np.ndarray:
    with np.load(folder / "vectors.npz", allow_pickle=False) as arrays:
        return arrays["x"].reshape(-1, *network.input.shape)


def _fail(run: "_Run", found: dict):
    """Repeat the run around the failing frame with a watch on the inner streams, and raise."""
    first = found["mismatches"][0] if found["mismatches"] else None
    lines = [f"  {fault}" for fault in found["faults"]]
    if run.netlist:
        worst = first
        lines.append("  the netlist is flat: no streams between stages are left in it to name"
                     " the first node that is wrong")
    else:
        worst, more = _traced_lines(run, found, first)
        lines += more
    result = replace(run.result(found), first_mismatch=Mismatch(**worst) if worst else None)
    how = f"(mode {run.mode}, stalls {run.stalls}, seed {run.seed}, {run.how})"
    what = f", {run.netlist.stem}" if run.netlist else ""
    where = f"{run.manifest['name']}{what}: "
    if worst is None:
        raise VerifyError("\n".join([f"{where}simulation must end soundly {how}", *lines]),
                          result, found["faults"])
    counts = f"{found['mismatched']} of {found['compared']} values differ"
    raise MismatchError("\n".join([f"{where}{result.first_mismatch}; {counts} {how}", *lines]),
                        result, found["faults"])


def _traced_lines(run: "_Run", found: dict, first: dict | None) -> tuple[dict | None, list[str]]:
    """The first wrong value once the run is traced, and what else the tracing shows."""
    traced, begin = _traced(run, found, first)
    worst, lines = traced["traced"] or first, []
    if worst is not first:
        worst = worst | {"image": worst["image"] + begin}
    if found["faults"]:
        passed = ", ".join(f"{node} {count}" for node, count in traced["traced_frames"].items())
        lines.append(f"  whole frames that left each node: {passed}")
    if run.bench == "compiled" and traced["passed"]:
        lines.append("  the bench under cocotb finds nothing wrong in the same frames")
    return worst, lines


def _traced(run: "_Run", found: dict, first: dict | None) -> tuple[dict, int]:
    """What the bench with a watch finds, and the frame that it began with.

    Up to the failing frame; the compiled bench, of many frames, only those just before it.
    """
    under_cocotb = replace(run, bench="cocotb")
    if run.mode != "stream" or found["faults"] or len(run.loaded) > 1:
        limit = TRACED_FRAMES if run.bench == "compiled" and run.mode != "length" else None
        return replace(under_cocotb, x=run.x[:limit]).bench_run(trace=True), 0
    end = first["image"] + 1
    begin = max(0, end - 1 - TRACED_BEFORE) if run.bench == "compiled" else 0
    return replace(under_cocotb, x=run.x[begin:end]).bench_run(trace=True), begin


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
    bench: str
    netlist: Path | None
    loaded: list
    progress: object

    @property
    def how(self) -> str:
        """What ran it."""
        return "compiled" if self.bench == "compiled" else self.simulator

    def results(self, trace: bool = False) -> Path:
        """Where a run writes; one with a watch apart, as it is no result of its own."""
        folder = self.folder / "sim" / "traced" if trace else self.folder / "sim"
        what = f"{self.netlist.stem}-" if self.netlist else ""
        return folder / f"{what}{self.how}-{self.mode}-{self.stalls}-{self.seed}"

    @property
    def build(self) -> Path:
        if self.netlist:
            return self.folder / "sim" / f"build-{self.how}-{self.netlist.stem}"
        digest = self.manifest["sha256"][self.manifest["verilog"][0]]
        return self.folder / "sim" / f"build-{self.how}-{digest[:12]}"

    def bench_run(self, *, trace: bool = False) -> dict:
        """What ``results.json`` of one run says; ToolError if the bench did not get to its end."""
        folder = self.results(trace)
        folder.mkdir(parents=True, exist_ok=True)
        vectors = folder / "vectors.npz"
        write_vectors(vectors, self.network, self.x, lanes=self.manifest["input"]["lanes"],
                      edge_frames=len(self.x) * max(1, len(self.loaded)) if trace else 0,
                      loaded=self.loaded)
        args = ["--bench", self.bench, "--sim", self.simulator, "--stalls", self.stalls,
                "--seed", self.seed, "--mode", self.mode, "--artefact", self.folder,
                "--vectors", vectors, "--results", folder, "--build", self.build]
        if self.netlist:
            args += ["--netlist", self.netlist]
        return run_bench([*args, *(["--trace"] if trace else [])], folder, how=self.how,
                         progress=self.progress)

    def result(self, found: dict) -> SimResult:
        """As the bench found it; the arrays are those that came out."""
        with np.load(self.results() / "found.npz", allow_pickle=False) as arrays:
            values = arrays["found"]
        count, *more = (field["count"] for field in self.manifest["output"]["fields"])
        classes = None if not more else values[:, count] if more == [1] else values[:, count:]
        same = {key: found[key] for key in (
            "compared", "mismatched", "latency_cycles", "interval_cycles", "cycles", "seconds",
            "stalls", "seed", "mode", "bench", "version")}
        return SimResult(scores=values[:, :count], classes=classes, first_mismatch=None,
                         simulator=self.simulator, **same)
