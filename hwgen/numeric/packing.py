"""Packing of codes into memory rows: element 0 in the least significant bits."""

import numpy as np

from .formats import Format

__all__ = ["pack_row", "pack_rows", "unpack_rows"]


def pack_row(codes, bits: int) -> int:
    """One Python int from unsigned ``codes`` (n,), each ``bits`` wide, element 0 lowest."""
    column = np.asarray(codes, dtype=np.uint64).reshape(-1, 1)
    planes = (column >> np.arange(bits, dtype=np.uint64)) & np.uint64(1)
    packed = np.packbits(planes.astype(np.uint8).reshape(-1), bitorder="little")
    return int.from_bytes(packed.tobytes(), "little")


def pack_rows(values, fmt: Format) -> list[int]:
    """Each row of integers ``values`` (rows, lanes) as one Python int of ``lanes * fmt.bits``."""
    codes = fmt.encode(values)
    return [pack_row(row, fmt.bits) for row in codes]


def unpack_rows(rows: list[int], lanes: int, fmt: Format) -> np.ndarray:
    """The int64 values (rows, lanes) that :func:`pack_rows` packed."""
    mask = (1 << fmt.bits) - 1
    codes = [[(row >> (k * fmt.bits)) & mask for k in range(lanes)] for row in rows]
    return fmt.decode(np.asarray(codes, dtype=np.int64).reshape(len(rows), lanes))
