import numpy as np
import pytest
from cases.errors import refused

from hwgen.compress.methods.place_hash import place_hash, places_and_signs
from hwgen.numeric import SpecError

SHAPE, NUMBERS, SEED = (300, 784, 1), 1000, 7


@pytest.mark.parametrize(("place", "seed", "wanted"), [
    ((0, 0, 0), 0, 0x31B8DA82), ((1, 2, 3), 4, 0x43CED5A5),
    ((299, 783, 24), 0xDEADBEEF, 0x4540F780)])
def test_it_is_what_xxhash_gives_of_the_three_words(place, seed, wanted):
    """Figures of ``xxhash.xxh32(struct.pack("<3I", *place), seed)``, xxhash 3.x."""
    assert place_hash(*place, seed).tolist() == [wanted]


def one_by_one(words, seed):
    """The equation in Python's integers."""
    mask = (1 << 32) - 1
    h = seed + 374761393 + 12 & mask
    for word in words:
        h = h + 3266489917 * word & mask
        h = (h << 17 | h >> 15) * 668265263 & mask
    h = (h ^ h >> 15) * 2246822519 & mask
    h = (h ^ h >> 13) * 3266489917 & mask
    return h ^ h >> 16


def test_places_and_signs_are_parts_of_the_hash_of_each_weight():
    places, signs = places_and_signs((3, 4, 2), 5, SEED)
    for place in np.ndindex(3, 4, 2):
        h = one_by_one(place, SEED)
        assert places[place] == 5 * h >> 32
        assert signs[place] == (-1 if h % 2 else 1)


def test_numbers_are_taken_as_often_as_chance_has_it():
    """Chi-square of 999 degrees of freedom, within 4 of its deviations."""
    places, _ = places_and_signs(SHAPE, NUMBERS, SEED)
    taken, mean = np.bincount(places.ravel(), minlength=NUMBERS), places.size / NUMBERS
    assert len(taken) == NUMBERS
    chi_square = float(((taken - mean) ** 2 / mean).sum())
    assert abs(chi_square - (NUMBERS - 1)) < 4 * (2 * (NUMBERS - 1)) ** 0.5


def test_half_the_signs_are_negative_whatever_the_number():
    places, signs = places_and_signs(SHAPE, NUMBERS, SEED)
    assert abs(int(signs.sum(dtype=np.int64))) < 4 * signs.size ** 0.5
    taken = np.bincount(places.ravel())
    sums = np.bincount(places.ravel(), weights=signs.ravel())
    assert abs((sums ** 2 / taken).mean() - 1) < 4 * (2 / NUMBERS) ** 0.5


@pytest.mark.parametrize("axis", [0, 1])
def test_neighbours_have_nothing_in_common(axis):
    places, signs = places_and_signs(SHAPE, NUMBERS, SEED)
    step = tuple(slice(1, None) if k == axis else slice(None) for k in range(3))
    back = tuple(slice(-1) if k == axis else slice(None) for k in range(3))
    count = places[step].size
    assert abs(int((signs[step] * signs[back]).sum(dtype=np.int64))) < 4 * count ** 0.5
    same = int((places[step] == places[back]).sum())
    assert abs(same - count / NUMBERS) < 4 * (count / NUMBERS) ** 0.5


def test_a_seed_gives_the_same_and_another_seed_others():
    first, again, other = (places_and_signs(SHAPE, NUMBERS, seed) for seed in (SEED, SEED, 8))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert (first[0] == other[0]).mean() < 2 / NUMBERS
    assert abs((first[1] == other[1]).mean() - 0.5) < 0.01


def test_what_is_no_seed_and_no_count():
    with refused(SpecError, "seed must be in 0..4294967295, not -1"):
        places_and_signs((2, 2, 1), 2, -1)
    for count in (0, (1 << 31) + 1):
        with refused(SpecError, f"numbers must be in 1..2147483648, not {count}"):
            places_and_signs((2, 2, 1), count, 0)
