"""The binarised cores' requirements as rows, part by part."""

from pathlib import Path

from .binary_parts import PARTS, Bench
from .binary_parts.document import TEXT
from .frame.parts import document, run_parts
from .frame.row import Row

__all__ = ["DESCRIPTION", "NAME", "PARTS", "run"]

NAME = "binary"
DESCRIPTION = "binarised cores beside published ones: cycles, cells, clocks; docs/binary.md"

FOLDER, DOCUMENT = Path("rtl_out/bench/binary"), Path("docs/binary.md")


def run(progress, *, parts=(), data=None) -> list[Row]:
    """Rows of ``parts``, by default of all; of those that are done already the kept ones.

    Parameters
    ----------
    progress : callable(step, fraction, text)
    parts : sequence of str      of :data:`PARTS`
    data : path, optional        folder of the MNIST files, which some parts need

    A part is done again when its code or its inputs change; what it has synthesised stays of use.
    Where all parts are asked for, those that lack something are left out, said so; with the data
    given, the rows are then written as a document too, with what was left out.
    """
    bench = Bench(FOLDER, progress=progress, data=data)
    rows, left_out = run_parts(bench, PARTS, name=NAME, chosen=parts, progress=progress)
    if data is not None and not parts:
        DOCUMENT.parent.mkdir(parents=True, exist_ok=True)
        DOCUMENT.write_text(document(TEXT, rows, left_out), encoding="utf-8")
        progress(f"bench {NAME}", 1.0, f"{len(rows)} rows; table in {DOCUMENT}")
    return rows
