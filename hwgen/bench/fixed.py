"""The fixed-point cores' requirements as rows, part by part."""

from pathlib import Path

from .fixed_parts import PARTS
from .frame.parts import run_documented
from .frame.row import Row

__all__ = ["DESCRIPTION", "NAME", "PARTS", "run"]

NAME = "fixed"
DESCRIPTION = "fixed-point cores beside published ones: cycles, cells, clocks; docs/fixed.md"

FOLDER, DOCUMENT = Path("rtl_out/bench/fixed"), Path("docs/fixed.md")

TEXT = """\
# Fixed-point cores, measured

Written by `hwgen bench fixed`; `--part NAME` measures one part alone. `must` is what we ask of
ourselves, `stretch` what would be better still, `published` what other generators give for the same
work in the same flow. Weights are random over their whole width, inputs signed, sums are not cut.

Every figure is of a stage alone: buffers, weights, multipliers, adders, accumulators, control. LUT4
of an ECP5 include those of carry cells and LUT RAM. nextpnr times an ECP5's multiplier blocks at
their registers, but not what lies between these: its own figure for the bare multiplier is 3.9 ns.

"""


def run(progress, *, parts=(), data=None) -> list[Row]:
    """Rows of ``parts``, by default of all, and then as a document too; one needs ``data``.

    See :func:`hwgen.bench.frame.parts.run_documented`.
    """
    return run_documented(NAME, PARTS, TEXT, progress, folder=FOLDER, written=DOCUMENT, parts=parts,
                          data=data)
