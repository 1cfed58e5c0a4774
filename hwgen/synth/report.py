"""What came out: cells, clocks, use of the device, seconds."""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from hwgen.numeric.errors import SpecError

__all__ = ["REPORT_FILE", "Clock", "CriticalPath", "SynthReport"]

REPORT_FILE = "report.json"


@dataclass(frozen=True, kw_only=True)
class Clock:
    """One clock after routing.

    Parameters
    ----------
    name : str
        Its net, without what nextpnr adds.
    fmax_mhz, constraint_mhz : float
        What was reached, and what was asked for.
    """

    name: str
    fmax_mhz: float
    constraint_mhz: float

    @property
    def met(self):
        """Whether the constraint is met."""
        return self.fmax_mhz >= self.constraint_mhz


@dataclass(frozen=True, kw_only=True)
class CriticalPath:
    """The slowest path from a clock to itself.

    Parameters
    ----------
    clock : str
    start, end : str
        Cells, with the port.
    logic_ns, routing_ns : float
        Delay in cells (with set-up) and in wires.
    levels : int
        Cells passed between start and end.
    """

    clock: str
    start: str
    end: str
    logic_ns: float
    routing_ns: float
    levels: int


@dataclass(frozen=True, kw_only=True)
class SynthReport:
    """The result of :func:`hwgen.synth.synthesise`.

    Parameters
    ----------
    top, device, package, mode : str
        Top module; device with its size, such as 'ecp5-85k'; 'board', 'unconstrained',
        'out of context' or 'synthesis'.
    speed : int or None
        Speed grade.
    clock_mhz : float
        What was asked for, in MHz.
    seed : int
    lut : int
        LUT cells.
    lut_eq : int
        LUTs with those that carries and distributed RAM take up; of an iCE40 that was placed, logic
        cells after packing whose LUT or carry is used.
    ff, bram, spram, dsp : int
        Flip-flops; block RAMs (DP16KD, BSRAM and RAMB18E1 of 18 kbit, of which a RAMB36E1 is two,
        SB_RAM40_4K of 4 kbit); single-port RAMs of 256 kbit; DSP blocks (MULT18X18D, SB_MAC16,
        DSP48E1, MULT18X18). After place and route, but for `ff` of an iCE40, which has them
        inside logic cells, and in mode 'synthesis'.
    memory_bits : int
        What all memory cells can hold.
    cells : dict of str to int
        The netlist, by cell type.
    utilisation : dict of str to (used, available)
        After place and route, of all that is used.
    clocks : tuple of Clock
        None in mode 'synthesis'.
    critical : tuple of CriticalPath
    tools : dict of str to str
        Version and kind of each tool.
    seconds : dict of str to float
        Wall-clock time of each step.
    bitstream : str or None
        Its file name in the folder of the report.
    digest : str
        SHA-256 of all that went in, tools included.
    """

    top: str
    device: str
    package: str
    speed: int | None
    mode: str
    clock_mhz: float
    seed: int
    lut: int
    lut_eq: int
    ff: int
    bram: int
    spram: int
    dsp: int
    memory_bits: int
    cells: dict
    utilisation: dict
    clocks: tuple[Clock, ...]
    critical: tuple[CriticalPath, ...]
    tools: dict
    seconds: dict
    bitstream: str | None
    digest: str

    @property
    def clock(self):
        """The clock that counts: the tightest of those asked to run at `clock_mhz` or above.

        None where nothing was placed.
        """
        asked = [c for c in self.clocks if c.constraint_mhz >= 0.99 * self.clock_mhz]
        if not asked:
            return None
        return min(asked, key=lambda c: c.fmax_mhz / c.constraint_mhz)

    @property
    def fmax_mhz(self):
        """What that clock reaches, in MHz; None where nothing was placed."""
        return self.clock and self.clock.fmax_mhz

    @property
    def met(self):
        """Whether every clock meets its constraint; None where nothing was placed."""
        return all(clock.met for clock in self.clocks) if self.clocks else None

    def to_json(self):
        """Give it as JSON, with the derived `fmax_mhz` and `met`."""
        about = {"fmax_mhz": self.fmax_mhz, "met": self.met, **asdict(self)}
        return json.dumps(about, indent=1) + "\n"

    @classmethod
    def from_json(cls, text):
        """Read what :meth:`to_json` wrote.

        Raises
        ------
        SpecError
            If it is something else.
        """
        try:
            about = json.loads(text)
            values = {field.name: about[field.name] for field in fields(cls)}
            values["clocks"] = tuple(Clock(**clock) for clock in values["clocks"])
            values["critical"] = tuple(CriticalPath(**path) for path in values["critical"])
            pairs = values["utilisation"].items()
            values["utilisation"] = {name: tuple(pair) for name, pair in pairs}
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise SpecError(
                f"synthesis report must be JSON with all its fields, not {text[:40]!r} ({error!r})"
            ) from error
        return cls(**values)

    def save(self, path):
        """Write it to a file."""
        Path(path).write_text(self.to_json(), encoding="utf-8")

    @classmethod
    def load(cls, path):
        """Read it from a file; raises SpecError if it holds something else."""
        return cls.from_json(Path(path).read_text(encoding="utf-8"))
