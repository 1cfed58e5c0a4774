"""The binarised cores' requirements as rows, part by part."""

from pathlib import Path

from .binary_parts import PARTS
from .binary_parts.document import TEXT
from .frame.parts import run_documented
from .frame.row import Row

__all__ = ["DESCRIPTION", "NAME", "PARTS", "run"]

NAME = "binary"
DESCRIPTION = "binarised cores beside published ones: cycles, cells, clocks; docs/binary.md"

FOLDER, DOCUMENT = Path("rtl_out/bench/binary"), Path("docs/binary.md")


def run(progress, *, parts=(), data=None) -> list[Row]:
    """Rows of ``parts``, by default of all, and then, with ``data``, as a document too.

    See :func:`hwgen.bench.frame.parts.run_documented`.
    """
    return run_documented(NAME, PARTS, TEXT, progress, folder=FOLDER, written=DOCUMENT, parts=parts,
                          data=data, needs_data=True)
