"""A board: its target, its clock, its pins, and the files that synthesis needs."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from amaranth import (
    ClockDomain,
    ClockSignal,
    DomainRenamer,
    Elaboratable,
    Module,
    ResetSignal,
    Signal,
)
from amaranth.build import TemplatedPlatform
from amaranth.lib import io, wiring

from hwgen.numeric.errors import SpecError
from hwgen.plan import Target
from hwgen.rtl.link import LinkShell, LinkSpec
from hwgen.synth import Device, SynthJob

from .pll import Ecp5Pll, Ice40Pll
from .reset import PowerOnReset

__all__ = ["Board", "BoardFiles"]

_CONSTRAINTS = {"ecp5": "lpf", "ice40": "pcf"}
# iCE40 block RAM reads as zero for some 3 us after configuration; five times that to be sure.
_RESET_S = 15e-6


@dataclass(frozen=True)
class BoardFiles:
    """What synthesis needs: the top as RTLIL, and its pins and clocks as constraints.

    ``files`` maps names to texts; ``rtlil`` and ``constraints`` are two of its names. ``clk_hz``
    is the clock that the core gets, exactly as the PLL makes it.
    """

    top: str
    rtlil: str
    constraints: str
    files: dict[str, str]
    clk_hz: float

    def write(self, folder: Path) -> None:
        """Write all files into ``folder``, which must exist."""
        for name, text in self.files.items():
            (folder / name).write_text(text, encoding="utf-8")


@dataclass(frozen=True, kw_only=True)
class Board:
    """One board.

    Parameters
    ----------
    target : :class:`~hwgen.plan.Target`
        What the planner and the tools need to know; its ``clk_hz`` is the default clock.
    platform : callable
        Makes the Amaranth platform; its default clock is the oscillator.
    pll : :class:`Ecp5Pll` or :class:`Ice40Pll`
    uart : (str, int)
        Resource of the serial port, with ``rx`` and ``tx``.
    reset_button : (str, int) or None
        Resource of a button that resets the core.
    baud : int
        Default bits a second.
    """

    target: Target
    platform: Callable[[], TemplatedPlatform]
    pll: Ecp5Pll | Ice40Pll
    uart: tuple[str, int] = ("uart", 0)
    reset_button: tuple[str, int] | None = None
    baud: int = 1_000_000

    @property
    def name(self) -> str:
        """Name of the board, for example ``ulx3s-85f``."""
        return self.target.name

    @property
    def device(self) -> Device:
        """The FPGA, as the tools name it."""
        target = self.target
        lower = target.family == "ice40"      # nextpnr's packages are lower case there
        return Device(family=target.family, size=target.device,
                      package=target.package.lower() if lower else target.package,
                      speed=int(target.speed) if target.speed else None)

    def link_spec(self, *, digest: bytes, in_bytes: int, out_bytes: int,
                  weight_words: int = 0, clk_hz: float | None = None,
                  baud: int | None = None) -> LinkSpec:
        """Return the board link's sizes and rates, for :meth:`prepare` and for simulation.

        Parameters
        ----------
        digest : bytes
            First 8 bytes of the network's SHA-256.
        in_bytes, out_bytes : int
            Bytes of one frame of the core's input and output, whole beats.
        weight_words : int, optional
            Words of a set of weights; 0 if the core loads none.
        clk_hz : float, optional
            Wanted clock; the link is laid out for what the PLL makes of it.
        baud : int, optional
            Bits a second.

        Raises
        ------
        SpecError
            If the PLL cannot make the clock (the message has the nearest that it can), or the
            clock not the baud rate.
        """
        wanted_hz = self.target.clk_hz if clk_hz is None else clk_hz
        return LinkSpec(digest=digest, in_bytes=in_bytes, out_bytes=out_bytes,
                        weight_words=weight_words, clk_hz=self.pll.settings(wanted_hz).out_hz,
                        baud=self.baud if baud is None else baud)

    def prepare(self, core: wiring.Component, *, name: str, spec: LinkSpec) -> BoardFiles:
        """Put ``core`` behind the board's serial port and return the files for synthesis.

        Runs no tool. ``core`` is used up: make a new one for each call.

        Raises
        ------
        SpecError
            If ``name`` is no identifier, or ``spec.clk_hz`` no clock of the PLL.
        """
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise SpecError(f"board '{self.name}': name must be an identifier, not {name!r}")
        platform = self.platform()
        top = BoardTop(self, LinkShell(core, spec))
        plan = platform.prepare(top, name, emit_src=False)
        rtlil, constraints = f"{name}.il", f"{name}.{_CONSTRAINTS[self.target.family]}"
        files = {each: plan.files[each] for each in (rtlil, constraints)}
        return BoardFiles(name, rtlil, constraints, files, spec.clk_hz)


    def synth_job(self, files: BoardFiles, folder: Path, **options) -> SynthJob:
        """Return the job that builds ``files``, once written into ``folder``.

        ``options`` are further members of :class:`~hwgen.synth.SynthJob`, such as ``seed``.
        """
        return SynthJob(sources=(folder / files.rtlil,), top=files.top, device=self.device,
                        clock_mhz=files.clk_hz / 1e6, constraints=folder / files.constraints,
                        **options)


class BoardTop(Elaboratable):
    """The shell on the pins of a board, with its clock and its reset."""

    def __init__(self, board: Board, shell: LinkShell):
        self._board, self._shell = board, shell

    def elaborate(self, platform):
        m = Module()
        board = self._board
        m.submodules.shell = shell = self._shell
        uart = platform.request(*board.uart, dir="-")
        m.submodules.rx_buffer = rx = io.Buffer("i", uart.rx)
        m.submodules.tx_buffer = tx = io.Buffer("o", uart.tx)
        m.d.comb += [shell.rx.eq(rx.i), tx.o.eq(shell.tx)]

        clk = Signal()
        locked = Signal()
        pressed = Signal()
        pad = platform.request(platform.default_clk, dir="-")
        settings = board.pll.settings(shell.spec.clk_hz)
        settings.add_to(m, pad, clk, locked)
        platform.add_clock_constraint(clk, settings.out_hz)
        if board.reset_button is not None:
            button = platform.request(*board.reset_button, dir="-")
            m.submodules.button_buffer = buffer = io.Buffer("i", button)
            m.d.comb += pressed.eq(buffer.i)
        self._add_reset(m, clk, locked & ~pressed, round(_RESET_S * settings.out_hz))
        return m

    def _add_reset(self, m, clk, good, cycles):
        """Make domain ``sync`` on ``clk``, in reset until ``good`` was high for ``cycles``."""
        m.domains.power_on = ClockDomain("power_on", local=True, reset_less=True)
        m.domains.sync = ClockDomain("sync")
        power_on = PowerOnReset(cycles=cycles)
        m.submodules.power_on = DomainRenamer("power_on")(power_on)
        m.d.comb += [
            power_on.good.eq(good),
            ClockSignal("power_on").eq(clk),
            ClockSignal("sync").eq(clk),
            ResetSignal("sync").eq(~power_on.running),
        ]
