"""The demo's requirements as rows: accuracy, exactness, clocks, seconds."""

import json
from pathlib import Path

import hwgen
from hwgen.report.facts import SHARED, STALLED

from .frame.row import Row

__all__ = ["DESCRIPTION", "NAME", "run"]

NAME = "demo"
DESCRIPTION = "the whole path on the handwritten digits: accuracy, exactness, clock, time"

SEED = 1
FOLDER = Path("rtl_out/demo")
REFERENCE_BOARD, SMALL_BOARD = "ulx3s-85f", "icebreaker"
MAX_LOSS = 2.0
"""Points of accuracy that a network may lose against the teacher."""


def run(progress) -> list[Row]:
    """The rows of the demo in ``rtl_out/demo``; it is run where there is none of this version."""
    document = _earlier(FOLDER / "demo.json", progress)
    if document is None:
        from hwgen.flow.demo import run_demo
        from hwgen.report import save

        document = run_demo(FOLDER, progress=progress, seed=SEED)
        save(document, FOLDER)
    return rows_of(document)


def _earlier(path: Path, progress) -> dict | None:
    """The document of an earlier demo, if it is one of this version and of all its parts."""
    reason = _unusable(path)
    if reason is None:
        progress("bench demo", 1.0, f"taking the numbers of {path}")
        return json.loads(path.read_text(encoding="utf-8"))
    progress("bench demo", 1.0, f"running the demo: {reason}")
    return None


def _unusable(path: Path) -> str | None:
    """Why the document at ``path`` cannot be taken; None if it can."""
    if not path.is_file():
        return f"there is no {path}"
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return f"{path} is no JSON"
    if not isinstance(document, dict) or document.get("format") != "hwgen-demo":
        return f"{path} is of another kind"
    if document["hwgen"] != hwgen.__version__:
        return f"{path} is of hwgen {document['hwgen']}, not {hwgen.__version__}"
    if document["seed"] != SEED:
        return f"{path} is of seed {document['seed']}, not {SEED}"
    from hwgen.flow.demo import DEMO

    there = {(row["network"], row["board"]) for row in document["rows"]}
    if not {(job.network, job.board) for job in DEMO} <= there:
        return f"{path} is of a part of the networks or boards"
    return None


def rows_of(document: dict) -> list[Row]:
    """The rows of a demo document."""
    seed, rows = document["seed"], document["rows"]
    teacher = document["teacher"]["accuracy"]
    result = [Row(work="teacher", metric="accuracy", value=teacher, unit="%", must=">= 97",
                  device="torch", tools=_tools(document, "torch"), seed=seed)]
    networks = list(dict.fromkeys(row["network"] for row in rows))
    for network in networks:
        result += _network_rows(network, document)
    for row in rows:
        result += _board_rows(row, document)
    small = sum(row["board"] == SMALL_BOARD and _is_met(row) for row in rows)
    result.append(Row(work="demo", metric="networks that meet the clock", value=small,
                      must=">= 1", stretch=f">= {len(networks)}", device=SMALL_BOARD,
                      tools=_tools(document, "nextpnr-ice40"), seed=seed))
    result.append(_total(document))
    return result


def _total(document) -> Row:
    """The time of the whole run; of one that went on from kept steps it shows nothing."""
    reused = len(document.get("reused", ()))
    common = {"work": "demo", "value": document["total_seconds"], "unit": "s",
              "device": _machine(document), "seed": document["seed"]}
    if reused:
        return Row(**common, metric=f"total time, {reused} steps done before")
    return Row(**common, metric="total time", must="<= 600", stretch="<= 240")


def _network_rows(network: str, document):
    """Accuracy, and exactness before there is hardware."""
    rows = [row for row in document["rows"] if row["network"] == network]
    worst = min(v for row in rows for v in row["accuracy"].values() if v is not None)
    yield Row(work=network, metric="accuracy lost to the teacher",
              value=round(document["teacher"]["accuracy"] - worst, 9), unit="points",
              must=f"<= {MAX_LOSS:g}", device="torch, golden, RTL",
              tools=_tools(document, "torch", "numpy", "verilator"), seed=document["seed"])
    yield from _exactness(rows[0], (SHARED,), network, document, device="torch, golden",
                          tools=_tools(document, "torch", "numpy"))


def _exactness(row, keys, work, document, **common):
    """Of each comparison of ``row`` in ``keys``: every score of every image, and none differs.

    A comparison that was not made has compared nothing.
    """
    scores = document["dataset"]["test"] * int(row["shape"].rpartition("-")[2])
    for key in keys:
        counts = row["scores"].get(key) or {"compared": 0, "mismatched": 0}
        own = common | {"work": work, "seed": counts.get("seed", document["seed"])}
        yield Row(**own, metric=f"{key} scores compared", value=counts["compared"],
                  must=f">= {scores}")
        yield Row(**own, metric=f"{key} scores mismatched", value=counts["mismatched"],
                  must="== 0")


def _board_rows(row, document):
    """Exactness, clock, speed, cells of a network on a board; only ``fits`` if it does not fit."""
    reference = row["board"] == REFERENCE_BOARD
    nextpnr = "nextpnr-ecp5" if reference else "nextpnr-ice40"
    common = {"work": f"{row['network']} on {row['board']}",
              "device": f"{row['board']}, {row['device']}",
              "seed": document["seed"], "tools": _tools(document, "yosys", nextpnr)}
    yield Row(**common, metric="fits", value=int(row["fits"]), must="== 1" if reference else None)
    if not row["fits"]:
        return
    yield Row(**common, metric="weight bits", value=row["weight_bits"]["total"], unit="bits")
    yield from _exactness(row, ("rtl", STALLED), common["work"], document,
                          device="simulated RTL", tools=_tools(document, "verilator"))
    yield Row(**common, metric="fmax", value=row["fmax_mhz"], unit="MHz",
              must=f">= {row['clk_mhz']:g}" if reference else None,
              stretch=None if reference else f">= {row['clk_mhz']:g}")
    for metric, key, unit in (("interval", "interval_cycles", "cycles"),
                              ("latency", "latency_cycles", "cycles"),
                              ("throughput", "images_per_s", "images/s")):
        if row[key] is not None:
            yield Row(**common, metric=metric, value=row[key], unit=unit)
    for kind, count in row["cells"].items():
        yield Row(**common, metric=kind.upper(), value=count)


def _is_met(row) -> bool:
    return bool(row["fits"] and row["met"])


def _tools(document, *names) -> str:
    tools = document["tools"]
    return ", ".join(f"{name} {tools[name]}" for name in names if name in tools)


def _machine(document) -> str:
    return ", ".join(str(value) for value in document["machine"].values())
