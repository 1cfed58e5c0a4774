"""Sums of two terms that rows of a constant matrix share: the greedy search.

As in da4ml (arXiv 2507.04535) and before it Hartley (1996): the two-term sum ``a +- (b << s)``
that occurs most often becomes a value of its own, again and again, until none occurs twice. Of
those that occur equally often the one with the newest value comes first, and then the one whose
operands overlap most. Digits are not fixed beforehand: a term counts wherever taking it leaves its
coefficient one digit shorter.

How often a sum occurs only falls, so a count made earlier is a bound. The sums stand in a heap by
their bounds, and only those that come to its top are counted again.
"""

import heapq

import numpy as np

from .adder_digits import Choices, choices, ones

__all__ = ["Sharing"]

SHIFT_BITS, VALUE_BITS = 8, 20
ZERO_SHIFT = 1 << SHIFT_BITS - 1
KEY_BITS = 2 * SHIFT_BITS + VALUE_BITS + 1
MOST = 1 << 40
DEEPEST = 40
"""Adders in a row that no row goes beyond: ``2**depth`` is counted in 64 bits."""
BATCH = 160
"""Sums counted again at a time."""


class Sharing:
    """``rows[r]`` is ``{value: coefficient}``; value ``n_in + k`` is that of ``sums[k]``.

    Parameters
    ----------
    matrix : int64 (rows, n_in)
    max_depth : int, optional    most adders in a row from an input to a row's sum
    others : int, or int sequence (rows,)    terms that a row has besides

    Members
    -------
    rows : list of dict
    sums : list of (a, b, shift, minus, flipped)
        ``a +- (b << shift)``, or ``(a << -shift) +- b`` where ``shift`` is negative; or the
        negative of it: of differences the one that is added more often
    depth : list of int          of each value: adders in a row
    """

    def __init__(self, matrix: np.ndarray, max_depth: int | None = None, others=0):
        self.rows = [{x: value for x, value in enumerate(row) if value}
                     for row in matrix.tolist()]
        self._columns = [{r: value for r, value in enumerate(column) if value}
                         for column in matrix.T.tolist()]
        self.sums, self.depth = [], [0] * matrix.shape[1]
        self._room = 1 << (DEEPEST if max_depth is None else min(max_depth, DEEPEST))
        others = np.broadcast_to(others, len(self.rows)).tolist()
        self._loads = np.asarray([sum(map(ones, row.values()), other)
                                  for row, other in zip(self.rows, others, strict=True)], np.int64)
        self._heap, self._lists = [], []
        self._values, self._choices = matrix.copy(), Choices(matrix)
        for value in range(len(self._columns)):
            self._list(value)
        while self._heap:
            self._step()

    # -- counting --------------------------------------------------------------------------------

    def _list(self, value):
        """Sums of ``value`` with those before it, and with itself, that may occur twice."""
        found = [np.zeros(0, np.int64)]
        for row, coefficient in self._columns[value].items():
            found.append(self._pairs(row, value, coefficient))
        keys, counts = np.unique(np.concatenate(found), return_counts=True)
        keys, counts = keys[counts > 1], counts[counts > 1]
        own = np.asarray(self._own(value), np.int64)
        counts = np.concatenate([counts, np.full(len(own), MOST)])
        keys = np.concatenate([keys, own])
        order = np.lexsort((keys, counts))
        self._lists.append((counts[order].tolist(), keys[order].tolist()))
        self._next(value)

    def _pairs(self, row, value, coefficient):
        """Keys of all sums of a digit of ``value`` and one of a value before it, in one row."""
        others = np.fromiter((x for x in self.rows[row] if x < value), np.int64)
        masks = np.stack(self._choices(self._values[row, others]))
        sign, which, power = np.nonzero(masks[..., np.newaxis] >> self._choices.powers & 1)
        return np.concatenate([np.zeros(0, np.int64)] + [
            _key(others[which], at - power, sign ^ minus)
            for minus, mask in enumerate(choices(coefficient))
            for at in range(mask.bit_length()) if mask >> at & 1])

    def _own(self, value):
        """Keys of sums of two digits of ``value``; rare enough to be counted when they come up."""
        found = set()
        for coefficient in self._columns[value].values():
            for sign, power in _digits(coefficient):
                rest = coefficient - (sign << power)
                found |= {_key(value, at - power, other != sign)
                          for other, at in _digits(rest) if at > power}
        return sorted(found)

    def _next(self, value):
        """The best of a value's sums that are left goes into the heap."""
        counts, keys = self._lists[value]
        if keys:
            key = value << KEY_BITS | keys.pop()
            heapq.heappush(self._heap, (-counts.pop(), -key, value))

    def _counts(self, keys):
        """How often each sum occurs, as :meth:`_places` finds it."""
        a, b, shift, minus = parts = _parts(keys)
        found = np.zeros((len(self.rows), len(keys)), np.int64)
        for at, _, _ in self._rounds(*parts):
            found[at] += 1
        depth = np.asarray(self.depth, np.int64)
        counts = np.minimum(found, self._room_for(depth[a], depth[b])).sum(axis=0)
        for k in np.flatnonzero(a == b):
            counts[k] = len(self._places(*(int(part[k]) for part in parts)))
        return counts

    def _rounds(self, a, b, shift, minus):
        """Occurrences of sums of two different values: of each sum at most one a row and round.

        Yields ``(rows, sums)``, and power of two and sign of the first term of each.
        """
        left, right = self._values[:, a], self._values[:, b]
        at = np.nonzero((left != 0) & (right != 0) & (a != b))
        left, right = left[at], right[at]
        while len(left):
            power, sign = _first(self._choices(left), self._choices(right), shift[at[1]],
                                 minus[at[1]])
            some = np.flatnonzero(sign)
            at, power, sign = tuple(axis[some] for axis in at), power[some], sign[some]
            yield at, power, sign
            left = left[some] - sign * power
            right = right[some] - sign * (1 - 2 * minus[at[1]]) * _moved(power, shift[at[1]])

    def _room_for(self, a, b):
        """How many sums of values of depths ``a`` and ``b`` each row has room for."""
        gained = self._gained(a, b)
        room = (self._room - self._loads[:, np.newaxis]) // np.maximum(gained, 1)
        return np.where(gained > 0, room, MOST)

    @staticmethod
    def _gained(a, b):
        """What a sum of values of these depths adds to the load of a row, ``sum(2**depth)``."""
        return (2 << np.maximum(a, b)) - (1 << a) - (1 << b)

    # -- one step --------------------------------------------------------------------------------

    def _step(self):
        """Count what is at the top again, and share the best if nothing else may be better."""
        keys = []
        while self._heap and len(keys) < BATCH:
            _, key, own = heapq.heappop(self._heap)
            keys.append(-key)
            if own >= 0:
                self._next(own)
        keys = np.asarray(keys, np.int64)
        counts = self._counts(keys)
        some = counts > 1
        ready = sorted(zip((-counts[some]).tolist(), (-keys[some]).tolist(), strict=True))
        if ready and (not self._heap or ready[0] <= self._heap[0][:2]):
            self._share(-ready.pop(0)[1])
        for count, key in ready:
            heapq.heappush(self._heap, (count, key, -1))

    def _places(self, a, b, shift, minus):
        """``(row, power, sign)`` of occurrences that do not overlap; ``power`` is that of ``a``."""
        if a == b:
            found = [place for row in sorted(self._columns[a])
                     for place in self._in_coefficient(row, self._columns[a][row], shift, minus)]
        else:
            sums = [np.asarray([part]) for part in (a, b, shift, minus)]
            found = sorted(
                (row, round_number, power.bit_length() - 1, sign)
                for round_number, (at, powers, signs) in enumerate(self._rounds(*sums))
                for row, power, sign in zip(at[0].tolist(), powers.tolist(), signs.tolist(),
                                            strict=True))
            found = [(row, power, sign) for row, _, power, sign in found]
        left = self._room_for(self.depth[a], self.depth[b])[:, 0].tolist()
        places = []
        for place in found:
            if left[place[0]] > 0:
                places.append(place)
                left[place[0]] -= 1
        return places

    @staticmethod
    def _in_coefficient(row, left, shift, minus):
        """The same of two digits of one coefficient."""
        while place := _twice(left, shift, minus):
            power, sign = place
            yield row, power, sign
            left -= sign * ((1 << power) + ((-1 if minus else 1) << power + shift))

    def _share(self, key):
        a, b, shift, minus = _parts(key)
        places = self._places(a, b, shift, minus)
        value, column = len(self._columns), {}
        self._columns.append(column)
        flipped = bool(minus) and sum(sign for *_, sign in places) < 0
        self.sums.append((a, b, shift, bool(minus), flipped))
        self.depth.append(1 + max(self.depth[a], self.depth[b]))
        for row, power, sign in places:
            self._add(row, a, -(sign << power))
            self._add(row, b, (sign if minus else -sign) << power + shift)
            own = (-sign if flipped else sign) << power + min(shift, 0)
            column[row] = column.get(row, 0) + own
        for row in [row for row, coefficient in column.items() if not coefficient]:
            del column[row]
        if value >= self._values.shape[1]:
            self._values = np.concatenate([self._values, np.zeros_like(self._values)], axis=1)
        for row, coefficient in column.items():
            self.rows[row][value] = self._values[row, value] = coefficient
            self._loads[row] += ones(coefficient) << self.depth[value]
        self._list(value)

    def _add(self, row, value, change):
        before = self.rows[row][value]
        self._loads[row] += (ones(before + change) - ones(before)) << self.depth[value]
        for line, at in ((self.rows[row], value), (self._columns[value], row)):
            line[at] = before + change
            if not before + change:
                del line[at]
        self._values[row, value] = before + change


