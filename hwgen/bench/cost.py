"""Cells estimated before synthesis against those that yosys counts, for many configurations."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from hwgen.plan.stages import BinaryStage, FixedStage, binary_cells, fixed_cells

from .cost_parts.fit import fitted
from .cost_parts.fixed_sweep import FIXED_CASES, FIXED_DRAWN, FIXED_HELD_OUT
from .cost_parts.held_out import HELD_OUT
from .cost_parts.joining import JOINING
from .cost_parts.measure import DEVICES, device_of, measured, target_of
from .cost_parts.others import OTHERS
from .cost_parts.pools import POOLS
from .cost_parts.sweep import CASES, UNITS
from .cost_parts.table import Entry, document, rows_of
from .cost_parts.texts import BINARY_TEXT, FIXED_TEXT
from .frame.bench import Bench
from .frame.parts import require_parts

__all__ = ["DESCRIPTION", "NAME", "PARTS", "run"]

NAME = "cost"
DESCRIPTION = "cells estimated before synthesis against those counted after it; docs/cost*.md"

FOLDER, DOCS = Path("rtl_out/bench/cost"), Path("docs")


@dataclass(frozen=True)
class Part:
    """A family of cores.

    Parameters
    ----------
    cases, held_out : tuple         configurations, and those that nothing is fitted to
    model : module                  with ``COSTS`` and ``PARTS``
    count : callable(stage, target) its parts, None of a stage that the model is not of
    text, document : str            above the tables; the file's name
    """

    cases: tuple
    held_out: tuple
    model: ModuleType
    count: Callable
    text: str
    document: str


def _binary(stage, target):
    is_binary = isinstance(stage, BinaryStage)
    return binary_cells.binary_parts(stage, target) if is_binary else None


def _fixed(stage, target):
    is_fixed = isinstance(stage, FixedStage)
    return fixed_cells.fixed_parts(stage, target) if is_fixed else None


PARTS = {
    "binary": Part((*CASES, *UNITS, *OTHERS), HELD_OUT, binary_cells, _binary, BINARY_TEXT,
                   "cost.md"),
    "fixed": Part((*FIXED_CASES, *JOINING, *POOLS, *FIXED_DRAWN), FIXED_HELD_OUT, fixed_cells,
                  _fixed, FIXED_TEXT, "cost-fixed.md"),
}


def run(progress, *, parts=(), data=None) -> list:
    """Synthesise every configuration for its families, unless it is there; write the documents.

    ``parts`` names some of :data:`PARTS`, by default all; none needs ``data``.

    Raises
    ------
    SpecError    If one is none of :data:`PARTS`.
    """
    require_parts(NAME, parts, PARTS)
    bench = Bench(FOLDER, progress=progress, data=data, name=NAME)
    return [row for name in parts or PARTS for row in _rows(bench, PARTS[name], name, progress)]


def _rows(bench, part: Part, name: str, progress) -> list:
    jobs = [(family, number, case) for family in DEVICES
            for number, case in enumerate((*part.cases, *part.held_out))
            if family in case.families]
    entries, counts, bench.part = [], [], "" if name == "binary" else name
    for done, (family, number, case) in enumerate(jobs):
        progress("bench cost", done / len(jobs), f"{family}: {case}")
        target = target_of(case, family)
        stage = case.stage(target.fabric.lut_inputs)
        estimate = case.estimate(stage, target)
        if (estimate.lut > target.luts or estimate.bram > target.brams
                or target.dsps and estimate.dsp > target.dsps):
            continue        # yosys' netlist would be refused
        found, tool = measured(bench, case.component(stage), f"case-{number}",
                               device_of(case, family))
        is_held_out = case in part.held_out
        entries.append(Entry(family=family, case=str(case), estimate=estimate, measured=found,
                             cycles=stage.interval_cycles, tool=tool, is_held_out=is_held_out))
        counts.append(None if is_held_out else part.count(stage, target))
    DOCS.mkdir(parents=True, exist_ok=True)
    written = DOCS / part.document
    written.write_text(document(entries, _fits(entries, counts, part.model), part.text),
                       encoding="utf-8")
    progress("bench cost", 1.0, f"{len(entries)} configurations; table in {written}")
    return rows_of(entries, f"cost model of {name} cores")


def _fits(entries, counts, model) -> dict:
    """Family -> costs that fit best."""
    found = {}
    for family in dict.fromkeys(entry.family for entry in entries):
        chosen = [(count, entry.measured.lut) for count, entry in zip(counts, entries, strict=True)
                  if entry.family == family and count is not None]
        found[family] = fitted(family, *zip(*chosen, strict=True), model=model)
    return found
