"""Sums in one carry chain: popcounts that take the XOR or AND of their operands in, accumulators.

A chain takes a carry-in for free, so a popcount of ``2**k - 1`` bits is two of ``2**(k-1) - 1``
bits and the bit that is left as their carry-in; the leaves are full adders of three bits, whose
XOR or AND with the weights goes into the same cells. Each piece is behaviour in simulation, a small
module of its own in Verilog, and cells of the device in synthesis (:mod:`hwgen.rtl.chain_cells`).
"""

from dataclasses import dataclass

from amaranth.hdl import Cat, Const, Signal, Value

from ..numeric import SpecError
from ..plan.stages.chain_timing import popcount_leaves, popcount_registers, popcount_spare
from .chain_cells import Adders, AtLeast, Counters, LoadAdd
from .chain_heap import HeapPopcount

__all__ = ["Pair", "PopCount", "at_least", "chain_add", "load_add", "popcount", "xnor_popcount"]

OPS = ("xor", "and", "xnor")


@dataclass(frozen=True, eq=False)
class Pair:
    """The bit ``op(x, w)`` that is not computed yet, since the chain it goes into does so for free.

    Parameters
    ----------
    x, w : Value of one bit
    op : str                    'xor' or 'and'
    """

    x: Value
    w: Value
    op: str = "xor"

    @classmethod
    def of(cls, value) -> "Pair":
        """``value`` itself if it is a pair, else a bit as one."""
        return value if isinstance(value, cls) else cls(Value.cast(value), Const(0, 1))

    @property
    def value(self):
        return self.x & self.w if self.op == "and" else self.x ^ self.w


@dataclass(frozen=True, eq=False)
class PopCount:
    """A popcount under way: ``sum + carry`` is what was counted, ``registers`` cycles ago.

    Parameters
    ----------
    sum : Signal
    carry : Pair        one bit that is left for a carry-in; constant 0 if there is none
    registers : int
    """

    sum: Signal
    carry: Pair
    registers: int


def xnor_popcount(m, x, w, *, op: str = "xor", levels_per_register: int, spare: bool = True,
                  lut_inputs: int = 4, parity: int = 0, prefix: str) -> PopCount:
    """How many of ``op(x[i], w[i])`` are 1; a register after each ``levels_per_register``-th level.

    ``op`` is 'and', 'xor' (bits that differ) or 'xnor' (bits that agree). 'xnor' inverts ``w``,
    which costs LUTs where the chain takes two operands in: weights that are stored inverted, with
    'xor', give the same count for nothing.

    With ``spare`` the result may leave one bit as ``carry``, to be the carry-in of what adds next,
    in the same cycle as the sum (:func:`hwgen.plan.stages.chain_timing.popcount_spare`).
    ``lut_inputs`` of the target chooses the structure: chains below six, from six on a compressor
    tree, for which the first ``parity`` bits of both operands, a multiple of three, may be in
    parity form (:func:`hwgen.plan.stages.parity.parity_form`; not for 'and'). Registers:
    :func:`hwgen.plan.stages.chain_timing.popcount_registers` with the same arguments.
    """
    if op not in OPS:
        raise SpecError(f"popcount '{prefix}': op must be one of {', '.join(OPS)}, not {op!r}")
    if len(x) != len(w):
        raise SpecError(f"popcount '{prefix}': operands must be of one length, not {len(x)} and"
                        f" {len(w)} bits")
    if parity and (op != "xor" or lut_inputs < 6):
        raise SpecError(f"popcount '{prefix}': parity form must go with op xor and LUTs of six"
                        f" inputs, not with {op!r} and {lut_inputs}")
    x, w = Value.cast(x), Value.cast(~w if op == "xnor" else w)
    op = "and" if op == "and" else "xor"
    if lut_inputs < 6:
        return _Tree(m, x, w, op, levels_per_register, spare, prefix).build()
    x, w = _wire(m, x, f"{prefix}_x"), _wire(m, w, f"{prefix}_w")
    return _compressed(m, x, w, op, levels_per_register, spare, parity, prefix)


def popcount(m, bits, *, levels_per_register: int, spare: bool = True, lut_inputs: int = 4,
             prefix: str) -> PopCount:
    """How many of ``bits`` are 1; as :func:`xnor_popcount`, but ``plain`` in its timing."""
    if lut_inputs >= 6:
        x = _wire(m, Value.cast(bits), f"{prefix}_x")
        return _compressed(m, x, None, "xor", levels_per_register, spare, 0, prefix)
    return xnor_popcount(m, bits, Const(0, len(bits)), spare=spare,
                         levels_per_register=levels_per_register, prefix=prefix)


def _compressed(m, x, w, op, levels_per_register, spare, parity, prefix):
    """A compressor tree; a bit that is left is a product already, as it waits in a register."""
    how = {"spare": spare, "lut_inputs": 6, "plain": w is None}
    left = popcount_spare(len(x), **how)
    most = len(x) - left
    heap = HeapPopcount(m, x[:most], w if w is None else w[:most], op=op, parity=parity,
                        levels_per_register=levels_per_register, prefix=prefix)
    registers = popcount_registers(len(x), levels_per_register, parity=parity, **how)
    carry = Pair.of(0)
    if left:
        product = x[-1] if w is None else Pair(x[-1], w[-1], op).value
        carry = Pair(_delayed(m, product, registers, f"{prefix}_carry"), Const(op == "and", 1), op)
    return PopCount(heap.build(), carry, registers)


