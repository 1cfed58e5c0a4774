"""A sparse matrix as the frames of an engine: kept, stored, and read back with every check."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile

import numpy as np

from hwgen.numeric import SpecError, as_int64

from .csr import Csr
from .spmv_frames import EntryFormat, unpack_tile

__all__ = ["PackedMatrix", "PackedTile"]

ARRAYS = ("shape", "frac", "x_range", "slots", "tiles", "octets", "rows", "places")
"""Of a packed matrix in a file."""


class PackedTile(NamedTuple):
    """A tile of a packed matrix: ``columns`` of x from ``begin``, its beats of entries, its frame.

    Tiles of one ``group`` of rows add up into the same sums. In the frame the sums are not asked
    for; who sends it asks for them with the last one.
    """

    begin: int
    columns: int
    beats: int
    group: int
    frame: bytes


@dataclass(frozen=True, eq=False)
class PackedMatrix:
    """A matrix in the frames of an engine; it may be sent as often as wanted.

    Members
    -------
    shape : (int, int)
    frac : int                   values are in units of ``2**-frac``
    x_range : (int, int)         elements of x for which no sum overflows
    slots : (groups,)            int64; sums of each lane, of each group of rows
    tiles : tuple of PackedTile  in the order of their groups
    rows, places : (p,)          int64; the sum at ``places`` of those of all groups, one behind the
                                 other, is that of ``rows``, or a part of it
    """

    shape: tuple[int, int]
    frac: int
    x_range: tuple[int, int]
    slots: np.ndarray
    tiles: tuple[PackedTile, ...]
    rows: np.ndarray
    places: np.ndarray

    @property
    def beats(self) -> int:
        """Of entries, in all tiles."""
        return sum(tile.beats for tile in self.tiles)

    def save(self, path) -> None:
        """Write it as a file (npz); :meth:`SpmvHost.load` reads it."""
        table = [(*tile[:4], len(tile.frame)) for tile in self.tiles]
        octets = b"".join(tile.frame for tile in self.tiles)
        with Path(path).open("wb") as file:
            np.savez_compressed(
                file, shape=self.shape, frac=self.frac, x_range=self.x_range, slots=self.slots,
                tiles=np.array(table, np.int64).reshape(-1, 5),
                octets=np.frombuffer(octets, np.uint8), rows=self.rows, places=self.places)

    @classmethod
    def load(cls, path) -> "PackedMatrix":
        """As stored; whether its parts fit each other is for :meth:`unpacked` to say.

        Raises
        ------
        SpecError    If the file is none, or is cut.
        """
        try:
            # Opened here: numpy leaves a file open that it cannot read.
            with Path(path).open("rb") as raw, np.load(raw, allow_pickle=False) as file:
                return cls._of({name: file[name] for name in ARRAYS})
        except (OSError, KeyError, ValueError, TypeError, EOFError, BadZipFile) as error:
            raise SpecError(f"{path}: must be a packed matrix: {error}") from error

    @classmethod
    def _of(cls, arrays) -> "PackedMatrix":
        table, octets = as_int64(arrays["tiles"], "tiles"), arrays["octets"]
        if (table.ndim != 2 or table.shape[1] != 5 or octets.dtype != np.uint8 or octets.ndim != 1
                or (table[:, 4] < 0).any() or table[:, 4].sum() != octets.size):
            raise ValueError("its tiles are not as long as its frames")
        ends = np.cumsum(table[:, 4]).tolist()
        tiles = tuple(PackedTile(*row[:4], octets[end - row[4]:end].tobytes())
                      for row, end in zip(table.tolist(), ends, strict=True))
        pairs = {name: tuple(as_int64(arrays[name], name).tolist())
                 for name in ("shape", "x_range")}
        lists = {name: as_int64(arrays[name], name) for name in ("slots", "rows", "places")}
        if any(len(pair) != 2 for pair in pairs.values()) or any(
                part.ndim != 1 for part in lists.values()):
            raise ValueError("its shape and its range must be two numbers, its rows be a list")
        return cls(**pairs, **lists, frac=int(arrays["frac"]), tiles=tiles)

    def unpacked(self, form: EntryFormat) -> Csr:
        """The matrix again, with everything checked.

        Raises
        ------
        SpecError    If a frame is damaged, or something does not fit the rest.
        """
        row_of, entries = self._row_of_places(form), [np.zeros((3, 0), np.int64)]
        bases = np.cumsum([0, *self.slots]) * form.lanes
        for number, tile in enumerate(self.tiles):
            what = f"tile {number}"
            if not 0 <= tile.group < len(self.slots) or (
                    number and tile.group < self.tiles[number - 1].group):
                raise SpecError(f"{what} must be of a group in 0..{len(self.slots) - 1}, in their"
                                f" order, not of {tile.group}")
            found = unpack_tile(form, tile.frame, what)
            stated = tile.columns, self.slots[tile.group], tile.beats, False
            told = found.columns, found.slots, found.beats, found.sends
            if stated != told:
                raise SpecError(f"{what} must be of {stated[0]} columns, {stated[1]} slots and"
                                f" {stated[2]} beats, not ask for sums, as its command does not:"
                                f" {told[0]}, {told[1]}, {told[2]}, {told[3]}")
            if not 0 <= tile.begin <= self.shape[1] - tile.columns:
                raise SpecError(f"{what} must be within {self.shape[1]} columns, not be"
                                f" {tile.begin}..{tile.begin + tile.columns - 1}")
            row = row_of[bases[tile.group] + found.slot * form.lanes + found.lane]
            if (row < 0).any():
                raise SpecError(f"{what} must have entries only where a row has its place")
            entries.append(np.stack([row, tile.begin + found.column, found.value]))
        return Csr.of(self.shape, *np.concatenate(entries, axis=1))

    def _row_of_places(self, form) -> np.ndarray:
        """Row of each place, -1 where there is none."""
        rows, places, slots = self.rows, self.places, self.slots
        if slots.size and not 1 <= slots.min() <= slots.max() <= form.slots:
            raise SpecError(f"slots must be in 1..{form.slots}, not {slots.min()}..{slots.max()}")
        total = form.lanes * int(slots.sum())
        for what, index, size in (("rows", rows, self.shape[0]), ("places", places, total)):
            if index.size and not 0 <= index.min() <= index.max() < size:
                raise SpecError(f"{what} must be in 0..{size - 1}, not"
                                f" {index.min()}..{index.max()}")
        if rows.shape != places.shape or len(np.unique(places)) != len(places):
            raise SpecError("each place must be of one row")
        row_of = np.full(total, -1)
        row_of[places] = rows
        return row_of
