"""Products with a constant matrix as a graph of adders: every value a sum of two shifted ones."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from ...numeric import SpecError

__all__ = ["AdderGraph", "Term", "Value", "bits_of"]

MAX_VALUES = (1 << 20) - 1
"""Most values of a graph."""


def bits_of(lo: int, hi: int) -> int:
    """Bits of integers from ``lo`` to ``hi``, with a sign only where some are below 0."""
    return max(-lo - 1, hi).bit_length() + (lo < 0)


class Term(NamedTuple):
    """``value << shift``, or what is left when that is taken from 0."""

    value: int
    shift: int
    negative: bool


@dataclass(frozen=True)
class Value:
    """An input, a constant (``lo == hi``, no terms), or the sum of two terms.

    Of two terms the first is never negative, and one of them is not shifted. ``lo`` and ``hi`` are
    the exact least and largest value; ``level`` is the number of adders in a row up to here.
    """

    terms: tuple[Term, ...]
    lo: int
    hi: int
    level: int

    @property
    def bits(self) -> int:
        return bits_of(self.lo, self.hi)

    @property
    def adder_bits(self) -> int:
        """Bits of its adder."""
        return max(0, self.bits - self.low_bits) if self.terms else 0

    @property
    def low_bits(self) -> int:
        """Low bits that are those of one term alone, as the other is shifted past them."""
        first, second = self.terms
        return second.shift if second.negative else max(first.shift, second.shift)


class AdderGraph:
    """Values in an order in which terms come first; inputs are values ``0 .. n_in - 1``.

    Parameters
    ----------
    lo, hi : int sequence (n_in,)    least and largest input

    Members
    -------
    values : list of Value
    outputs : list of Term or None   none of them negative; None where a row is 0
    """

    def __init__(self, lo, hi):
        self._lo, self._hi = np.asarray(lo, np.int64), np.asarray(hi, np.int64)
        self.n_in = len(self._lo)
        self.values, self.outputs = [], []
        # Each value is a product with a row of weights, and a constant; so its range is exact.
        self._weights, self._offsets = [], []
        self._found: dict[tuple[Term, ...], int] = {}
        for one in np.eye(self.n_in, dtype=np.int64):
            self._append((), one, 0)

    def constant(self, number: int) -> Term:
        """A term that is ``number``."""
        power = (number & -number).bit_length() - 1 if number else 0
        weights = np.zeros(self.n_in, np.int64)
        return Term(self._append((), weights, number >> power), power, False)

    def add(self, a: Term, b: Term) -> Term:
        """The sum of two terms, as a term: an adder, or one that there is already."""
        if a.negative and not b.negative:
            a, b = b, a
        shift, negative = min(a.shift, b.shift), a.negative
        terms = (Term(a.value, a.shift - shift, False),
                 Term(b.value, b.shift - shift, b.negative != negative))
        if terms not in self._found:
            self._found[terms] = self._sum(terms)
        return Term(self._found[terms], shift, negative)

    def negated(self, term: Term) -> Term:
        """The same, not negative: its difference the other way round, or taken from 0."""
        if not term.negative:
            return term
        terms = self.values[term.value].terms
        if not terms or not terms[1].negative:
            return self.add(self.constant(0), term)
        first, second = terms
        found = self.add(Term(second.value, second.shift, False),
                         Term(first.value, first.shift, True))
        return Term(found.value, found.shift + term.shift, False)

    def end_in(self, outputs: "list[Term | None]") -> None:
        """State the outputs, none of them negative; values that they do not need are left out."""
        used = {output.value for output in outputs if output is not None}
        for number in range(len(self.values) - 1, self.n_in - 1, -1):
            if number in used:
                used |= {term.value for term in self.values[number].terms}
        kept = [n for n in range(len(self.values)) if n in used or n < self.n_in]
        place = {number: k for k, number in enumerate(kept)}

        def moved(term):
            return term and term._replace(value=place[term.value])

        self.values = [replace(self.values[n], terms=tuple(map(moved, self.values[n].terms)))
                       for n in kept]
        self.outputs = [moved(output) for output in outputs]

    def _sum(self, terms):
        weights, offset = np.zeros(self.n_in, np.int64), 0
        for value, shift, negative in ((t.value, t.shift, t.negative) for t in terms):
            gain = (-1 if negative else 1) << shift
            weights = weights + gain * self._weights[value]
            offset += gain * self._offsets[value]
        return self._append(terms, weights, offset)

    def _append(self, terms, weights, offset):
        if len(self.values) >= MAX_VALUES:
            raise SpecError(f"unrolled sums must be at most {MAX_VALUES} values, not more;"
                            f" choose the folded core")
        ends = np.sort(np.stack([weights * self._lo, weights * self._hi]), axis=0).sum(axis=1)
        level = 1 + max((self.values[term.value].level for term in terms), default=-1)
        lo, hi = (ends + offset).tolist()
        self.values.append(Value(terms, lo, hi, level))
        self._weights.append(weights)
        self._offsets.append(offset)
        return len(self.values) - 1

    # -- what it is ------------------------------------------------------------------------------

    @property
    def adders(self) -> int:
        """Values that are sums of two terms."""
        return sum(bool(value.terms) for value in self.values)

    @property
    def adder_bits(self) -> int:
        """Bits of all adders."""
        return sum(value.adder_bits for value in self.values)

    @property
    def depth(self) -> int:
        """Adders in a row up to the deepest output."""
        return max((self.values[output.value].level for output in self.outputs if output),
                   default=0)

    def evaluate(self, x: np.ndarray) -> np.ndarray:
        """Outputs int64 ``(n, rows)`` of inputs ``(n, n_in)``, value by value; to test it with."""
        found = []
        for number, value in enumerate(self.values):
            if number < self.n_in:
                found.append(np.asarray(x, np.int64)[:, number])
            elif not value.terms:
                found.append(np.full(len(x), value.lo, np.int64))
            else:
                found.append(sum(_of(term, found) for term in value.terms))
        return np.stack([np.zeros(len(x), np.int64) if output is None else _of(output, found)
                         for output in self.outputs], axis=-1)


def _of(term, found):
    shifted = found[term.value] << term.shift
    return -shifted if term.negative else shifted