def _key(a, shift, minus):
    """Key of a sum among those of its second value: by overlap, then by its first value."""
    overlap = ZERO_SHIFT - abs(shift)
    return (overlap << VALUE_BITS | a) << SHIFT_BITS + 1 | ZERO_SHIFT + shift << 1 | minus


def _parts(key):
    """``(a, b, shift, minus)``."""
    return (key >> SHIFT_BITS + 1 & (1 << VALUE_BITS) - 1, key >> KEY_BITS,
            (key >> 1 & (1 << SHIFT_BITS) - 1) - ZERO_SHIFT, key & 1)


def _digits(value):
    """``(sign, power)`` of all digits that a shortest form may have."""
    return [(sign, power) for sign, mask in zip((1, -1), choices(value), strict=True)
            for power in range(mask.bit_length()) if mask >> power & 1]


def _moved(mask, shift):
    return mask << np.maximum(0, shift) >> np.maximum(0, -shift)


def _first(left, right, shift, minus):
    """The lowest place of sums by the choices of pairs of coefficients.

    The power of two of the first term, and its sign; 0 and 0 where there is no place.
    """
    plus = left[0] & _moved(np.where(minus, right[1], right[0]), -shift)
    both = plus | left[1] & _moved(np.where(minus, right[0], right[1]), -shift)
    power = both & -both
    return power, np.where(power == 0, 0, np.where(plus & power, 1, -1))


def _twice(value, shift, minus):
    """The lowest place in one coefficient, or None."""
    for sign, power in _digits(value):
        rest = choices(value - (sign << power))[(sign < 0) != bool(minus)]
        if rest >> power + shift & 1:
            return power, sign
    return None
