"""Clock multipliers of the device families: settings for a wanted clock, and their instances.

Legal ranges are those of the data sheets (ECP5 family FPGA-DS-02012, iCE40 sysCLOCK FPGA-TN-02052);
of all settings that reach the nearest clock the one with the highest phase detector frequency is
taken, which gives the least jitter.
"""

from dataclasses import dataclass

from amaranth import Const, Instance
from amaranth.lib import io

from hwgen.numeric.errors import SpecError

__all__ = ["Ecp5Pll", "Ecp5Settings", "Ice40Pll", "Ice40Settings"]

MHZ = 1e6
_TOLERANCE = 1e-3


def _nearest(wanted_hz, options, what):
    """Return the option whose ``out_hz`` is as wanted; refuse with the nearest one's clock."""
    best = min(options, key=lambda option: (abs(option.out_hz - wanted_hz), -option.pfd_hz))
    if abs(best.out_hz / wanted_hz - 1) > _TOLERANCE:
        raise SpecError(f"{what}: clk_hz must be a clock that the PLL can make "
                        f"(nearest: {best.out_hz:.0f}), not {wanted_hz!r}")
    return best


@dataclass(frozen=True)
class Ecp5Settings:
    """Dividers of one EHXPLLL, with feedback from its output."""

    in_hz: float
    clki_div: int
    clkfb_div: int

    @property
    def pfd_hz(self) -> float:
        """Frequency that the phase detector compares at."""
        return self.in_hz / self.clki_div

    @property
    def out_hz(self) -> float:
        """Frequency of the output."""
        return self.pfd_hz * self.clkfb_div

    @property
    def clkop_div(self) -> int:
        """Output divider: brings the oscillator next to 600 MHz, the middle of its range."""
        return max(1, min(128, round(600 * MHZ / self.out_hz)))

    @property
    def vco_hz(self) -> float:
        """Frequency of the oscillator."""
        return self.out_hz * self.clkop_div

    @property
    def legal(self) -> bool:
        """Whether every frequency is in its range."""
        return (3.125 * MHZ <= self.pfd_hz <= 400 * MHZ and 400 * MHZ <= self.vco_hz <= 800 * MHZ
                and 3.125 * MHZ <= self.out_hz <= 400 * MHZ)

    def add_to(self, m, pad, clk, locked) -> None:
        """Drive ``clk`` and ``locked`` from the oscillator on ``pad``."""
        m.submodules.clk_buffer = buffer = io.Buffer("i", pad)
        m.submodules.pll = Instance(
            "EHXPLLL",
            # What the vendor's tool writes for this range of the oscillator.
            a_ICP_CURRENT="12", a_LPF_RESISTOR="8", a_MFG_ENABLE_FILTEROPAMP="1",
            a_MFG_GMCREF_SEL="2",
            a_FREQUENCY_PIN_CLKI=f"{self.in_hz / MHZ:g}",
            a_FREQUENCY_PIN_CLKOP=f"{self.out_hz / MHZ:g}",
            p_PLLRST_ENA="DISABLED", p_INTFB_WAKE="DISABLED", p_STDBY_ENABLE="DISABLED",
            p_DPHASE_SOURCE="DISABLED", p_OUTDIVIDER_MUXA="DIVA", p_OUTDIVIDER_MUXB="DIVB",
            p_OUTDIVIDER_MUXC="DIVC", p_OUTDIVIDER_MUXD="DIVD",
            p_CLKI_DIV=self.clki_div, p_CLKFB_DIV=self.clkfb_div,
            p_CLKOP_ENABLE="ENABLED", p_CLKOP_DIV=self.clkop_div,
            p_CLKOP_CPHASE=self.clkop_div - 1, p_CLKOP_FPHASE=0, p_FEEDBK_PATH="CLKOP",
            i_CLKI=buffer.i, i_CLKFB=clk, o_CLKOP=clk, o_LOCK=locked,
            i_RST=Const(0), i_STDBY=Const(0), i_PHASESEL0=Const(0), i_PHASESEL1=Const(0),
            i_PHASEDIR=Const(1), i_PHASESTEP=Const(1), i_PHASELOADREG=Const(1),
            i_PLLWAKESYNC=Const(0), i_ENCLKOP=Const(0),
        )


