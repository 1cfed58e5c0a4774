"""A component as RTLIL text, the form in which Yosys reads it."""

from amaranth.back import rtlil
from amaranth.lib import wiring

from .chain_cells import VerilogPlatform

__all__ = ["to_rtlil"]


def to_rtlil(component: wiring.Component, name: str) -> str:
    """RTLIL of ``component`` as module ``name``; ports as its signature says, and clk and rst.

    The same text for the same component, whatever the folder: it carries no source locations.
    The pieces of carry chains are instances (:mod:`hwgen.rtl.chain_cells`).
    """
    if not isinstance(component, wiring.Component):
        raise TypeError(f"component must be an Amaranth Component, not {component!r}")
    return rtlil.convert(component, name=name, platform=VerilogPlatform(), emit_src=False)
