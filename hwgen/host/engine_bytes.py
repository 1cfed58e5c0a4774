"""Elements as the streams of engines carry them: each in whole bytes, little endian."""

import numpy as np

from hwgen.numeric import Format

__all__ = ["element_bytes", "pack_elements", "unpack_elements"]


def element_bytes(fmt: Format) -> int:
    """Bytes of an element."""
    return -(-fmt.bits // 8)


def pack_elements(values, fmt: Format) -> bytes:
    """Each value in its bytes, in order."""
    octets = np.ascontiguousarray(values, "<i8").view(np.uint8).reshape(-1, 8)
    return octets[:, :element_bytes(fmt)].tobytes()


def unpack_elements(octets: bytes, fmt: Format) -> np.ndarray:
    """int64 values of their bytes."""
    size = element_bytes(fmt)
    wide = np.zeros((len(octets) // size, 8), np.uint8)
    wide[:, :size] = np.frombuffer(octets, np.uint8).reshape(-1, size)
    values = wide.view("<i8").reshape(-1).astype(np.int64)
    if not fmt.is_signed or size == 8:
        return values
    half = 1 << 8 * size - 1
    return (values ^ half) - half
