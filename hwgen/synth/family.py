"""How the tools of each device family are called, and what its cells are called."""

from dataclasses import dataclass

__all__ = ["FAMILIES", "LARGE_CELLS", "Family"]

LARGE_CELLS = 12_000
"""Of a netlist, beyond which nextpnr's defaults for ECP5 hardly get on. LFC, 15,326 cells with 173
block RAMs: router 1 had 53,570 of 58,248 arcs left after ten minutes, router 2 on such a placement
5,533 overused wires after ten rounds; the static placer spreads cells, and router 2 then ends in
50."""


@dataclass(frozen=True, kw_only=True)
class Family:
    """A device family.

    Parameters
    ----------
    name : str
    synth : tuple of str
        The yosys command, with the options that gave the smallest netlists.
    comb, ff, bram, spram, dsp : str
        Names in nextpnr's report, and of :attr:`Device.totals`; empty if it does not count them, or
        there are none.
    bits : dict of str to int
        Bits that one memory cell of the netlist holds, by cell type.
    uses : dict of str to (str, int)
        Netlist cell type to what holds it, as nextpnr's report names that, and how many of it; for
        those that are scarce.
    nextpnr, packer : str
        Tools; empty where designs end after yosys.
    constraint_flag, constraint_suffix : str
        How nextpnr takes the file of pins.
    unconstrained_flag : str
        Lets nextpnr choose the pins that no file gives.
    route_flag, route_suffix, bit_suffix : str
        The routed design, and the bitstream.
    preamble : bytes
        What every bitstream holds after its comment.
    large_words : tuple of str
        Further words for nextpnr where a netlist has more than :data:`LARGE_CELLS` cells.
    """

    name: str
    synth: tuple[str, ...]
    comb: str
    ff: str
    bram: str
    spram: str = ""
    dsp: str
    bits: dict
    uses: dict
    nextpnr: str = ""
    packer: str = ""
    constraint_flag: str = ""
    constraint_suffix: str = ""
    unconstrained_flag: str = ""
    route_flag: str = ""
    route_suffix: str = ""
    bit_suffix: str = ""
    preamble: bytes = b""
    large_words: tuple[str, ...] = ()

    @property
    def placed(self) -> bool:
        """Whether there are tools that place and route."""
        return bool(self.nextpnr)


_GOWIN_RAMS = ("DPB", "DPX9B", "SDPB", "SDPX9B", "SP", "SPX9", "pROM", "pROMX9")

# -nowidelut: a 64-bit XNOR-popcount takes 168 LUT4 instead of 322.
FAMILIES = {
    "ecp5": Family(
        name="ecp5",
        synth=("synth_ecp5", "-nowidelut"),
        nextpnr="nextpnr-ecp5",
        packer="ecppack",
        constraint_flag="--lpf",
        constraint_suffix=".lpf",
        unconstrained_flag="--lpf-allow-unconstrained",
        route_flag="--textcfg",
        route_suffix=".config",
        bit_suffix=".bit",
        preamble=b"\xff\xff\xbd\xb3",
        large_words=("--placer", "static", "--router", "router2"),
        comb="TRELLIS_COMB",
        ff="TRELLIS_FF",
        bram="DP16KD",
        spram="",
        dsp="MULT18X18D",
        bits={"DP16KD": 18432, "PDPW16KD": 18432, "TRELLIS_DPR16X4": 64},
        uses={
            "DP16KD": ("DP16KD", 1),
            "PDPW16KD": ("DP16KD", 1),
            "MULT18X18D": ("MULT18X18D", 1),
            "TRELLIS_FF": ("TRELLIS_FF", 1),
        },
    ),
    "ice40": Family(
        name="ice40",
        synth=("synth_ice40",),
        nextpnr="nextpnr-ice40",
        packer="icepack",
        constraint_flag="--pcf",
        constraint_suffix=".pcf",
        unconstrained_flag="--pcf-allow-unconstrained",
        route_flag="--asc",
        route_suffix=".asc",
        bit_suffix=".bin",
        preamble=b"\x7e\xaa\x99\x7e",
        comb="ICESTORM_LC",
        ff="",
        bram="ICESTORM_RAM",
        spram="ICESTORM_SPRAM",
        dsp="ICESTORM_DSP",
        bits={"SB_RAM40_4K": 4096, "SB_SPRAM256KA": 262144},
        uses={
            "SB_RAM40_4K": ("ICESTORM_RAM", 1),
            "SB_SPRAM256KA": ("ICESTORM_SPRAM", 1),
            "SB_MAC16": ("ICESTORM_DSP", 1),
        },
    ),
    "xc7": Family(
        name="xc7",
        synth=("synth_xilinx", "-family", "xc7", "-noiopad", "-flatten"),
        comb="LUT6",
        ff="FF",
        bram="RAMB18E1",
        dsp="DSP48E1",
        bits={"RAMB18E1": 18432, "RAMB36E1": 36864},
        uses={
            "RAMB18E1": ("RAMB18E1", 1),
            "RAMB36E1": ("RAMB18E1", 2),
            "DSP48E1": ("DSP48E1", 1),
        },
    ),
    "gowin": Family(
        name="gowin",
        synth=("synth_gowin", "-noiopads"),
        comb="LUT4",
        ff="DFF",
        bram="BSRAM",
        dsp="MULT18X18",
        bits=dict.fromkeys(_GOWIN_RAMS, 18432),
        uses={
            **dict.fromkeys(_GOWIN_RAMS, ("BSRAM", 1)),
            "MULT18X18": ("MULT18X18", 1),
            "MULT9X9": ("MULT18X18", 1),
        },
    ),
}
