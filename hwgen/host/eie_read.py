"""A frame of weights of an EIE engine, read back: what a driver must know is sound before it sends.

Reads words as the hardware does and checks what it checks, and what it cannot see: that parameters
agree with each other, and that pointers and rows are those of the layers. So damaged or
inconsistent weights are refused before anything is sent.
"""

import numpy as np

from hwgen.host.eie_layer import SparseLayer
from hwgen.host.eie_parameters import PARAMETERS, parameters_of, require_parameters
from hwgen.host.eie_words import KINDS, LONGEST, MAGIC
from hwgen.numeric import SpecError

__all__ = ["read_layers"]

NAMES = {number: name for name, number in KINDS.items()}

def read_layers(words: bytes, sizes, x, weights, accumulator) -> list[SparseLayer]:
    """The layers of a frame, by number; columns are filled up to whole beats.

    Parameters
    ----------
    words : bytes
    sizes : Mapping               of the engine
    x, weights, accumulator : Fixed

    Raises
    ------
    SpecError    If a block is damaged or reaches beyond a memory, parameters do not agree with each
                 other (:func:`require_parameters`), a pointer is beyond the entries, or an entry
                 beyond the rows or outputs of its layer; with the word, or the layer and parameter,
                 or element, layer, column.
    """
    memories = _Blocks(words, sizes, weights, accumulator).read()
    layers = [_parameters(number, memories, sizes) for number in range(_count(memories, sizes))]
    require_parameters(layers, sizes, x, accumulator)
    return [_layer(number, layer, memories, sizes) for number, layer in enumerate(layers)]


