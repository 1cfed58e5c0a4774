"""One network on one board: planned, generated, simulated, placed and routed, in one row."""

from pathlib import Path

import numpy as np

from ..ir import MatVec
from ..plan import Design, FitError
from ..plan.assemble import sole_readers
from ..plan.matrix_core import default_core
from ..synth import SynthReport
from ..verify import MismatchError
from .api import build, plan
from .artefact import Artefact
from .steps import Progress, Steps, code_digest, digest_of
from .training import TrainedNetwork

__all__ = ["hardware_row"]

GENERATING = ("numeric", "ir", "golden", "plan", "rtl", "emit", "tb", "flow")
SIMULATING = ("verify", "tb", "flow")
PLACING = ("board_targets", "rtl", "synth", "flow")
"""Packages whose code decides the result of a step, besides the artefact it starts from."""


def hardware_row(trained: TrainedNetwork, board: str, interval_cycles: int, out: Path, *,
                 seed: int, progress: Progress) -> dict:
    """Everything measured of ``trained`` on ``board``; see :func:`hwgen.flow.demo.run_demo`."""
    name = f"{trained.name}-{board}"
    steps = Steps(out / f"{name}.steps.json", progress=progress, name=f"{trained.name} on {board}")
    try:
        design = plan(trained.network, target=board, interval_cycles=interval_cycles)
    except FitError as error:       # a row that says so; the others go on
        return _too_large(trained, board, str(error))
    folder = out / name
    artefact = _generated(design, folder, trained, steps)
    key = digest_of(code_digest(*SIMULATING), artefact.manifest["sha256"], seed)
    rtl = steps.run("simulate", key, lambda: _simulated(artefact, trained, "none", 0, steps))
    stalled = steps.run("simulate, random stalls", key,
                        lambda: _simulated(artefact, trained, "random", seed, steps))
    report = _placed(artefact, board, seed, steps)
    return {**_about(trained, design, board, out, folder), **_verified(trained, rtl, stalled),
            **_measured(design, rtl, report, artefact, board, out),
            "tools": {**artefact.manifest["tools"], **report.tools},
            "seconds": {"train": trained.seconds, **steps.seconds}, "reused": steps.reused}


def _generated(design: Design, folder: Path, trained, steps) -> Artefact:
    def generate():
        build(design, folder, x=trained.x,
              progress=lambda _step, at, text: steps.tell("generate", at, text))
        return {}

    steps.run("generate", digest_of(code_digest(*GENERATING), design.to_dict()), generate,
              needs=(folder / "manifest.json",))
    return Artefact(folder)


def _simulated(artefact: Artefact, trained, stalls: str, seed: int, steps) -> dict:
    label = "simulate" if stalls == "none" else "simulate, random stalls"
    try:
        result = artefact.verify(trained.x, stalls=stalls, seed=seed,
                                 progress=lambda step, at, text: steps.tell(
                                     label, at if step == "simulate" else None, text))
    except MismatchError as error:      # it stands in the row; whoever reads the rows decides
        result = error.result
    hits = np.argmax(result.scores, axis=1)
    confusion = np.zeros((10, 10), int)
    first = result.classes if result.classes.ndim == 1 else result.classes[:, 0]
    np.add.at(confusion, (trained.labels, first), 1)
    return {
        "compared": result.compared, "mismatched": result.mismatched, "seed": seed,
        "first_mismatch": result.first_mismatch and str(result.first_mismatch),
        "accuracy": 100 * float(np.mean(hits == trained.labels)),
        "latency_cycles": result.latency_cycles, "interval_cycles": result.interval_cycles,
        "cycles": result.cycles, "confusion": confusion.tolist(),
    }


def _placed(artefact: Artefact, board: str, seed: int, steps) -> SynthReport:
    def place():
        artefact.synthesise(board=board, seed=seed, progress=lambda step, at, text: steps.tell(
            "place and route", _overall(step, at), text))
        return {}

    key = digest_of(code_digest(*PLACING), artefact.manifest["sha256"], board, seed)
    steps.run("place and route", key, place,
              needs=(artefact.folder / "synth" / board / "report.json",))
    return artefact.report(board)


