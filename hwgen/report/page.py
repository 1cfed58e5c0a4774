"""The document as one HTML page: inline style and plots, nothing to load, no script."""

import os
from importlib import resources
from pathlib import Path

import jinja2

from . import facts
from .plots import accuracy_plots, board_marks, curve_plots, series_class

__all__ = ["put_aside", "render", "style", "template_of", "write"]

STEP_COLOURS, TRAIN = 9, "train"

TIME_MUST_S = 600


def write(document, path) -> Path:
    """Write the page of ``document`` to ``path``: aside, then renamed."""
    path = Path(path)
    put_aside(path, render(document))
    return path


def put_aside(path: Path, text: str) -> None:
    """Write ``text`` to a file beside ``path``, then rename it: no half-written page."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        aside.write_text(text, encoding="utf-8")
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def render(document) -> str:
    """The page as text."""
    return template_of("page.html").render(
        style=style(),
        document=document, facts=facts, title=_title(document), tiles=_tiles(document),
        colours=series_class(document), networks=facts.networks(document),
        proof=_proof(document), boards=_boards(document), times=_times(document),
        confusions=_confusions(document), commands=_commands(document),
        marks=board_marks(document),
        accuracy_plots=accuracy_plots(document),
        curve_plots=curve_plots(document),
    )


def template_of(name: str) -> jinja2.Template:
    """The template in the file ``name`` of this package."""
    known = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    known.filters |= {"count": facts.count, "number": facts.number, "duration": facts.duration}
    here = resources.files("hwgen.report")
    return known.from_string(here.joinpath(name).read_text(encoding="utf-8"))


def style() -> str:
    """What all pages look like, in light and dark."""
    return resources.files("hwgen.report").joinpath("page.css").read_text(encoding="utf-8")


def _title(document) -> str:
    names = [row["network"] for row in facts.networks(document)]
    if len(names) == 1:
        return f"{names[0]}, from integers to gates"
    words = {2: "Two", 3: "Three", 4: "Four", 5: "Five", 6: "Six"}
    return f"{words.get(len(names), len(names))} networks, from PyTorch to gates"


def _tiles(document) -> list[dict]:
    """The few numbers that stand above everything; ``ok`` is None for those without a bound."""
    tiles, rows, total = [], document["rows"], facts.exactness(document)
    if document["teacher"] is not None:
        best = document["teacher"]["accuracy"]
        worst = min(v for r in rows for v in r["accuracy"].values() if v is not None)
        tiles.append({"value": f"{worst:.1f} %", "ok": best - worst <= 2,
                      "label": "lowest accuracy; the float teacher has"
                               f" {best:.1f}\N{NO-BREAK SPACE}%"})
    if total.compared:
        tiles.append({"value": f"{total.mismatched:,}", "ok": total.mismatched == 0,
                      "label": f"mismatches in {total.compared:,} scores and classes compared"})
    placed = [row for row in rows if row["fmax_mhz"] is not None]
    if placed:
        met = sum(bool(row["met"]) for row in placed)
        tiles.append({"value": f"{met} of {len(placed)}", "ok": met == len(placed),
                      "label": "routed designs meet their clock"})
    if document["total_seconds"] is not None:
        seconds, reused = document["total_seconds"], len(document.get("reused", ()))
        label = "for everything on this page"
        if reused:
            label = f"for the last run, which found {reused} steps done already"
        tiles.append({"value": facts.duration(seconds), "label": label,
                      "ok": None if reused else seconds <= TIME_MUST_S})
    return tiles


def _proof(document) -> list[dict]:
    """For each network, under each board: what, with what, how many, how many differ.

    What no board has a part in stands under None.
    """
    chains = {}
    for row, key, counts in facts.comparisons(document):
        one, other, how = facts.STAGES_OF_PROOF.get(key, (key, key, ""))
        if key == facts.STALLED and counts.get("seed") is not None:
            how = f"{how}, seed {counts['seed']}"
        links = chains.setdefault(row["network"], {}).setdefault(facts.place(row, key), [])
        links.append({"one": one, "other": other, "how": how, "first_mismatch": None, **counts})
    return [{"network": name, "boards": boards} for name, boards in chains.items()]


def _boards(document) -> list[dict]:
    """For each board, each resource: how much of it each network takes."""
    boards = {}
    for row in document["rows"]:
        if row["available"] is None:
            continue
        board = boards.setdefault(row["board"], {
            "name": row["board"], "device": row["device"] or "", "kinds": {}, "missing": []})
        if row["cells"] is None:
            board["missing"].append((row["network"], row["reason"]))
            continue
        for kind in facts.RESOURCES:
            used, there = row["cells"][kind], row["available"][kind]
            board["kinds"].setdefault(kind, {"available": there, "bars": []})["bars"].append({
                "network": row["network"], "used": used, "share": 100 * used / max(1, there),
                "percent": facts.percent(used, there)})
    return [board for board in boards.values() if board["kinds"]]


def _times(document) -> dict | None:
    """Stacked bars on one scale: seconds of each step of each row."""
    names = facts.steps(document)
    longest = max((sum(row["seconds"].values()) for row in document["rows"]), default=0)
    if not longest:
        return None
    colours = {name: k % STEP_COLOURS + 1 for k, name in enumerate(names)}
    bars = []
    for row in document["rows"]:
        parts = [{"step": step.replace("_", " "), "seconds": s, "share": 100 * s / longest,
                  "colour": colours[step]} for step, s in row["seconds"].items()]
        bars.append({"network": row["network"], "board": row["board"], "parts": parts,
                     "total": sum(row["seconds"].values())})
    trained = [row["network"] for row in document["rows"] if TRAIN in row["seconds"]]
    return {"bars": bars, "names": [(n.replace("_", " "), colours[n]) for n in names],
            "shared": len(trained) > len(set(trained))}


def _confusions(document) -> list[dict]:
    """For each network its matrix, with the strength of each cell's colour in percent."""
    found = []
    for row in facts.networks(document):
        matrix = row.get("confusion")
        if not matrix:
            continue
        wrong = [n for i, line in enumerate(matrix) for j, n in enumerate(line) if i != j]
        worst = max([*wrong, 1])
        cells = [[{"count": n, "right": i == j, "strength": round(20 + 80 * n / worst) if n else 0}
                  for j, n in enumerate(line)] for i, line in enumerate(matrix)]
        found.append({"network": row["network"], "cells": cells, "errors": sum(wrong),
                      "images": sum(map(sum, matrix))})
    return found


def _commands(document) -> list[str]:
    """How to get these numbers again."""
    if document["curves"] or document["dataset"]:
        seed = document["seed"]
        return ["pip install .", f"hwgen demo --seed {seed}"]
    return [f"hwgen {verb} FOLDER" for verb in ("simulate", "synth", "report")]
