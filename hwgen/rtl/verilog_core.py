"""A core that exists as Verilog: what an artefact holds, inside an Amaranth design."""

from amaranth.hdl import ClockSignal, Instance, Module, ResetSignal
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from .axis import core_ports

__all__ = ["VerilogCore"]


class VerilogCore(wiring.Component):
    """Instance of an artefact's top, with the ports of :class:`hwgen.rtl.pipeline.Pipeline`.

    So a board is built around the very file that was simulated.

    Parameters
    ----------
    top : str                      module name
    in_bits, out_bits : int        widths of ``s_axis_tdata`` and ``m_axis_tdata``
    loaded : bool                  whether it loads its weights
    """

    def __init__(self, *, top: str, in_bits: int, out_bits: int, loaded: bool = False):
        self._top = top
        super().__init__(core_ports(in_bits=in_bits, out_bits=out_bits, loaded=loaded))

    @classmethod
    def of(cls, manifest: dict) -> "VerilogCore":
        """The core that a manifest describes."""
        bits = {side: 8 * manifest[side]["lanes"] * manifest[side]["element_bytes"]
                for side in ("input", "output")}
        return cls(top=manifest["top"], in_bits=bits["input"], out_bits=bits["output"],
                   loaded="weights" in manifest)

    def elaborate(self, platform):
        m = Module()
        ports = {("i_" if member.flow is In else "o_") + name: getattr(self, name)
                 for name, member in self.signature.members.items()}
        m.submodules.core = Instance(self._top, i_clk=ClockSignal(), i_rst=ResetSignal(), **ports)
        return m
