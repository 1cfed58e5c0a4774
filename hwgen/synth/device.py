"""The FPGAs that can be built for: what they hold, and how the tools name them."""

from dataclasses import dataclass

from hwgen.numeric.errors import SpecError

__all__ = ["FAMILIES", "Device", "Family"]


@dataclass(frozen=True, kw_only=True)
class Family:
    """How the tools of one device family are called, and what its cells are called.

    Parameters
    ----------
    name : str
    synth : tuple of str
        The yosys command, with the options that gave the smallest netlists.
    nextpnr, packer : str
        Tools.
    constraint_flag, constraint_suffix : str
        How nextpnr takes the file of pins.
    unconstrained_flag : str
        Lets nextpnr choose the pins that no file gives.
    route_flag, route_suffix, bit_suffix : str
        The routed design, and the bitstream.
    preamble : bytes
        What every bitstream holds after its comment.
    comb, ff, bram, spram, dsp : str
        Names in nextpnr's report; empty if it does not count them, or there are none.
    bits : dict of str to int
        Bits that one memory cell of the netlist holds, by cell type.
    uses : dict of str to str
        Netlist cell type to the name in nextpnr's report of what holds it, for those that are
        scarce.
    """

    name: str
    synth: tuple[str, ...]
    nextpnr: str
    packer: str
    constraint_flag: str
    constraint_suffix: str
    unconstrained_flag: str
    route_flag: str
    route_suffix: str
    bit_suffix: str
    preamble: bytes
    comb: str
    ff: str
    bram: str
    spram: str
    dsp: str
    bits: dict
    uses: dict


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
        comb="TRELLIS_COMB",
        ff="TRELLIS_FF",
        bram="DP16KD",
        spram="",
        dsp="MULT18X18D",
        bits={"DP16KD": 18432, "PDPW16KD": 18432, "TRELLIS_DPR16X4": 64},
        uses={
            "DP16KD": "DP16KD",
            "PDPW16KD": "DP16KD",
            "MULT18X18D": "MULT18X18D",
            "TRELLIS_FF": "TRELLIS_FF",
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
            "SB_RAM40_4K": "ICESTORM_RAM",
            "SB_SPRAM256KA": "ICESTORM_SPRAM",
            "SB_MAC16": "ICESTORM_DSP",
        },
    ),
}


def _ecp5(luts, brams, dsps):
    return {"TRELLIS_COMB": luts, "TRELLIS_FF": luts, "DP16KD": brams, "MULT18X18D": dsps}


def _ice40(cells, rams, *, dsps=0, sprams=0):
    return {
        "ICESTORM_LC": cells,
        "ICESTORM_RAM": rams,
        "ICESTORM_DSP": dsps,
        "ICESTORM_SPRAM": sprams,
    }


# As nextpnr 0.11 counts them: it fills a 12k as a 25k and an hx4k as an hx8k, which they are.
_ECP5_SIZES = {"25k": _ecp5(24288, 56, 28), "45k": _ecp5(43848, 108, 72)}
_ECP5_SIZES |= {"85k": _ecp5(83640, 208, 156)}
_SIZES = {
    "ecp5": {
        "12k": _ECP5_SIZES["25k"],
        **_ECP5_SIZES,
        **{f"um-{size}": totals for size, totals in _ECP5_SIZES.items()},
        **{f"um5g-{size}": totals for size, totals in _ECP5_SIZES.items()},
    },
    "ice40": {
        "lp384": _ice40(384, 0),
        **dict.fromkeys(("lp1k", "hx1k"), _ice40(1280, 16)),
        **dict.fromkeys(("lp4k", "lp8k", "hx4k", "hx8k"), _ice40(7680, 32)),
        **dict.fromkeys(("up3k", "up5k"), _ice40(5280, 30, dsps=8, sprams=4)),
        **dict.fromkeys(("u1k", "u2k", "u4k"), _ice40(3520, 20, dsps=4)),
    },
}


@dataclass(frozen=True, kw_only=True)
class Device:
    """An FPGA.

    Parameters
    ----------
    family : str
        'ecp5' or 'ice40'.
    size : str
        As nextpnr names it: '12k', '25k', '45k', '85k', with 'um-' or 'um5g-' before it; 'up5k',
        'hx8k', 'lp1k' ...
    package : str
        As nextpnr names it: 'CABGA381', 'sg48' ...
    speed : int or None
        Speed grade of an ECP5: 6, 7 or 8 (the fastest). An iCE40 has none: None.

    Raises
    ------
    SpecError
        If there is no such device.
    """

    family: str
    size: str
    package: str
    speed: int | None = None

    def __post_init__(self):
        if self.family not in FAMILIES:
            names = ", ".join(FAMILIES)
            raise SpecError(f"device family must be one of {names}, not {self.family!r}")
        sizes = _SIZES[self.family]
        if self.size not in sizes:
            raise SpecError(
                f"{self.family}: device size must be one of {', '.join(sizes)}, not {self.size!r}"
            )
        if not self.package.isalnum():
            raise SpecError(
                f"{self.family}-{self.size}: package must be a name of letters and digits,"
                f" not {self.package!r}"
            )
        speeds = self._speeds
        if self.speed not in speeds:
            raise SpecError(
                f"{self.family}-{self.size}: speed must be one of"
                f" {', '.join(map(str, speeds))}, not {self.speed!r}"
            )

    def __str__(self):
        parts = [self.family, self.size, self.package, self.speed]
        return "-".join(str(part) for part in parts if part is not None)

    @property
    def _speeds(self):
        if self.family == "ice40":
            return (None,)
        return (8,) if self.size.startswith("um5g") else (6, 7, 8)

    @property
    def tools(self):
        """What is called differently from family to family."""
        return FAMILIES[self.family]

    @property
    def totals(self):
        """How many cells of each kind there are, by the names of nextpnr's report."""
        return dict(_SIZES[self.family][self.size])

    @property
    def synth_command(self):
        """The yosys command with its options, without the top."""
        if self.family == "ecp5":
            return self.tools.synth
        kind = self.size[:2] if self.size[:2] in ("hx", "lp") else "u"
        return (*self.tools.synth, "-device", kind)

    @property
    def nextpnr_args(self):
        """The arguments that tell nextpnr which device it is."""
        speed = () if self.speed is None else ("--speed", str(self.speed))
        return (f"--{self.size}", "--package", self.package, *speed)
