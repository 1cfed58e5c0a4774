"""A hash of a weight's place: which of a few numbers it takes, and with which sign."""

import numpy as np

from hwgen.numeric import SpecError

__all__ = ["place_hash", "places_and_signs"]

PRIME2, PRIME3, PRIME4, PRIME5 = 2_246_822_519, 3_266_489_917, 668_265_263, 374_761_393


def place_hash(row, column, tap, seed: int) -> np.ndarray:
    """XXH32 of a place, uint32 of the shape to which the three broadcast.

    All is modulo ``2**32``, ``<<<`` rotates::

        h = seed + PRIME5 + 12
        h = ((h + PRIME3 * word) <<< 17) * PRIME4          for word in row, column, tap
        h ^= h >> 15;  h *= PRIME2;  h ^= h >> 13;  h *= PRIME3;  h ^= h >> 16

    which is xxHash's of these three words, little-endian. Hardware takes products by constants,
    sums and XORs for it.

    Parameters
    ----------
    row, column, tap : integers 0..2**32 - 1    output, input or channel, place in the kernel
    seed : int 0..2**32 - 1
    """
    if not 0 <= seed < 1 << 32:
        raise SpecError(f"seed must be in 0..{(1 << 32) - 1}, not {seed}")
    words = np.broadcast_arrays(*(np.atleast_1d(np.asarray(each, np.uint32))
                                  for each in (row, column, tap)))
    h = np.full(words[0].shape, (seed + PRIME5 + 12) % (1 << 32), np.uint32)
    for word in words:
        h = h + word * np.uint32(PRIME3)
        h = (h << np.uint32(17) | h >> np.uint32(15)) * np.uint32(PRIME4)
    for shift, prime in ((15, PRIME2), (13, PRIME3)):
        h = (h ^ h >> np.uint32(shift)) * np.uint32(prime)
    return h ^ h >> np.uint32(16)


def places_and_signs(shape, numbers: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """``h(i, j)`` and ``xi(i, j)`` of a matrix, int64 and int8 of ``shape``.

    The place is ``floor(hash * numbers / 2**32)``, a product instead of a division; the sign is
    ``-1`` where the hash is odd, a bit on which the place does not depend.

    Parameters
    ----------
    shape : (n_out, n_in, taps)
    numbers : int 1..2**31    out of which each weight takes one
    seed : int 0..2**32 - 1
    """
    if not 1 <= numbers <= 1 << 31:
        raise SpecError(f"numbers must be in 1..{1 << 31}, not {numbers}")
    h = place_hash(*np.ogrid[tuple(slice(n) for n in shape)], seed)
    places = h.astype(np.uint64) * np.uint64(numbers) >> np.uint64(32)
    return places.astype(np.int64), (1 - 2 * (h & np.uint32(1)).astype(np.int8)).astype(np.int8)
