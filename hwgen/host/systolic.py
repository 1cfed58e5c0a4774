"""The host of a systolic engine: any integer product as the jobs and bytes that it takes."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from hwgen.numeric import Format, SpecError, as_int64, format_from_dict

from .engine_bytes import element_bytes, pack_elements, unpack_elements

__all__ = ["JobFrames", "SystolicHost"]


class JobFrames(NamedTuple):
    """One job on the three streams: a frame of each, the last one's as its number of bytes.

    ``weights`` is the command, then for each tile its rows, the last one first; ``x`` is for each
    tile the part of every vector that it takes; results are one beat for each vector.
    """

    weights: bytes
    x: bytes
    result_bytes: int


@dataclass(frozen=True)
class SystolicHost:
    """Cuts ``a @ b`` into jobs of an engine, and puts the results together.

    For each ``columns`` columns of ``b``, all rows of ``a`` in jobs of up to ``depth``; in each,
    for each ``rows`` rows of ``b`` a tile. What a tile lacks is zeros.

    Parameters
    ----------
    rows, columns, depth, tiles : int    of the engine
    x, weights, accumulator : Format     of what is sent and what comes back
    """

    rows: int
    columns: int
    depth: int
    tiles: int
    x: Format
    weights: Format
    accumulator: Format

    @classmethod
    def from_manifest(cls, entry: Mapping) -> "SystolicHost":
        """From the entry ``engine`` of an engine's manifest.

        Raises
        ------
        SpecError    If it lacks something, or is of another kind of engine.
        """
        if entry.get("engine") != "systolic":
            raise SpecError(f"engine must be 'systolic', not {entry.get('engine')!r}")
        try:
            sizes = {what: entry[what] for what in ("rows", "columns", "depth", "tiles")}
            formats = {what: format_from_dict(entry[what])
                       for what in ("x", "weights", "accumulator")}
        except KeyError as error:
            raise SpecError(f"engine 'systolic': must have the entry {error.args[0]!r}") from error
        return cls(**sizes, **formats)

    def frames(self, a, b) -> list[JobFrames]:
        """The jobs of ``a @ b``, integers ``(m, k)`` and ``(k, n)``, in order.

        Raises
        ------
        TypeError    If one holds anything but integers.
        SpecError    If shapes do not fit each other, k is too large, or a value has no place in
                     the engine's formats.
        """
        a, b = self._operands(a, b)
        return [self._job(part, tiles) for tiles in self._tiles(b) for part in self._parts(a)]

    def results(self, frames: list[bytes], m: int, n: int) -> np.ndarray:
        """int64 ``(m, n)`` of the result frames of all jobs of such a product.

        Raises
        ------
        SpecError    If they are not as many, or not as long, as those of its jobs.
        """
        sizes = [min(self.depth, m - begin) for begin in range(0, m, self.depth)]
        wanted = sizes * -(-n // self.columns)
        beat = self.columns * element_bytes(self.accumulator)
        found = [len(frame) for frame in frames]
        if found != [beat * size for size in wanted]:
            raise SpecError(f"results must be {len(wanted)} frames of"
                            f" {sorted({beat * size for size in wanted})} bytes, not"
                            f" {len(found)} of {sorted(set(found))}")
        values = unpack_elements(b"".join(frames), self.accumulator).reshape(-1, m, self.columns)
        return np.moveaxis(values, 0, 1).reshape(m, -1)[:, :n]

    def multiply(self, a, b, exchange: Callable[[list[JobFrames]], list[bytes]]) -> np.ndarray:
        """``a @ b``, int64 ``(m, n)``, by the engine behind ``exchange``.

        ``exchange`` is handed the jobs and gives back the frame of results of each.
        """
        jobs = self.frames(a, b)
        return self.results(exchange(jobs), len(a), np.shape(b)[1])

    def _operands(self, a, b):
        a, b = as_int64(a, "a"), as_int64(b, "b")
        if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[0] or not (a.size and b.size):
            raise SpecError(f"a and b must be of shapes (m, k) and (k, n), not {a.shape} and"
                            f" {b.shape}")
        most = self.rows * self.tiles
        if len(b) > most:
            raise SpecError(f"k must be at most {most} ({self.rows} rows times {self.tiles}"
                            f" tiles), not {len(b)}")
        for what, values, fmt in (("a", a, self.x), ("b", b, self.weights)):
            low, high = int(values.min()), int(values.max())
            if low < fmt.min or high > fmt.max:
                raise SpecError(f"{what} must be in {fmt.min}..{fmt.max}, which the engine"
                                f" multiplies, not in {low}..{high}")
        pad = -len(b) % self.rows
        return (np.pad(a, ((0, 0), (0, pad))),
                np.pad(b, ((0, pad), (0, -b.shape[1] % self.columns))))

    def _tiles(self, b) -> Iterator[np.ndarray]:
        """For each ``columns`` columns, int64 ``(tiles, rows, columns)``."""
        for begin in range(0, b.shape[1], self.columns):
            yield b[:, begin:begin + self.columns].reshape(-1, self.rows, self.columns)

    def _parts(self, a) -> Iterator[np.ndarray]:
        """For each up to ``depth`` rows, int64 ``(tiles, vectors, rows)``."""
        for begin in range(0, len(a), self.depth):
            part = a[begin:begin + self.depth]
            yield np.moveaxis(part.reshape(len(part), -1, self.rows), 1, 0)

    def _job(self, part, tiles) -> JobFrames:
        count, vectors, _ = part.shape
        beat = self.columns * element_bytes(self.weights)
        command = ((vectors - 1) | (count - 1) << 16).to_bytes(4, "little")
        command = command.ljust(-(-len(command) // beat) * beat, b"\0")
        return JobFrames(command + pack_elements(tiles[:, ::-1], self.weights),
                         pack_elements(part, self.x),
                         vectors * self.columns * element_bytes(self.accumulator))
