"""How the manifest lays numbers out as bytes of a link frame."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hwgen.numeric.errors import SpecError

__all__ = ["Layout"]

DIGEST_BYTES = 8


@dataclass(frozen=True)
class Layout:
    """Bytes of one input and one output frame of a generated core.

    Elements are little endian, ``element_bytes`` each. Each field of an output frame begins a
    beat; where ``lanes`` does not divide the number of elements, the last beat is filled up. A
    bipolar -1 or +1 travels as 0 or 1.
    """

    name: str
    digest: bytes
    elements: int
    in_element_bytes: int
    in_bytes: int
    in_range: tuple[int, int]
    in_bipolar: bool
    out_lanes: int
    out_element_bytes: int
    out_bytes: int
    out_signed: bool
    out_bipolar: bool
    counts: Mapping[str, int]

    @classmethod
    def from_manifest(cls, manifest: Mapping) -> "Layout":
        """Read the layout from a ``manifest.json`` object.

        Raises
        ------
        SpecError
            If ``manifest`` lacks an entry that is needed.
        """
        try:
            source, sink = manifest["input"], manifest["output"]
            counts = {field["name"]: field["count"] for field in sink["fields"]}
            return cls(
                name=manifest["name"],
                digest=bytes.fromhex(manifest["digest"])[:DIGEST_BYTES],
                elements=source["elements"],
                in_element_bytes=source["element_bytes"],
                in_bytes=_frame_bytes(source["elements"], source),
                in_range=(source["min"], source["max"]),
                in_bipolar=source["bipolar"],
                out_lanes=sink["lanes"],
                out_element_bytes=sink["element_bytes"],
                out_bytes=sum(_frame_bytes(count, sink) for count in counts.values()),
                out_signed=sink["signed"],
                out_bipolar=sink["bipolar"],
                counts=counts,
            )
        except KeyError as error:
            raise SpecError(f"manifest: must have the entry {error.args[0]!r}") from error

    def encode(self, x: np.ndarray) -> list[bytes]:
        """Return the payload of each input vector of ``x``, shape ``(n, ...)``, integers.

        Raises
        ------
        TypeError
            If ``x`` does not hold integers.
        SpecError
            If a vector has the wrong number of elements, or a value is out of the input's range.
        """
        x = np.asarray(x)
        if not np.issubdtype(x.dtype, np.integer):
            raise TypeError(f"x must be an array of integers, not of {x.dtype}")
        if x.ndim < 2 or np.prod(x.shape[1:]) != self.elements:
            raise SpecError(f"x must be of shape (n, {self.elements}), not {x.shape!r}")
        low, high = self.in_range
        outside = (x < low) | (x > high)
        if outside.any():
            raise SpecError(f"x must be in {low}..{high}, not {int(x[outside][0])!r}")
        if self.in_bipolar:
            if (x == 0).any():
                raise SpecError("x must be -1 or +1, not 0")
            x = (x + 1) >> 1
        raw = np.ascontiguousarray(x.reshape(len(x), self.elements), dtype="<i8").view(np.uint8)
        raw = raw.reshape(len(x), self.elements, 8)[:, :, :self.in_element_bytes]
        return [vector.tobytes().ljust(self.in_bytes, b"\0") for vector in raw]

    def decode(self, payloads: list[bytes]) -> tuple[np.ndarray, np.ndarray | None]:
        """Return scores ``(n, count)`` and classes (None if the core gives none), int64.

        Classes are ``(n,)``; ``(n, k)``, the best first, where the core gives the k best.
        ``payloads`` are ``n`` output frames of ``out_bytes`` bytes each.
        """
        raw = np.frombuffer(b"".join(payloads), np.uint8)
        shape = (len(payloads), self.out_bytes // self.out_element_bytes, self.out_element_bytes)
        raw = raw.reshape(shape).astype(np.int64)
        values = (raw << (8 * np.arange(self.out_element_bytes))).sum(axis=-1)
        if self.out_signed:
            half = 1 << (8 * self.out_element_bytes - 1)
            values = (values ^ half) - half
        scores = values[:, :self.counts["scores"]]
        if self.out_bipolar:
            scores = 2 * scores - 1
        if "class" not in self.counts:
            return scores, None
        begin = _round_up(self.counts["scores"], self.out_lanes)
        classes = values[:, begin:begin + self.counts["class"]]
        return scores, classes[:, 0] if self.counts["class"] == 1 else classes


def _frame_bytes(elements: int, port: Mapping) -> int:
    """Return the bytes of ``elements`` elements on ``port``, rounded up to whole beats."""
    return _round_up(elements, port["lanes"]) * port["element_bytes"]


def _round_up(count: int, step: int) -> int:
    return -(-count // step) * step
