"""What a board offers: the resources a design is planned against."""

from dataclasses import asdict, dataclass

from ..numeric import SpecError

__all__ = ["FAMILIES", "SHORTEST_SHIFT", "SMALLEST_BLOCK_BITS", "Cells", "Fabric", "Target",
           "in_block_ram"]


@dataclass(frozen=True, kw_only=True)
class Fabric:
    """What the planner and the generators need to know of a device family.

    Parameters
    ----------
    adder_ns : float        nanoseconds a routed adder of up to 16 bits costs
    carry_ns : float        nanoseconds that each further bit adds
    lut_inputs : int        of one LUT
    bram_width : int        bits of the widest row of a block RAM
    has_lut_ram : bool      whether LUTs can hold memories with asynchronous read
    has_shift_luts : bool   whether LUTs can be shift registers
    packing : str           how two products share a multiplier block, one of
                            :data:`hwgen.plan.stages.packing.PACKINGS`
    block : str             bits of the operands of a block, one of
                            :data:`hwgen.plan.stages.product_parts.BLOCK_PORTS`
    blocks_add : bool       whether yosys gives a block the adder and the register behind it
    """

    adder_ns: float
    carry_ns: float
    lut_inputs: int
    bram_width: int
    has_lut_ram: bool
    has_shift_luts: bool = False
    packing: str = "none"
    block: str = "18x18"
    blocks_add: bool = False


FAMILIES = {
    "ecp5": Fabric(adder_ns=3.0, carry_ns=0.04, lut_inputs=4, bram_width=36, has_lut_ram=True,
                   packing="18x18"),
    "ice40": Fabric(adder_ns=6.0, carry_ns=0.28, lut_inputs=4, bram_width=16, has_lut_ram=False,
                    packing="8x8", block="16x16"),
    "xc7": Fabric(adder_ns=1.6, carry_ns=0.03, lut_inputs=6, bram_width=36, has_lut_ram=True,
                  has_shift_luts=True, packing="25x18", block="25x18", blocks_add=True),
    "gowin": Fabric(adder_ns=4.0, carry_ns=0.06, lut_inputs=4, bram_width=36, has_lut_ram=True),
}
"""Family -> its fabric. Times of adders are measured on ECP5 (speed grade 6) and on UP5K; those of
the two others, for which nothing is placed, are guesses."""

CARRY_BITS = 16
"""Bits up to which the length of a carry chain counts for nothing."""

TIMING_SHARE = 0.6
"""Part of a clock period that adders may fill; the rest is clock-to-out and routing."""

SMALLEST_BLOCK_BITS = 64
"""Bits in a block up to which yosys builds a memory of flip-flops instead, where LUTs hold none."""

SHORTEST_SHIFT = 3
"""Flip-flops in a row that become a shift register in a LUT, where LUTs can be one."""

def in_block_ram(depth: int, width: int) -> bool:
    """Whether a memory of ``depth`` rows of ``width`` bits is put into block RAM, not LUTs."""
    return depth > 32 and depth * width > 1024


@dataclass(frozen=True)
class Cells:
    """A count of FPGA resources: LUTs, flip-flops, block RAMs, multiplier blocks.

    LUTs are those of the family (6 inputs on Xilinx 7, else 4), and block RAMs of 18 kbit but on
    iCE40 (4 kbit): a RAMB36E1 counts as two.
    """

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
    family : str                one of :data:`FAMILIES`
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
    def fabric(self) -> Fabric:
        """What its family is made of."""
        return FAMILIES[self.family]

    @property
    def bram_width(self) -> int:
        return self.fabric.bram_width

    @property
    def has_lut_ram(self) -> bool:
        """Whether LUTs can hold memories with asynchronous read."""
        return self.fabric.has_lut_ram

    def adder_levels(self, clk_hz: int, bits: int = CARRY_BITS) -> int:
        """Adders of ``bits`` that may follow one another between two registers at ``clk_hz``.

        One at least, though it may fill more of the period than :data:`TIMING_SHARE`.

        Raises
        ------
        SpecError    If the period is shorter than one adder.
        """
        period_ns = 1e9 / clk_hz
        adder_ns = self.fabric.adder_ns + self.fabric.carry_ns * max(0, bits - CARRY_BITS)
        if adder_ns > period_ns:
            raise SpecError(f"clk_hz must be at most {1e9 / adder_ns:.0f} on '{self.name}', where"
                            f" an adder of {bits} bits takes {adder_ns:.2f} ns, not {clk_hz}")
        return max(1, int(period_ns * TIMING_SHARE / adder_ns))

    def brams_for(self, depth: int, width: int) -> int:
        """Block RAMs of a memory of ``depth`` rows of ``width`` bits; 0 where LUTs take it."""
        return self.blocks_of(depth, width) if in_block_ram(depth, width) else 0

    @property
    def blocks_hold_registers(self) -> bool:
        """Whether plain registers behind block RAM, of few readers, are the blocks' own."""
        return self.family == "ecp5"

    def blocks_of(self, depth: int, width: int) -> int:
        """Block RAMs of a memory that is in block RAM."""
        rows = self.bram_bits // self.bram_width
        # Each halving of a block's width doubles its rows, down to one bit.
        halvings = min((-(-depth // rows) - 1).bit_length(), self.bram_width.bit_length() - 1)
        return -(-width // (self.bram_width >> halvings)) * -(-depth // (rows << halvings))
