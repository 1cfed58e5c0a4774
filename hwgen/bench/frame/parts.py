"""Benchmarks that are measured part by part: which parts are asked for, and their document."""

from pathlib import Path

from hwgen.numeric.errors import SpecError, did_you_mean

from .bench import Bench, commit
from .markdown import markdown

__all__ = ["document", "listed", "origin", "require_parts", "run_documented", "run_parts"]


def run_documented(name: str, table, text: str, progress, *, folder: Path, written: Path, parts,
                   data, needs_data: bool = False, compose=None) -> list:
    """Rows of ``parts``; where these are all, the document ``written``, too.

    Parameters
    ----------
    name : str                       of the benchmark
    table : dict of str to module    all parts; see :mod:`hwgen.bench.binary_parts`
    text : str                       above the document's table
    progress : callable(step, fraction, text)
    folder : path                    for what is made and kept
    parts : sequence of str          those that are asked for; none asks for all
    data : path, optional            folder of the MNIST files, which some parts need
    needs_data : bool                whether there is no document without it
    compose : callable(text, rows, left_out), optional    makes the document; :func:`document`

    A part is done again when its code or its inputs change; what it has synthesised stays of use.
    Where all parts are asked for, those that lack something are left out, said so.
    """
    bench = Bench(folder, progress=progress, data=data, name=name)
    rows, left_out = run_parts(bench, table, name=name, chosen=parts, progress=progress)
    if not parts and (data is not None or not needs_data):
        written.parent.mkdir(parents=True, exist_ok=True)
        written.write_text((compose or document)(text, rows, left_out), encoding="utf-8")
        progress(f"bench {name}", 1.0, f"{len(rows)} rows; table in {written}")
    return rows


def require_parts(name: str, chosen, table) -> None:
    """That a benchmark has the chosen parts.

    Raises
    ------
    SpecError    If one is none of the table.
    """
    unknown = [part for part in chosen if part not in table]
    if unknown:
        raise SpecError(f"part of benchmark '{name}' must be one of {', '.join(table)},"
                        f" not {unknown[0]!r}" + did_you_mean(unknown[0], table))


def run_parts(bench, table, *, name: str, chosen, progress) -> tuple[list, dict]:
    """Rows of the parts, and which parts were left out for lack of what.

    Parameters
    ----------
    bench : Bench
    table : dict of str to module    all parts; see :mod:`hwgen.bench.binary_parts`
    name : str                       of the benchmark
    chosen : sequence of str         those that are asked for; none asks for all
    progress : callable(step, fraction, text)

    Raises
    ------
    SpecError    If a chosen part is none of the table, or lacks something.
    """
    require_parts(name, chosen, table)
    rows, left_out = [], {}
    for each in chosen or table:
        part = table[each]
        lacking = part.lacking(bench)
        if lacking and chosen:
            raise SpecError(f"part '{each}' must have {lacking}")
        if lacking:
            progress(f"bench {name}: {each}", 1.0, f"left out: it must have {lacking}")
            left_out[each] = lacking
            continue
        rows += bench.rows(each, part)
    return rows, left_out


def document(text: str, rows, left_out) -> str:
    """``text``, the table of ``rows``, what was left out and why, the origin."""
    return f"{listed(text, rows, left_out)}\n{origin(rows)}\n"


def listed(text: str, rows, left_out) -> str:
    """The same without the origin."""
    missing = "".join(f"\nNot measured in this run: `{part}`; it must have {lacking}.\n"
                      for part, lacking in left_out.items())
    return f"{text}{markdown(rows)}\n{missing}"


def origin(rows) -> str:
    """Seeds, commit and tools of rows, in sentences."""
    tools = sorted({tool for row in rows for tool in row.tools.split(", ") if tool})
    seeds = sorted({row.seed for row in rows if row.seed is not None})
    seed = f"Seed {', '.join(map(str, seeds))}" if seeds else "No seed"
    return f"{seed}; {commit() or 'no commit is known'}. Tools: {', '.join(tools)}."