class _Blocks:
    """Blocks of a frame, in order, into memories: ``(kind, unit)`` -> address -> number."""

    def __init__(self, words, sizes, weights, accumulator):
        if len(words) % 4 or not words:
            raise SpecError(f"weights must be whole words of 4 bytes, not {len(words)} bytes")
        self._words = np.frombuffer(words, "<u4").astype(np.int64).tolist()
        self._sizes, self._at = sizes, 0
        self._formats = {"codebook": weights, "biases": accumulator}
        codes, runs = sizes["code_bits"], sizes["index_bits"]
        most = max(codes, runs)
        columns, entries = sizes["columns"], sizes["entries"]
        # Memories of the kind, rows of each, bits of a number.
        self._kinds = {
            "layers": (12 if sizes["delta"] else 9, sizes["layers"], 32),
            "codebook": (1, sizes["layers"] << codes, weights.bits),
            "biases": (sizes["lanes"], sizes["biases"], accumulator.bits),
            "pointers": (sizes["pe"], columns, entries.bit_length()),
            "entries": (sizes["pe"], entries, codes + runs)}
        if sizes["huffman"]:
            self._kinds |= {"coded": (sizes["pe"], entries, 1),
                            "lengths": (2, LONGEST + 1, most + 1),
                            "symbols": (2, 1 << most, most)}

    def read(self) -> dict:
        memories = {}
        while self._at < len(self._words):
            begin, head = self._at, self._next("a block's first word")
            if head >> 16 != MAGIC:
                raise SpecError(f"word {begin}: a block must begin with {MAGIC:#x} in its upper"
                                f" half, not {head:#010x}")
            kind, unit = NAMES.get(head & 15), head >> 8 & 255
            if kind == "nothing":
                continue
            if kind not in self._kinds:
                raise SpecError(f"word {begin}: kind must be one that the engine has, not"
                                f" {kind or head & 15}")
            self._block(memories, begin, kind, unit, (head >> 4 & 15) << 16)
        return memories

    def _next(self, what):
        if self._at >= len(self._words):
            raise SpecError(f"word {self._at}: must be {what}, but weights end")
        self._at += 1
        return self._words[self._at - 1]

    def _block(self, memories, begin, kind, unit, above):
        units, depth, bits = self._kinds[kind]
        place = self._next("the place and count of a block")
        first, count = above | place & 0xFFFF, (place >> 16) + 1
        if unit >= units or first + count > depth:
            raise SpecError(f"word {begin}: {kind} must be in {units} memories of {depth} rows, not"
                            f" in rows {first}..{first + count - 1} of memory {unit}")
        numbers = (self._coded(memories, begin, count) if kind == "coded"
                   else self._numbers(count, bits))
        fmt = self._formats.get(kind)
        if fmt is not None:
            numbers = fmt.decode(numbers).tolist()
        kept = memories.setdefault(("entries" if kind == "coded" else kind, unit), {})
        kept.update(zip(range(first, first + count), numbers, strict=True))

    def _numbers(self, count, bits):
        numbers = []
        while len(numbers) < count:
            word = self._next("numbers of a block")
            numbers += [word >> bits * k & (1 << bits) - 1 for k in range(32 // bits)]
        return numbers[:count]

    def _coded(self, memories, begin, count):
        tables = []
        for unit in range(2):
            counts = memories.get(("lengths", unit), {})
            symbols = memories.get(("symbols", unit), {})
            tables.append(([counts.get(k, 0) for k in range(LONGEST + 1)], symbols))
        bits, numbers = self._bits(), []
        for _ in range(count):
            code, run = (self._symbol(bits, *table, begin) for table in tables)
            numbers.append(code | run << self._sizes["code_bits"])
        return numbers

    def _bits(self):
        while True:
            word = self._next("codes of a block")
            yield from (word >> k & 1 for k in range(32))

    def _symbol(self, bits, counts, symbols, begin):
        beyond = index = 0
        for length in range(1, LONGEST + 1):
            beyond = 2 * beyond + next(bits)
            if beyond < counts[length]:
                if index + beyond not in symbols:
                    raise SpecError(f"word {begin}: codes must be of the symbols that the tables"
                                    f" have, not of number {index + beyond}")
                return symbols[index + beyond]
            beyond, index = beyond - counts[length], index + counts[length]
        raise SpecError(f"word {begin}: codes must be those of the tables, not others")


def _count(memories, sizes) -> int:
    """Layers, up to the one that is the last."""
    unit = PARAMETERS.index("last")
    last = memories.get(("layers", unit), {})
    count = next((number + 1 for number in range(sizes["layers"]) if last.get(number, 0)), None)
    if count is None:
        raise SpecError("weights must have a layer that is the last, none is")
    if max(last) >= count:
        raise SpecError(f"layer {count - 1}: last (unit {unit}) must be 0, as layer {count} follows"
                        f" it, not {last[count - 1]}")
    return count


def _parameters(number, memories, sizes) -> dict[str, int]:
    """Those of a layer: beats and rows as counts, ends with their sign."""
    layer = {what: _at(memories, ("layers", unit), number, f"layer {number}: {what}")
             for unit, what in enumerate(parameters_of(sizes))}
    return layer | {what: layer[what] + 1 for what in ("in_beats", "out_beats", "rows")} | {
        what: (layer[what] ^ 1 << 31) - (1 << 31) for what in ("low", "high")}


def _layer(number, parameters, memories, sizes) -> SparseLayer:
    """A layer by its parameters, biases, pointers and entries."""
    where, lanes, pe = f"layer {number}", sizes["lanes"], sizes["pe"]
    beats, outs, rows = (parameters[what] for what in ("in_beats", "out_beats", "rows"))
    bias = np.array([_at(memories, ("biases", k % lanes), parameters["bias"] + k // lanes,
                         f"{where}: bias {k}") for k in range(outs * lanes)])
    dense = np.zeros((rows * pe, beats * lanes), np.int64)
    for k in range(pe):
        for column in range(beats * lanes):
            _fill(dense[k::pe, column], memories, sizes, number, k, column,
                  parameters["column"] + column)
    beyond = np.flatnonzero(dense[len(bias):].any(axis=1))
    if len(beyond):
        raise SpecError(f"{where}: entries must be of outputs below {len(bias)}, as out_beats are"
                        f" {outs}, not of {len(bias) + beyond[0]}")
    return SparseLayer(where, dense[:len(bias)], bias, *(
        parameters[what] for what in ("shift", "low", "high")), parameters.get("threshold", 0))


def _fill(values, memories, sizes, number, k, column, address):
    """The rows of one element in one column."""
    where = f"element {k}, layer {number}, column {column}"
    start, end = (_at(memories, ("pointers", k), address + side, f"{where}: pointer")
                  for side in range(2))
    entries = memories.get(("entries", k), {})
    if not start <= end <= sizes["entries"]:
        raise SpecError(f"{where}: must begin and end in 0..{sizes['entries']}, in this order, not"
                        f" at {start} and {end}")
    row = -1
    for place in range(start, end):
        if place not in entries:
            raise SpecError(f"{where}: entries must be loaded, {place} is not")
        code, run = (entries[place] & (1 << sizes["code_bits"]) - 1,
                     entries[place] >> sizes["code_bits"])
        row += run + 1
        if row >= len(values):
            raise SpecError(f"{where}: rows must be below {len(values)}, not {row}")
        values[row] = _at(memories, ("codebook", 0), number << sizes["code_bits"] | code,
                          f"{where}: value of code {code}")


def _at(memories, memory, address, what):
    numbers = memories.get(memory, {})
    if address not in numbers:
        raise SpecError(f"{what} must be loaded")
    return numbers[address]
