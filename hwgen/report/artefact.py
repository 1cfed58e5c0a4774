"""The document of one artefact folder, in the form of a demo's: what is not there is None."""

import json
from pathlib import Path

import hwgen
from hwgen.emit import read_manifest
from hwgen.ir import load as load_network
from hwgen.plan import Target
from hwgen.synth import SynthReport

__all__ = ["document_of_artefact"]

UNKNOWN_ACCURACY = {"torch": None, "golden": None, "rtl": None}


def document_of_artefact(folder: Path) -> dict:
    """Manifest, simulations and synthesis reports of ``folder`` as one document.

    Raises
    ------
    SpecError    If the artefact is damaged or was changed.
    """
    manifest = read_manifest(folder)
    measured = _results(folder)
    reports = {path.parent.name: SynthReport.load(path)
               for path in sorted(folder.glob("synth/*/report.json"))}
    rows = [_row(manifest, measured, board, report) for board, report in reports.items()]
    if not rows:
        rows = [_row(manifest, measured, manifest["target"], None)]
    network = load_network(folder / manifest["network"])
    rows = [row | _about(network) for row in rows]
    tools = dict(manifest.get("tools", {}))
    for report in reports.values():
        tools |= report.tools
    return {
        "format": "hwgen-demo", "version": 1, "hwgen": hwgen.__version__,
        "seed": measured.get("seed"), "dataset": None, "teacher": None, "tools": tools,
        "machine": {}, "rows": rows, "curves": {}, "total_seconds": None,
    }


def _results(folder: Path) -> dict:
    path = folder / "results.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _about(network) -> dict:
    """Shape and density of the network."""
    matrices = [node.weights for node in network.nodes if hasattr(node, "weights")]
    sizes = [network.edges[network.input.name].size, *(m.shape[0] for m in matrices)]
    entries = sum(m.shape[0] * m.shape[1] for m in matrices)
    return {"shape": "-".join(map(str, sizes)),
            "density": sum(m.nonzeros for m in matrices) / entries}


def _row(manifest, measured, board: str, report: SynthReport | None) -> dict:
    bits = manifest["weight_bits"]
    clk_mhz = manifest["clk_hz"] / 1e6 if report is None else report.clock.constraint_mhz
    interval, latency = manifest["interval_cycles"], manifest["latency_cycles"]
    row = {
        "network": manifest["name"], "family": None, "board": board, "fits": True, "reason": None,
        "accuracy": measured.get("accuracy", UNKNOWN_ACCURACY),
        "scores": measured.get("scores", {}), "confusion": measured.get("confusion"),
        "weight_bits": {**bits, "total": bits.get("total", sum(bits.values()))},
        "clk_mhz": clk_mhz, "latency_cycles": latency, "interval_cycles": interval,
        "latency_us": None if latency is None else latency / clk_mhz,
        "interval_us": interval / clk_mhz, "images_per_s": clk_mhz * 1e6 / interval,
        "seconds": dict(measured.get("seconds", {})), "artefact": ".",
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
