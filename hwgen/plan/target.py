"""What a board offers: the resources a design is planned against."""

from dataclasses import asdict, dataclass

from ..numeric import SpecError

__all__ = ["FAMILIES", "Cells", "Target", "in_block_ram"]

FAMILIES = {"ecp5": 3.0, "ice40": 6.0}
"""Family -> nanoseconds a routed 16-bit adder costs (measured on speed grade 6 and on UP5K)."""

TIMING_SHARE = 0.6
"""Part of a clock period that adders may fill; the rest is clock-to-out and routing."""


def in_block_ram(depth: int, width: int) -> bool:
    """Whether a memory of ``depth`` rows of ``width`` bits is put into block RAM, not LUTs."""
    return depth > 32 and depth * width > 1024


@dataclass(frozen=True)
class Cells:
    """A count of FPGA resources: 4-input LUTs, flip-flops, block RAMs, multiplier blocks."""

    lut: int = 0
    ff: int = 0
    bram: int = 0
    dsp: int = 0

    def __add__(self, other: "Cells") -> "Cells":
        return Cells(self.lut + other.lut, self.ff + other.ff, self.bram + other.bram,
                     self.dsp + other.dsp)

    def to_dict(self) -> dict:
        return asdict(self)


@dataclass(frozen=True)
class Target:
    """A board as the planner sees it.

    Parameters
    ----------
    name : str                  board name, for example ``ulx3s-85f``
    family : str                ``ecp5`` or ``ice40``
    device, package, speed : str  as nextpnr names them
    luts, ffs, brams, dsps : int  how many there are
    bram_bits : int             bits in one block RAM
    clk_hz : int                clock the board runs the core at unless told otherwise
    """

    name: str
    family: str
    device: str
    package: str
    speed: str
    luts: int
    ffs: int
    brams: int
    bram_bits: int
    dsps: int
    clk_hz: int

    def __post_init__(self):
        if self.family not in FAMILIES:
            raise SpecError(f"target '{self.name}': family must be one of {sorted(FAMILIES)},"
                            f" not {self.family!r}")

    @property
    def bram_width(self) -> int:
        return 36 if self.family == "ecp5" else 16

    @property
    def has_lut_ram(self) -> bool:
        """Whether LUTs can hold memories with asynchronous read."""
        return self.family == "ecp5"

    def adder_levels(self, clk_hz: int) -> int:
        """Adders that may follow one another between two registers at ``clk_hz``."""
        period_ns = 1e9 / clk_hz
        return max(1, int(period_ns * TIMING_SHARE / FAMILIES[self.family]))

    def brams_for(self, depth: int, width: int) -> int:
        """Block RAMs of a memory of ``depth`` rows of ``width`` bits; 0 where LUTs take it."""
        if not in_block_ram(depth, width):
            return 0
        rows = self.bram_bits // self.bram_width
        # Each halving of a block's width doubles its rows, down to one bit.
        halvings = min((-(-depth // rows) - 1).bit_length(), self.bram_width.bit_length() - 1)
        return -(-width // (self.bram_width >> halvings)) * -(-depth // (rows << halvings))
