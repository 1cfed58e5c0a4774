"""The FPGAs that can be built for: what they hold, and how the tools name them."""

from dataclasses import dataclass

from hwgen.numeric.errors import SpecError
from hwgen.synth.family import FAMILIES

__all__ = ["FAMILIES", "Device"]


def _ecp5(luts, brams, dsps):
    return {"TRELLIS_COMB": luts, "TRELLIS_FF": luts, "DP16KD": brams, "MULT18X18D": dsps}


def _ice40(cells, rams, *, dsps=0, sprams=0):
    return {
        "ICESTORM_LC": cells,
        "ICESTORM_RAM": rams,
        "ICESTORM_DSP": dsps,
        "ICESTORM_SPRAM": sprams,
    }


def _xc7(luts, ramb36, dsps):
    return {"LUT6": luts, "FF": 2 * luts, "RAMB18E1": 2 * ramb36, "DSP48E1": dsps}


def _gowin(luts, ffs, brams, mults):
    return {"LUT4": luts, "DFF": ffs, "BSRAM": brams, "MULT18X18": mults}


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
    "xc7": {
        "7z010": _xc7(17600, 60, 80),
        "7z020": _xc7(53200, 140, 220),
        "7z045": _xc7(218600, 545, 900),
        "7a35t": _xc7(20800, 50, 90),
        "7a100t": _xc7(63400, 135, 240),
        "7a200t": _xc7(134600, 365, 740),
        "7k325t": _xc7(203800, 445, 840),
    },
    "gowin": {
        "gw1n-4": _gowin(4608, 3456, 10, 16),
        "gw1n-9": _gowin(8640, 6480, 26, 20),
        "gw2a-18": _gowin(20736, 15552, 46, 48),
        "gw2a-55": _gowin(54720, 41040, 140, 40),
    },
}


@dataclass(frozen=True, kw_only=True)
class Device:
    """An FPGA.

    Parameters
    ----------
    family : str
        'ecp5' or 'ice40'; 'xc7' or 'gowin', for which designs end after yosys.
    size : str
        As nextpnr names it: '12k', '25k', '45k', '85k', with 'um-' or 'um5g-' before it; 'up5k',
        'hx8k', 'lp1k' ... Of the other two '7z020', '7a35t' ..., 'gw1n-9' ...
    package : str
        As nextpnr names it: 'CABGA381', 'sg48' ...
    speed : int or None
        Speed grade of an ECP5: 6, 7 or 8 (the fastest). The others have none: None.

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
        if self.family != "ecp5":
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
        if self.family == "gowin":
            return (*self.tools.synth, "-family", self.size.partition("-")[0])
        if self.family != "ice40":
            return self.tools.synth
        kind = self.size[:2] if self.size[:2] in ("hx", "lp") else "u"
        return (*self.tools.synth, "-device", kind)

    @property
    def nextpnr_args(self):
        """The arguments that tell nextpnr which device it is."""
        speed = () if self.speed is None else ("--speed", str(self.speed))
        return (f"--{self.size}", "--package", self.package, *speed)
