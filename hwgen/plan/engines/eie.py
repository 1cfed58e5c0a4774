"""The EIE engine: one sparse core that runs all layers of any network, weights loaded by stream."""

from dataclasses import dataclass
from typing import ClassVar

from ...numeric import Fixed, SpecError, format_to_dict
from ..stages.sparse_storage import bits_for
from ..target import Cells, Target
from .checks import require_fixed, require_within
from .eie_cells import eie_cells
from .eie_timing import DRAIN_CYCLES, FETCH_CYCLES, HIT_CYCLES, OUT_CYCLES, SETTLE_CYCLES

__all__ = ["PARAMETERS", "EieSpec"]

MAX_DEPTH = 1 << 16
"""Most rows of a memory other than of entries."""

MAX_ENTRIES = 1 << 20
"""Most entries of an element: what a block of the stream can address."""

PARAMETERS = ("in_beats", "out_beats", "rows", "column", "bias", "shift", "low", "high", "last",
              "accumulator", "reference", "threshold")
"""What is loaded for each layer, each in a memory of its own, in the order of their numbers; the
last three only of an engine with ``delta``."""


@dataclass(frozen=True, kw_only=True)
class EieSpec:
    """``pe`` elements that walk compressed columns, after EIE (arXiv 1602.01528).

    Element ``k`` holds the rows ``i`` with ``i % pe == k`` of every layer, column after column; an
    entry is a code and the zeros in front of it (see ``docs/eie.md``). All sizes are the most that
    a network can have; how many layers there are, and how large, is loaded.

    Parameters
    ----------
    pe : int                1..256
    lanes : int             activations looked at, and results narrowed, side by side; divides pe
    x : Fixed               of activations, between layers too
    weights : Fixed         of a codebook's values, at most 18 bits
    code_bits : int         of an entry's code, 1..8: codebooks of ``2**code_bits``, one a layer
    index_bits : int        of an entry's run of zeros, 1..8
    accumulator_bits : int  8..32
    layers : int            1..64
    vector : int            most elements of an input, or of a layer's output
    rows : int              most rows of a layer in an element; with ``delta`` of all layers
    biases : int            most beats of the outputs of all layers
    columns : int           most columns of all layers, each layer's rounded up to ``lanes``, and
                            one more for each layer
    entries : int           most entries of an element, 1..1048576; of all others 1..65536
    queue_depth : int       columns that may wait in front of each element before no more are
                            broadcast; those that are under way then find room as well
    huffman : bool          whether entries may come as Huffman codes
    delta : bool            whether only what moved is broadcast (delta networks)

    Raises
    ------
    TypeError    If a number is no int, or a format not fixed point.
    SpecError    If one is out of its range.
    """

    engine: ClassVar[str] = "eie"

    pe: int
    lanes: int
    x: Fixed = Fixed(8, signed=False)
    weights: Fixed = Fixed(8)
    code_bits: int = 4
    index_bits: int = 4
    accumulator_bits: int = 24
    layers: int = 4
    vector: int = 1024
    rows: int = 32
    biases: int = 64
    columns: int = 2048
    entries: int = 2048
    queue_depth: int = 8
    huffman: bool = False
    delta: bool = False

    def __post_init__(self):
        limits = {"pe": (1, 256), "lanes": (1, 256), "code_bits": (1, 8), "index_bits": (1, 8),
                  "accumulator_bits": (8, 32), "layers": (1, 64), "vector": (1, MAX_DEPTH),
                  "rows": (1, MAX_DEPTH), "biases": (1, MAX_DEPTH), "columns": (1, MAX_DEPTH),
                  "entries": (1, MAX_ENTRIES), "queue_depth": (1, 256)}
        require_within(self.engine, self, limits)
        if self.pe % self.lanes:
            raise SpecError(f"engine 'eie': lanes must divide pe, {self.pe}, not be {self.lanes}")
        if self.columns <= self.lanes:
            raise SpecError(f"engine 'eie': columns must be more than lanes, {self.lanes}, which"
                            f" the smallest layer takes and one more, not {self.columns}")
        for what, most in (("x", 17), ("weights", 18)):
            fmt = getattr(self, what)
            require_fixed(self.engine, what, fmt)
            if fmt.bits > most:
                raise SpecError(f"engine 'eie': {what} must have at most {most} bits, not"
                                f" {fmt.bits}")
        for what in ("huffman", "delta"):
            if not isinstance(getattr(self, what), bool):
                raise TypeError(f"engine 'eie': {what} must be a bool, not"
                                f" {getattr(self, what)!r}")

    # -- widths and depths -----------------------------------------------------------------------

    @property
    def accumulator(self) -> Fixed:
        """Of an accumulator, a bias and a result."""
        return Fixed(self.accumulator_bits)

    @property
    def sent(self) -> Fixed:
        """Of what is broadcast: an activation, or with ``delta`` by how much it moved."""
        return Fixed(self.x.bits + 1) if self.delta else self.x

    @property
    def groups(self) -> int:
        """Beats that a row of all elements takes."""
        return self.pe // self.lanes

    @property
    def beats(self) -> int:
        """Most beats of a vector."""
        return -(-self.vector // self.lanes)

    @property
    def out_beats(self) -> int:
        """Most beats of a layer's output."""
        return min(self.beats, self.rows * self.groups)

    @property
    def reference_rows(self) -> int:
        """With ``delta``, most beats of the inputs of all layers."""
        return -(-self.columns // self.lanes) if self.delta else 0

    @property
    def row_bits(self) -> int:
        """Of a row's number in its element."""
        return bits_for(self.rows)

    @property
    def entry_bits(self) -> int:
        """Of an entry."""
        return self.code_bits + self.index_bits

    @property
    def sweep_bits(self) -> int:
        """Of the rows of accumulators and references that are swept behind a frame of weights.

        At least as many as elements, so that the last number, which they pass on, is there by then.
        """
        return max(self.row_bits, bits_for(max(1, self.reference_rows)), bits_for(self.pe))

    @property
    def address_bits(self) -> int:
        """Of an entry's address."""
        return bits_for(self.entries)

    @property
    def pointer_bits(self) -> int:
        """Of a pointer: also the end of the last column is one."""
        return self.entries.bit_length()

    @property
    def column_bits(self) -> int:
        """Of a column's number, among those of all layers."""
        return bits_for(self.columns)

    @property
    def count_bits(self) -> int:
        """Of the number of entries of a column, of which none has more than the layer rows."""
        return self.rows.bit_length()

    @property
    def queue_rows(self) -> int:
        """Columns that a queue holds: as many may be under way when it has ``queue_depth``."""
        return 1 << (self.queue_depth + HIT_CYCLES).bit_length()

    @property
    def result_rows(self) -> int:
        """Results that may be under way: as many as leave room for one a cycle."""
        return 1 << (DRAIN_CYCLES + 2).bit_length()

    @property
    def latency_cycles(self) -> int:
        """From a vector's last beat to its first result, where one layer has nothing to add."""
        return (4 + FETCH_CYCLES + self.delta + SETTLE_CYCLES + DRAIN_CYCLES + OUT_CYCLES)

    @property
    def parameters(self) -> tuple[str, ...]:
        """What is loaded for each layer."""
        return PARAMETERS if self.delta else PARAMETERS[:-3]

    @property
    def parameter_limits(self) -> dict[str, int]:
        """The largest number that each parameter may have; ``low`` and ``high`` have none."""
        limits = {"in_beats": self.beats - 1, "out_beats": self.out_beats - 1,
                  "rows": self.rows - 1, "column": self.columns - 1, "bias": self.biases - 1,
                  "shift": self.accumulator_bits - 1, "last": 1,
                  "accumulator": self.rows - 1, "reference": self.reference_rows - 1,
                  "threshold": self.x.max - self.x.min}
        return {what: limits[what] for what in self.parameters if what in limits}

    def parameter_bits(self, what: str) -> int:
        """Of a parameter's memory."""
        if what in ("low", "high"):
            return self.accumulator_bits
        return max(1, self.parameter_limits[what].bit_length())

    @property
    def x_bytes(self) -> int:
        """Of a beat of activations: ``lanes`` elements, each padded to bytes."""
        return self.lanes * -(-self.x.bits // 8)

    @property
    def weight_bytes(self) -> int:
        """Of a word of the stream of weights."""
        return 4

    @property
    def result_bytes(self) -> int:
        """Of a beat of results: ``lanes`` elements, each padded to bytes."""
        return self.lanes * -(-self.accumulator_bits // 8)

    @property
    def codebook_rows(self) -> int:
        """Values of all codebooks, of which every element has a copy."""
        return self.layers << self.code_bits

    @property
    def memory_bits(self) -> dict[str, int]:
        """Bits of the memories, by purpose; depths are rounded up to powers of two."""
        bits = {
            "entries": self.pe * self.entry_bits << bits_for(self.entries),
            "pointers": self.pe * self.pointer_bits << bits_for(self.columns),
            "codebooks": self.pe * self.weights.bits << bits_for(self.codebook_rows),
            "biases": self.lanes * self.accumulator_bits << bits_for(self.biases),
            "layers": sum(map(self.parameter_bits, self.parameters)) << bits_for(self.layers),
            "accumulators": self.pe * self.accumulator_bits << self.row_bits,
            "activations": 2 * self.lanes * self.x.bits << bits_for(self.beats)}
        if self.delta:
            bits["references"] = self.lanes * self.x.bits << bits_for(self.reference_rows)
        return bits

    def estimate(self, target: Target) -> Cells:
        """Cells expected, without the pins."""
        return eie_cells(self, target)

    def to_dict(self) -> dict:
        """JSON-ready: what it was made of, and what its host must know."""
        sizes = ("pe", "lanes", "code_bits", "index_bits", "accumulator_bits", "layers", "vector",
                 "rows", "biases", "columns", "entries", "queue_depth", "huffman", "delta")
        return {"engine": self.engine, **{what: getattr(self, what) for what in sizes},
                "x": format_to_dict(self.x), "weights": format_to_dict(self.weights),
                "accumulator": format_to_dict(self.accumulator),
                "x_bytes": self.x_bytes, "weight_bytes": self.weight_bytes,
                "result_bytes": self.result_bytes, "latency_cycles": self.latency_cycles}
