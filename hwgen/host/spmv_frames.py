"""Frames of a sparse engine: tiles of a matrix as commands and entries, and back, checked."""

from typing import NamedTuple

import numpy as np

from hwgen.numeric import Format, SpecError

__all__ = ["EntryFormat", "Tile", "asking", "pack_tile", "unpack_tile"]

COMMAND_BYTES = 8

FLAG_BYTE = 7
"""Of a command: 1 if the sums are to be sent."""


class EntryFormat(NamedTuple):
    """How entries lie in a beat; see ``docs/spmv.md``.

    Members
    -------
    lanes, columns, slots : int           of the engine
    weights : Format                      of a value
    column_bits, step_bits : int
    """

    lanes: int
    columns: int
    slots: int
    weights: Format
    column_bits: int
    step_bits: int

    @property
    def entry_bytes(self) -> int:
        """Of an entry, padded."""
        return -(-(self.weights.bits + self.column_bits + self.step_bits) // 8)

    @property
    def beat_bytes(self) -> int:
        """Of a beat."""
        return self.lanes * self.entry_bytes

    @property
    def max_step(self) -> int:
        """Furthest from one row's slot to the next one's."""
        return (1 << self.step_bits) - 1

    @property
    def command_bytes(self) -> int:
        """Of a command, filled up to beats."""
        return -(-COMMAND_BYTES // self.beat_bytes) * self.beat_bytes


class Tile(NamedTuple):
    """A tile of a matrix as its entries, in any order; those of one lane and slot are one row's.

    Members
    -------
    columns, slots : int                  of x, and of sums in each lane
    beats : int                           of entries; not asked for where one is packed
    sends : bool                          whether the sums are sent behind it
    lane, slot, column, value : (nnz,)    int64
    """

    columns: int
    slots: int
    beats: int
    sends: bool
    lane: np.ndarray
    slot: np.ndarray
    column: np.ndarray
    value: np.ndarray


def pack_tile(form: EntryFormat, tile: Tile) -> bytes:
    """The frame of a tile: its command, then a beat of entries after the other.

    Where rows are further apart than a step leads, entries of value 0 end rows between them.
    """
    order = np.lexsort((tile.column, tile.slot, tile.lane))
    lane, slot, column, value = (part[order] for part in tile[4:])
    run = lane * form.slots + slot
    begins = np.r_[True, run[1:] != run[:-1]][:len(run)]
    ends = np.r_[begins[1:], True][:len(run)]
    at = np.flatnonzero(begins)
    before = np.r_[0, slot[at][:-1]][:len(at)]
    step = slot[at] - np.where(np.r_[True, lane[at][1:] != lane[at][:-1]][:len(at)], -1, before)
    skips = (step - 1) // form.max_step
    index = _beats(lane, at, skips)
    beats = max(1, int(index.max(initial=0)) + 1)
    words = np.zeros((beats, form.lanes), np.uint64)
    shift = form.weights.bits, form.weights.bits + form.column_bits
    code = form.weights.encode(value) | column << shift[0]
    code[ends] |= (step - skips * form.max_step) << shift[1]
    words[index, lane] = code.astype(np.uint64)
    for k in np.flatnonzero(skips).tolist():
        words[index[at[k]] - skips[k]:index[at[k]], lane[at[k]]] = form.max_step << shift[1]
    command = (tile.columns - 1 | (tile.slots - 1) << 16 | (beats - 1) << 32
               | int(tile.sends) << 8 * FLAG_BYTE).to_bytes(COMMAND_BYTES, "little")
    octets = words.astype("<u8").view(np.uint8).reshape(beats, form.lanes, 8)
    return (command.ljust(form.command_bytes, b"\0")
            + octets[:, :, :form.entry_bytes].tobytes())


def asking(frame: bytes) -> bytes:
    """The same tile, whose sums are sent."""
    return frame[:FLAG_BYTE] + b"\1" + frame[FLAG_BYTE + 1:]


def _beats(lane, at, skips):
    """Beat of each entry: behind those of its lane, and the skips up to its row."""
    ahead = np.zeros(len(lane), np.int64)
    ahead[at] = skips
    ahead = np.cumsum(ahead)
    first = np.searchsorted(lane, lane)             # where its lane begins
    own = ahead - np.r_[0, ahead][first]
    return np.arange(len(lane)) - first + own


def unpack_tile(form: EntryFormat, frame: bytes, what: str = "frame") -> Tile:
    """The tile of a frame, entries of value 0 left out.

    Raises
    ------
    SpecError    If it is cut, longer or shorter than its command says, or empty; if a command, a
                 column or a slot is out of its range, a row is not ended, or spare bits are not 0.
                 Just those are what the engine itself tells by its error flag.
    """
    size = form.beat_bytes
    if len(frame) % size or len(frame) <= form.command_bytes:
        raise SpecError(f"{what} must be a command of {form.command_bytes} bytes and whole beats of"
                        f" {size}, not {len(frame)} bytes")
    columns, slots, beats, sends = _command(form, frame, what)
    octets = np.frombuffer(frame[form.command_bytes:], np.uint8)
    if len(octets) != beats * size:
        raise SpecError(f"{what} must have {beats} beats of entries, as its command says, not"
                        f" {len(octets) // size}")
    wide = np.zeros((beats * form.lanes, 8), np.uint8)
    wide[:, :form.entry_bytes] = octets.reshape(-1, form.entry_bytes)
    words = wide.view("<u8").reshape(beats, form.lanes).T.astype(np.int64)
    shift = form.weights.bits, form.weights.bits + form.column_bits
    value = form.weights.decode(words & ((1 << shift[0]) - 1))
    column = words >> shift[0] & ((1 << form.column_bits) - 1)
    step = words >> shift[1]
    _require(step <= form.max_step, what, "spare bits of an entry must be 0")
    _require(column < columns, what, f"columns must be below {columns}", column)
    after = np.cumsum(step, axis=1) - 1             # slot of the last row that has ended
    _require((step == 0) | (after < slots), what, f"slots must be below {slots}", after)
    slot = _slot_of_each(step, after)
    _require((slot >= 0) | (value == 0), what, "each row must be ended")
    lane = np.broadcast_to(np.arange(form.lanes)[:, None], value.shape)
    here = value != 0
    return Tile(columns, slots, beats, sends, lane[here], slot[here], column[here], value[here])


def _command(form, frame, what):
    word = int.from_bytes(frame[:COMMAND_BYTES], "little")
    columns, slots, beats = ((word >> 16 * k & 0xFFFF) + 1 for k in range(3))
    beats += (word >> 48 & 0xFF) << 16
    flags = word >> 56
    if columns > form.columns or slots > form.slots or flags > 1:
        raise SpecError(f"{what} must ask for up to {form.columns} columns and {form.slots} slots,"
                        f" with flags 0 or 1, not for {columns}, {slots} and {flags}")
    if any(frame[COMMAND_BYTES:form.command_bytes]):
        raise SpecError(f"{what} must have zeros behind its command")
    return columns, slots, beats, bool(flags)


def _slot_of_each(step, after):
    """Slot of each entry's row: that of the next entry that ends one; -1 where none does."""
    lanes, beats = step.shape
    slot = np.full((lanes, beats + 1), -1)
    ends = np.where(step > 0, np.arange(beats), beats)
    following = np.minimum.accumulate(ends[:, ::-1], axis=1)[:, ::-1]
    slot[:, :beats] = after
    return np.take_along_axis(slot, following, axis=1)


def _require(good, what, rule, found=None):
    bad = np.argwhere(~good)
    if len(bad):
        lane, beat = bad[0].tolist()
        seen = "" if found is None else f", not {found[lane, beat]}"
        raise SpecError(f"{what}: {rule}{seen}: lane {lane}, beat {beat}")