def _overall(step: str, fraction: float) -> float:
    """Progress over yosys, nextpnr and packer together, by about how long each takes."""
    begin, share = {"yosys": (0.0, 0.35), "nextpnr": (0.35, 0.6), "pack": (0.95, 0.05)}[step]
    return begin + share * fraction


def _about(trained, design: Design, board, out, folder) -> dict:
    network = trained.network
    return {
        "network": network.name, "family": design.stages[-2].core, "board": board,
        "device": device_name(design.target), **_shape(network),
        "weight_bits": {**design.weight_bits, "total": sum(design.weight_bits.values())},
        "folding": [stage.to_dict() for stage in design.stages],
        "artefact": folder.relative_to(out).as_posix(),
    }


def device_name(target) -> str:
    """Family, size, package and speed grade, as far as there are any."""
    parts = (target.family, target.device, target.package, target.speed)
    return "-".join(part for part in parts if part)


def _matrices(network):
    return [node.weights for node in network.nodes if isinstance(node, MatVec)]


def _shape(network) -> dict:
    matrices = _matrices(network)
    sizes = [network.input.shape[0], *(matrix.shape[0] for matrix in matrices)]
    entries = sum(matrix.to_dense().size for matrix in matrices)
    return {"shape": "-".join(map(str, sizes)),
            "density": sum(matrix.nonzeros for matrix in matrices) / entries}


NOT_MEASURED = ("cells", "cells_by_kind", "fmax_mhz", "met", "latency_cycles", "interval_cycles",
                "latency_us", "interval_us", "images_per_s", "bitstream", "artefact", "confusion")


def _too_large(trained, board: str, reason: str) -> dict:
    """The row of a network that the planner refuses for ``board``."""
    from ..board_targets import load as load_board

    network, target = trained.network, load_board(board).target
    bits = sum(m.to_dense().size * m.format.bits for m in _matrices(network))
    first = next(node for node in network.nodes if isinstance(node, MatVec))
    post = sole_readers(network).get(first.name)
    return {
        "network": network.name,
        "family": default_core(first, network.edges[first.inputs[0]], post),
        "board": board, "device": device_name(target), **_shape(network),
        "weight_bits": {"weights": bits, "total": bits}, "available": _available(target),
        "accuracy": {**trained.accuracy, "rtl": None},
        "scores": {"torch_golden": trained.scores, "rtl": None, "rtl_stalled": None},
        "clk_mhz": target.clk_hz / 1e6, "tools": {}, "seconds": {"train": trained.seconds},
        "reused": [], "fits": False, "reason": reason, **dict.fromkeys(NOT_MEASURED),
    }


def _available(target) -> dict:
    return {"lut": target.luts, "ff": target.ffs, "bram": target.brams, "dsp": target.dsps}


def _verified(trained, rtl: dict, stalled: dict) -> dict:
    return {
        "accuracy": {**trained.accuracy, "rtl": rtl["accuracy"]},
        "scores": {
            "torch_golden": trained.scores,
            "rtl": {key: rtl[key] for key in ("compared", "mismatched", "first_mismatch")},
            "rtl_stalled": {key: stalled[key]
                            for key in ("compared", "mismatched", "first_mismatch", "seed")},
        },
        "confusion": rtl["confusion"],
    }


def _measured(design: Design, rtl: dict, report: SynthReport, artefact, board, out) -> dict:
    target, clk_mhz = design.target, report.clock.constraint_mhz
    latency, interval = rtl["latency_cycles"], rtl["interval_cycles"]
    place = artefact.folder.relative_to(out) / "synth" / board
    return {
        "cells": {"lut": report.lut_eq, "ff": report.ff, "bram": report.bram, "dsp": report.dsp},
        "available": _available(target),
        "cells_by_kind": report.cells, "estimate": design.estimate.to_dict(),
        "fmax_mhz": report.fmax_mhz, "clk_mhz": clk_mhz, "met": report.met,
        "latency_cycles": latency, "interval_cycles": interval,
        "planned": {"latency_cycles": design.latency_cycles,
                    "interval_cycles": design.interval_cycles},
        "latency_us": latency / clk_mhz, "interval_us": interval / clk_mhz,
        "images_per_s": 1e6 * clk_mhz / interval,
        "bitstream": (place / report.bitstream).as_posix(),
        "fits": True, "reason": None,
    }
