"""What to build."""

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from hwgen.numeric.errors import SpecError
from hwgen.synth.device import Device
from hwgen.synth.script import map_files, netlist_commands

__all__ = ["SynthJob"]

_HDL = {".v": "read_verilog", ".sv": "read_verilog -sv"}
_HDL |= dict.fromkeys((".il", ".rtlil"), "read_rtlil")
_FILE_NAME = re.compile(r"[\w.+-]+")
_WORD = re.compile(r"[^\s;#\"']+")


@dataclass(frozen=True, kw_only=True)
class SynthJob:
    """One design for one device.

    Parameters
    ----------
    sources : sequence of path
        RTLIL (.il, .rtlil) and Verilog (.v, .sv), read in this order; other files, such as memory
        contents, are only put beside them. All are copied into one folder, so that a memory file
        is named without folders in the source.
    top : str
        Top module.
    device : Device
    clock_mhz : float
        The frequency that the design is placed and routed for, in MHz. Clocks that the constraint
        file gives a frequency, and clocks derived from them by a PLL, keep theirs.
    constraints : path or None
        Pins (.lpf for ECP5, .pcf for iCE40). Without it nextpnr chooses the pins, and no bitstream
        is written, since it would fit no board.
    place : bool
        Whether to place and route. False ends after yosys, as it must for a family without such
        tools; the report then has neither clocks nor a bitstream.
    out_of_context : bool
        Measure a part of a design alone: all ports but `keep_ports` are cut off the netlist, so
        that none need a pin. Paths from and to cut ports are not timed.
    keep_ports : sequence of str
        Ports that stay in that case; clocks must.
    seed : int
        Of place and route.
    options : sequence of str
        Further words for the synth command of yosys.
    place_options : sequence of str
        Further arguments for nextpnr.
    min_cells : int
        Fewest cells that the netlist may hold, pads not counted; fewer means that the logic was
        folded away.
    min_memory_bits : int
        Fewest bits that its memory cells may hold (block, single-port and distributed RAM). A
        memory whose contents were not found reads as zeros and is folded away. Small ROMs become
        LUTs: ask only for what must be in memory cells.

    Raises
    ------
    SpecError
        If a value breaks its rule, or a file is missing.
    TypeError
        If `device` or `clock_mhz` is of another type.
    """

    sources: tuple[Path, ...]
    top: str
    device: Device
    clock_mhz: float
    constraints: Path | None = None
    place: bool = True
    out_of_context: bool = False
    keep_ports: tuple[str, ...] = ("clk", "rst")
    seed: int = 1
    options: tuple[str, ...] = ()
    place_options: tuple[str, ...] = ()
    min_cells: int = 1
    min_memory_bits: int = 0

    def __post_init__(self):
        if not isinstance(self.device, Device):
            raise TypeError(f"device must be a Device, not {self.device!r}")
        for field in ("sources", "keep_ports", "options", "place_options"):
            object.__setattr__(self, field, tuple(getattr(self, field)))
        object.__setattr__(self, "sources", tuple(map(Path, self.sources)))
        if self.constraints is not None:
            object.__setattr__(self, "constraints", Path(self.constraints))
        self._check_values()
        self._check_place()
        self._check_sources()
        self._check_constraints()

    def _check_values(self):
        if not _WORD.fullmatch(self.top):
            raise SpecError(f"top must be a module name without spaces, not {self.top!r}")
        where = f"job {self.top!r}"
        if not isinstance(self.clock_mhz, int | float):
            raise TypeError(f"{where}: clock_mhz must be a number, not {self.clock_mhz!r}")
        if not 0 < self.clock_mhz < 10_000:
            raise SpecError(f"{where}: clock_mhz must be in 0..10000, not {self.clock_mhz!r}")
        for field in ("seed", "min_cells", "min_memory_bits"):
            value = getattr(self, field)
            if not isinstance(value, int) or value < 0:
                raise SpecError(f"{where}: {field} must be a natural number, not {value!r}")
        for option in self.options:
            if not _WORD.fullmatch(option):
                raise SpecError(f"{where}: option must be one word, not {option!r}")

    def _check_place(self):
        where = f"job {self.top!r}"
        if self.place and not self.device.tools.placed:
            raise SpecError(
                f"{where}: place must be False for {self.device.family}, for which designs end"
                f" after yosys, not True"
            )
        if self.place:
            return
        for field in ("constraints", "out_of_context", "place_options"):
            if value := getattr(self, field):
                given = str(value) if isinstance(value, Path) else value
                raise SpecError(
                    f"{where}: {field} must not be given where place is False, not {given!r}"
                )

    def _check_sources(self):
        where = f"job {self.top!r}"
        if not any(source.suffix in _HDL for source in self.sources):
            kinds = ", ".join(_HDL)
            names = [source.name for source in self.sources]
            raise SpecError(f"{where}: sources must hold a file of {kinds}, not only {names!r}")
        seen = {file.name for file in map_files(self.device)}
        for source in self.sources:
            if not source.is_file():
                raise SpecError(f"{where}: source must be a file, not {str(source)!r}")
            if not _FILE_NAME.fullmatch(source.name):
                raise SpecError(
                    f"{where}: source must have a name of letters, digits and _.+-,"
                    f" not {source.name!r}"
                )
            if source.name in seen:
                raise SpecError(f"{where}: sources must have different names, not {source.name!r}")
            seen.add(source.name)

    def _check_constraints(self):
        where = f"job {self.top!r}"
        suffix = self.device.tools.constraint_suffix
        if self.constraints is None:
            return
        if self.out_of_context:
            raise SpecError(
                f"{where}: constraints must be None out of context,"
                f" not {str(self.constraints)!r}"
            )
        if self.constraints.suffix != suffix or not self.constraints.is_file():
            raise SpecError(
                f"{where}: constraints must be a {suffix} file, not {str(self.constraints)!r}"
            )

    @property
    def files(self):
        """Every file that goes into the folder of the run."""
        pins = () if self.constraints is None else (self.constraints,)
        maps = map_files(self.device, multipliers=self.multiplies)
        return (*self.sources, *pins, *maps)

    @property
    def multiplies(self):
        """Whether a source has instances of the multipliers of ``hwgen/emit/multiply_cells.v``."""
        return any(b"hwgen_multiply" in source.read_bytes() for source in self.sources
                   if source.suffix in _HDL)

    @property
    def mode(self):
        """What is built.

        'board' with pins, 'unconstrained' with pins of nextpnr's choice, 'out of context', or
        'synthesis' where nothing is placed.
        """
        if not self.place:
            return "synthesis"
        if self.out_of_context:
            return "out of context"
        return "unconstrained" if self.constraints is None else "board"

    @property
    def script(self):
        """The yosys script, which reads the sources from the folder it runs in."""
        reads = [
            f"{_HDL[source.suffix]} {source.name}"
            for source in self.sources
            if source.suffix in _HDL
        ]
        synth = netlist_commands(self.device, self.top, self.options,
                                 multipliers=self.multiplies)
        return "\n".join([*reads, *synth, ""])

    def describe(self):
        """Give the job as JSON: everything that decides the result, files by their digest."""
        about = asdict(self)
        about["sources"] = [source.name for source in self.sources]
        about["constraints"] = None if self.constraints is None else self.constraints.name
        about["script"] = self.script
        about["sha256"] = {
            file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in self.files
        }
        return json.dumps(about, indent=1, sort_keys=True)