class _Tree:
    """The adders of one popcount; a term is a sum and its largest value."""

    def __init__(self, m, x, w, op, levels_per_register, spare, prefix):
        self._m, self._op, self._prefix = m, op, prefix
        self._per_register = levels_per_register
        self._registers = popcount_registers(len(x), levels_per_register, spare=spare)
        self._leaves = popcount_leaves(len(x), spare=spare)
        self._spare = popcount_spare(len(x), spare=spare)
        self._x, self._w = _wire(m, x, f"{prefix}_x"), _wire(m, w, f"{prefix}_w")
        self._level = 0

    def build(self):
        terms = self._first()
        while len(terms) > 1:
            terms = self._next(terms)
        carry = Pair(self._x[0], self._w[0], self._op) if self._spare else Pair.of(0)
        return PopCount(terms[0][0], carry, self._registers)

    def _first(self):
        """Counts of three bits each."""
        taken = min(3 * self._leaves, len(self._x))
        cell = Counters(count=self._leaves, op=self._op)
        x, w = self._take(taken)
        self._m.d.comb += [cell.x.eq(x), cell.w.eq(w)]
        largest = [min(3, taken - 3 * k) for k in range(self._leaves)]
        return self._finish(cell, [2] * self._leaves, largest, [])

    def _next(self, terms):
        """Sums of two terms and, while there are any, one more bit."""
        pairs = [terms[k:k + 2] for k in range(0, len(terms) & ~1, 2)]
        odd = terms[len(terms) & ~1:]
        width = max(len(term) for pair in pairs for term, _ in pair)
        taken = min(len(pairs), len(self._x) - self._spare)
        x, w = self._take(taken)
        cell = Adders(width=width, count=len(pairs), op=self._op)
        for port, index in ((cell.a, 0), (cell.b, 1)):
            operands = [_extended(pair[index][0], width) for pair in pairs]
            self._m.d.comb += port.eq(Cat(*operands))
        self._m.d.comb += [cell.x.eq(x), cell.w.eq(w)]
        largest = [pair[0][1] + pair[1][1] + (k < taken) for k, pair in enumerate(pairs)]
        return self._finish(cell, [width + 1] * len(pairs), largest, odd)

    def _take(self, count):
        """The next ``count`` bits of both operands, which are no longer in the rest."""
        x, w = self._x[:count], self._w[:count]
        self._x, self._w = self._x[count:], self._w[count:]
        return x, w

    def _finish(self, cell, widths, largest, odd):
        """The outputs of a level, through a register where one is due; ``odd`` goes along."""
        self._level += 1
        name = f"{self._prefix}_l{self._level}"
        self._m.submodules[name] = cell
        outputs, at = [], 0
        for k, (width, top) in enumerate(zip(widths, largest, strict=True)):
            bits = min(width, max(1, top.bit_length()))
            outputs.append((cell.y[at:at + bits], f"{name}_{k}", top))
            at += width
        due = self._level % self._per_register == 0
        outputs += [(term, f"{name}_odd", top) for term, top in odd]
        if due and len(self._x):
            self._x, self._w = (_register(self._m, rest, f"{name}_{kind}")
                                for rest, kind in ((self._x, "x"), (self._w, "w")))
        keep = _register if due else _wire
        return [(keep(self._m, value, label), top) for value, label, top in outputs]


def chain_add(m, a, b, cin=0, *, prefix: str) -> Signal:
    """``a + b + cin``, never overflowing; ``cin`` is a bit or a :class:`Pair`."""
    a, b, carry = Value.cast(a), Value.cast(b), Pair.of(cin)
    total = Signal((a + b).shape(), name=f"{prefix}_sum")
    # Unsigned, the top bit is the carry; signed, that of the extended operands is left away.
    cell = Adders(width=len(total) - (not total.shape().signed), op=carry.op)
    m.submodules[prefix] = cell
    m.d.comb += [cell.a.eq(a), cell.b.eq(b), cell.x.eq(carry.x), cell.w.eq(carry.w),
                 total.eq(cell.y)]
    return total


def load_add(m, first, start, acc, addend, cin=0, *, prefix: str) -> Signal:
    """``(first ? start : acc) + addend + cin`` in the shape of ``acc``: its next value.

    One cell a bit, the start value included; ``cin`` is a bit or a :class:`Pair`.
    """
    acc, carry = Value.cast(acc), Pair.of(cin)
    cell = LoadAdd(width=len(acc), op=carry.op)
    m.submodules[prefix] = cell
    total = Signal(acc.shape(), name=f"{prefix}_next")
    m.d.comb += [cell.first.eq(first), cell.start.eq(start), cell.acc.eq(acc),
                 cell.addend.eq(addend), cell.x.eq(carry.x), cell.w.eq(carry.w),
                 total.eq(cell.y)]
    return total


def at_least(m, a, t0, *, high=0, t1=0, prefix: str) -> Signal:
    """``a >= (high ? t1 : t0)``, all unsigned: one cell a bit and one for the answer."""
    a, t0, t1 = Value.cast(a), Value.cast(t0), Value.cast(t1)
    for what, value in (("a", a), ("t0", t0), ("t1", t1)):
        if value.shape().signed:
            raise SpecError(f"comparison '{prefix}': {what} must be unsigned,"
                            f" not {value.shape()!r}")
    cell = AtLeast(width=max(len(a), len(t0), len(t1)))
    m.submodules[prefix] = cell
    m.d.comb += [cell.a.eq(a), cell.t0.eq(t0), cell.t1.eq(t1), cell.high.eq(high)]
    return cell.y


def _wire(m, value, name):
    wire = Signal(len(value), name=name)
    m.d.comb += wire.eq(value)
    return wire


def _register(m, value, name):
    register = Signal(len(value), name=name, reset_less=True)
    m.d.sync += register.eq(value)
    return register


def _delayed(m, value, cycles, name):
    for k in range(cycles):
        value = _register(m, value, f"{name}{k}")
    return value


def _extended(value, width):
    return Cat(value, Const(0, width - len(value)))