@dataclass(frozen=True)
class Ecp5Pll:
    """The clock multiplier of an ECP5, fed from an oscillator of ``in_hz``."""

    in_hz: float

    def settings(self, clk_hz: float) -> Ecp5Settings:
        """Return the dividers for ``clk_hz``.

        Raises
        ------
        SpecError
            If no legal setting comes within 0.1 %.
        """
        options = (Ecp5Settings(self.in_hz, i, fb) for i in range(1, 129) for fb in range(1, 129))
        return _nearest(clk_hz, [each for each in options if each.legal], "ecp5 pll")


@dataclass(frozen=True)
class Ice40Settings:
    """Dividers of one SB_PLL40_PAD in simple feedback; all are one less than what they divide."""

    in_hz: float
    divr: int
    divf: int
    divq: int

    @property
    def pfd_hz(self) -> float:
        """Frequency that the phase detector compares at."""
        return self.in_hz / (self.divr + 1)

    @property
    def vco_hz(self) -> float:
        """Frequency of the oscillator."""
        return self.pfd_hz * (self.divf + 1)

    @property
    def out_hz(self) -> float:
        """Frequency of the output."""
        return self.vco_hz / (1 << self.divq)

    @property
    def filter_range(self) -> int:
        """Setting of the loop filter, by the frequency at the phase detector."""
        limits_mhz = (17, 26, 44, 66, 101)
        return 1 + sum(self.pfd_hz >= limit * MHZ for limit in limits_mhz)

    @property
    def legal(self) -> bool:
        """Whether every frequency is in its range."""
        return (10 * MHZ <= self.pfd_hz <= 133 * MHZ and 533 * MHZ <= self.vco_hz <= 1066 * MHZ
                and 16 * MHZ <= self.out_hz <= 275 * MHZ)

    def add_to(self, m, pad, clk, locked) -> None:
        """Drive ``clk`` and ``locked`` from the oscillator on ``pad``."""
        m.submodules.pll = Instance(
            "SB_PLL40_PAD",
            p_FEEDBACK_PATH="SIMPLE", p_PLLOUT_SELECT="GENCLK",
            p_DIVR=Const(self.divr, 4), p_DIVF=Const(self.divf, 7), p_DIVQ=Const(self.divq, 3),
            p_FILTER_RANGE=Const(self.filter_range, 3),
            io_PACKAGEPIN=pad.io, i_RESETB=Const(1), i_BYPASS=Const(0),
            o_PLLOUTGLOBAL=clk, o_LOCK=locked,
        )


@dataclass(frozen=True)
class Ice40Pll:
    """The clock multiplier of an iCE40, fed from an oscillator of ``in_hz`` on its own pad."""

    in_hz: float

    def settings(self, clk_hz: float) -> "Ice40Settings | DirectSettings":
        """Return the dividers for ``clk_hz``.

        Raises
        ------
        SpecError
            If no legal setting comes within 0.1 %.
        """
        if clk_hz == self.in_hz:          # often below the 16 MHz that the PLL starts at
            return DirectSettings(self.in_hz)
        options = (Ice40Settings(self.in_hz, r, f, q)
                   for r in range(16) for f in range(128) for q in range(1, 7))
        return _nearest(clk_hz, [each for each in options if each.legal], "ice40 pll")


@dataclass(frozen=True)
class DirectSettings:
    """The oscillator itself, without a PLL."""

    out_hz: float

    def add_to(self, m, pad, clk, locked) -> None:
        """Drive ``clk`` and ``locked`` from the oscillator on ``pad``."""
        m.submodules.clk_buffer = buffer = io.Buffer("i", pad)
        m.d.comb += [clk.eq(buffer.i), locked.eq(1)]
