"""Packing of codes into memory rows: element 0 in the least significant bits."""

import numpy as np

from .errors import SpecError
from .formats import Format
from .integers import as_int64

__all__ = ["pack_row", "pack_rows", "unpack_rows"]


def pack_row(codes, bits: int) -> int:
    """One Python int from unsigned ``codes`` (n,), each ``bits`` wide, element 0 lowest."""
    column = as_int64(codes, "codes").reshape(-1, 1)
    if column.size and not 0 <= column.min() <= column.max() < 1 << bits:
        raise SpecError(f"codes must be in 0..{(1 << bits) - 1},"
                        f" not {int(column.min())}..{int(column.max())}")
    planes = (column >> np.arange(bits)) & 1
    packed = np.packbits(planes.astype(np.uint8).reshape(-1), bitorder="little")
    return int.from_bytes(packed.tobytes(), "little")


def pack_rows(values, fmt: Format) -> list[int]:
    """Each row of integers ``values`` (rows, lanes) as one Python int of ``lanes * fmt.bits``."""
    codes = fmt.encode(values)
    if codes.ndim != 2:
        raise SpecError(f"values must be of shape (rows, lanes), not {codes.shape}")
    return [pack_row(row, fmt.bits) for row in codes]


def unpack_rows(rows: list[int], lanes: int, fmt: Format) -> np.ndarray:
    """The int64 values (rows, lanes) that :func:`pack_rows` packed."""
    mask = (1 << fmt.bits) - 1
    for index, row in enumerate(rows):
        if not 0 <= row < 1 << (lanes * fmt.bits):
            raise SpecError(f"row {index} must be of {lanes * fmt.bits} bits, not {row:#x}")
    codes = [[(row >> (k * fmt.bits)) & mask for k in range(lanes)] for row in rows]
    return fmt.decode(np.asarray(codes, dtype=np.int64).reshape(len(rows), lanes))
