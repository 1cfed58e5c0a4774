"""Cells estimated before synthesis against those that yosys counts, for many configurations."""

from pathlib import Path

from hwgen.plan.stages import BinaryStage
from hwgen.plan.stages.binary_cells import binary_parts

from .binary_parts.bench import Bench
from .cost_parts.fit import fitted
from .cost_parts.held_out import HELD_OUT
from .cost_parts.measure import DEVICES, TARGETS, measured
from .cost_parts.others import OTHERS
from .cost_parts.sweep import CASES, UNITS
from .cost_parts.table import Entry, document, rows_of

__all__ = ["DESCRIPTION", "NAME", "run"]

NAME = "cost"
DESCRIPTION = "cells estimated before synthesis against those counted after it; docs/cost.md"

FOLDER, DOCUMENT = Path("rtl_out/bench/cost"), Path("docs/cost.md")


def run(progress) -> list:
    """Synthesise every configuration for every family, unless it is there; write the document."""
    bench = Bench(FOLDER, progress=progress, name=NAME)
    jobs = [(family, number, case) for family in DEVICES
            for number, case in enumerate((*CASES, *UNITS, *OTHERS, *HELD_OUT))]
    entries, parts = [], []
    for done, (family, number, case) in enumerate(jobs):
        progress("bench cost", done / len(jobs), f"{family}: {case}")
        target = TARGETS[family]
        stage = case.stage(target.fabric.lut_inputs)
        estimate = case.estimate(stage, target)
        if estimate.bram > target.brams:
            continue        # yosys' netlist would be refused
        found, tool = measured(bench, case.component(stage), f"case-{number}", family)
        is_held_out = case in HELD_OUT
        entries.append(Entry(family=family, case=str(case), estimate=estimate, measured=found,
                             cycles=stage.interval_cycles, tool=tool, is_held_out=is_held_out))
        is_fitted = isinstance(stage, BinaryStage) and not is_held_out
        parts.append(binary_parts(stage, target) if is_fitted else None)
    DOCUMENT.parent.mkdir(parents=True, exist_ok=True)
    DOCUMENT.write_text(document(entries, _fits(entries, parts)), encoding="utf-8")
    progress("bench cost", 1.0, f"{len(entries)} configurations; table in {DOCUMENT}")
    return rows_of(entries)


def _fits(entries, parts) -> dict:
    """Family -> costs that fit best."""
    found = {}
    for family in DEVICES:
        chosen = [(counts, entry.measured.lut) for counts, entry in zip(parts, entries, strict=True)
                  if entry.family == family and counts is not None]
        found[family] = fitted(family, *zip(*chosen, strict=True))
    return found
