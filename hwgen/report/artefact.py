"""The document of one artefact folder, in the form of a demo's: what is not there is None."""

import json
from pathlib import Path

import hwgen
from hwgen.emit import read_manifest
from hwgen.ir import load as load_network
from hwgen.plan import Target
from hwgen.synth import SynthReport

__all__ = ["document_of_artefact"]

TIMED = {"rtl": "simulate", "rtl_stalled": "simulate, random stalls"}
"""Key of ``scores`` -> name of the step, as the demo has it."""


def document_of_artefact(folder: Path) -> dict:
    """Manifest, simulations and synthesis reports of ``folder`` as one document.

    Raises
    ------
    SpecError    If the artefact is damaged or was changed.
    """
    manifest = read_manifest(folder)
    network = load_network(folder / manifest["network"])
    runs = _simulations(folder)
    boards = sorted((path.parent.name for path in folder.glob("synth/*/report.json")),
                    key=lambda board: (board != manifest["target"], board))
    reports = {board: SynthReport.load(folder / "synth" / board / "report.json")
               for board in boards}
    rows = [_row(manifest, runs, board, report) | _about(network)
            for board, report in (reports or {manifest["target"]: None}).items()]
    tools = dict(manifest.get("tools", {}))
    for report in reports.values():
        tools |= report.tools
    return {
        "format": "hwgen-demo", "version": 1, "hwgen": hwgen.__version__,
        "seed": network.meta.get("seed"), "dataset": None, "teacher": None, "tools": tools,
        "machine": {}, "rows": rows, "curves": {}, "total_seconds": None,
    }


def _simulations(folder: Path) -> dict[str, dict]:
    """The newest run at full rate, ``rtl``, and with stalls, ``rtl_stalled``; where there are."""
    found = {}
    paths = folder.glob("sim/*-stream-*/results.json")
    for path in sorted(paths, key=lambda path: path.stat().st_mtime):
        run = json.loads(path.read_text(encoding="utf-8"))
        found["rtl" if run["stalls"] == "none" else "rtl_stalled"] = run
    return found


def _about(network) -> dict:
    """Shape, density and what training noted of the network."""
    matrices = [node.weights for node in network.nodes if hasattr(node, "weights")]
    sizes = [network.edges[network.input.name].size, *(m.shape[0] for m in matrices)]
    entries = sum(m.shape[0] * m.shape[1] for m in matrices)
    return {"shape": "-".join(map(str, sizes)),
            "density": sum(m.nonzeros for m in matrices) / entries,
            "accuracy": {"torch": network.meta.get("accuracy"), "golden": None, "rtl": None}}


def _row(manifest, runs, board: str, report: SynthReport | None) -> dict:
    bits = manifest["weight_bits"]
    scores = {key: {k: run[k] for k in ("compared", "mismatched", "seed")}
              for key, run in runs.items()}
    seconds = {TIMED[key]: run["seconds"] for key, run in runs.items()}
    clk_mhz = manifest["clk_hz"] / 1e6 if report is None else report.clock.constraint_mhz
    interval, latency = manifest["interval_cycles"], manifest["latency_cycles"]
    row = {
        "network": manifest["name"], "family": None, "board": board, "fits": True, "reason": None,
        "scores": scores, "confusion": None,
        "weight_bits": {**bits, "total": bits.get("total", sum(bits.values()))},
        "clk_mhz": clk_mhz, "latency_cycles": latency, "interval_cycles": interval,
        "latency_us": None if latency is None else latency / clk_mhz,
        "interval_us": interval / clk_mhz, "images_per_s": clk_mhz * 1e6 / interval,
        "seconds": seconds | ({} if report is None else report.seconds), "artefact": ".",
    }
    return row | _placed(board, report)


def _placed(board: str, report: SynthReport | None) -> dict:
    """What is known after place and route."""
    if report is None:
        return {"device": None, "cells": None, "available": _available(board),
                "cells_by_kind": None, "fmax_mhz": None, "met": None, "bitstream": None}
    cells = {"lut": report.lut_eq, "ff": report.ff, "bram": report.bram, "dsp": report.dsp}
    bitstream = report.bitstream and f"synth/{board}/{report.bitstream}"
    return {"device": f"{report.device} {report.package}", "cells": cells,
            "available": _available(board), "cells_by_kind": report.cells,
            "fmax_mhz": report.fmax_mhz, "met": report.met, "bitstream": bitstream}


def _available(board: str) -> dict | None:
    """What the board has; None for a board that is defined elsewhere."""
    from hwgen import board_targets

    if board not in board_targets.names():
        return None
    target: Target = board_targets.load(board).target
    return {"lut": target.luts, "ff": target.ffs, "bram": target.brams, "dsp": target.dsps}
