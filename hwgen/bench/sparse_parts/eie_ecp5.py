"""The EIE engine on an ECP5-85 of speed grade 6: 16 elements, 8-bit activations and weights."""

from hwgen.plan.engines import EieSpec
from hwgen.rtl.eie import EieEngine

from ..frame.engine import placed

__all__ = ["KEY", "SPEC", "lacking", "measure"]

SPEC, CLK_HZ = EieSpec(pe=16, lanes=16, huffman=True), 125_000_000

KEY = (SPEC.to_dict(), CLK_HZ)


def lacking(bench) -> None:
    """Nothing is needed."""


def measure(bench):
    """Cells, and the clock after routing."""
    return placed(bench, EieEngine(SPEC), SPEC, clk_hz=CLK_HZ, must=">= 100", stretch=">= 125",
                  work="EIE engine, 16 PEs, 4-bit codes and index, Huffman codes")
