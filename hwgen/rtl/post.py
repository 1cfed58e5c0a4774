"""What narrows an accumulator: threshold comparison and requantisation, one result a cycle.

These components never wait: values go in with ``valid`` and come out ``registers`` cycles later.
"""

import numpy as np
from amaranth.hdl import Cat, Const, Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..ir import Requantise, Threshold
from ..numeric import INT32, Fixed, pack_row
from ..plan.stages import MatVecStage, Stage
from ..plan.stages.threshold_search import STEP_REGISTERS
from .loading import LOAD, LoadedInTurn, LoadedRows, link_loads
from .scale import scaled
from .stream import element_shape, format_shape
from .table import Rom, RowsInTurn
from .tree import delay, wrap_add

__all__ = ["PassThrough", "RequantiseCore", "SearchCore", "clipped", "post_core"]


class _PostCore(wiring.Component):
    """Ports of all of them: ``pe`` accumulators in, ``pe`` elements out.

    Parameters
    ----------
    stage : Stage       with ``pe``, ``nf``, ``out_edge``; ``search``, or ``post`` and ``narrowing``
    acc_shape : Shape   of an accumulator

    Members
    -------
    i : ``In(ArrayLayout(acc_shape, pe))``, i_valid : ``In(1)``
    o : ``Out(ArrayLayout(out_shape, pe))``, o_valid : ``Out(1)``
    load : ``In(LOAD)``     only where :meth:`is_loaded`
    """

    def __init__(self, stage: Stage, acc_shape):
        self._stage = stage
        super().__init__({
            "i": In(data.ArrayLayout(acc_shape, stage.pe)), "i_valid": In(1),
            "o": Out(data.ArrayLayout(element_shape(stage.out_edge), stage.pe)),
            "o_valid": Out(1),
            **({"load": In(LOAD)} if self.is_loaded(stage) else {}),
        })

    @classmethod
    def is_loaded(cls, stage: Stage) -> bool:
        """Whether there are memories in it that are loaded."""
        return False


class PassThrough(_PostCore):
    """``o[k] = i[k]`` without a register."""

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.o_valid.eq(self.i_valid)
        m.d.comb += [self.o[k].eq(self.i[k]) for k in range(self._stage.pe)]
        return m


class SearchCore(_PostCore):
    """Output code of each sum by binary search among its thresholds; the first bit is its sign.

    ``stage.search.registers`` cycles: each further step reads the threshold that the bits so far
    select from a memory of each lane, then compares. Inversions are looked up with the code.
    """

    @classmethod
    def is_loaded(cls, stage):
        """Where thresholds are, and there are any but the first one, or inversions."""
        return bool(stage.loaded) and (stage.search.bits > 1 or stage.search.loads_inverts)

    def elaborate(self, platform):
        m = Module()
        search, pe, self._filled = self._stage.search, self._stage.pe, []
        values, valid, found = list(self.i), self.i_valid, []
        for k, value in enumerate(values):
            found.append(Signal(name=f"found{k}"))
            m.d.comb += found[k].eq(value >= 0)
        for number in range(1, search.bits):
            values, valid, found = self._step(m, number, values, valid, found)
        inverts = self._inverts(m, valid)
        m.d.comb += self.o_valid.eq(valid)
        for k in range(pe):
            m.d.comb += self.o[k].eq(self._code(m, found[k], inverts[k], k))
        if self._filled:
            link_loads(m, self.load, self._filled)
        return m

    def _step(self, m, number, values, valid, found):
        """One comparison more: two registers."""
        stage = self._stage
        fold = Signal(range(max(2, stage.nf)), name=f"fold{number}")
        with m.If(valid):
            wrap_add(m, fold, stage.nf)
        later, bits = [], []
        for k, (value, prefix) in enumerate(zip(values, found, strict=True)):
            m.submodules[f"step{number}_lane{k}"] = rom = self._thresholds(number, k)
            later.append(self._delayed(m, value, f"value{number}_{k}"))
            before = self._delayed(m, prefix, f"prefix{number}_{k}")
            bits.append(Signal(number + 1, name=f"found{number}_{k}", reset_less=True))
            m.d.comb += rom.address.eq(Cat(prefix, fold))
            m.d.sync += bits[k].eq(Cat(later[k][0] >= rom.data.as_signed(), before[0]))
            later[k] = later[k][1]
        return later, delay(m, valid, STEP_REGISTERS, name=f"valid{number}"), bits

    def _thresholds(self, number, k):
        """The memory of a lane's thresholds in a step."""
        stage = self._stage
        if self.is_loaded(stage):
            self._filled.append(LoadedRows(stage.loaded_memory(f"step{number}_lane{k}")))
            return self._filled[-1]
        return Rom(width=stage.search.step_format(number).bits,
                   rows=stage.search.step_rows(number, stage.pe, k))

    def _delayed(self, m, value, name):
        """``value`` one and two cycles later."""
        steps = []
        for k in range(STEP_REGISTERS):
            steps.append(Signal(value.shape(), name=f"{name}_d{k + 1}", reset_less=True))
            m.d.sync += steps[-1].eq(value)
            value = steps[-1]
        return steps

    def _inverts(self, m, valid):
        """Whether each lane of this fold is inverted: stored where lanes or folds differ."""
        stage = self._stage
        invert = stage.search.invert
        if not stage.search.has_inverts:
            return [Const(int(invert[0]))] * stage.pe
        if stage.search.loads_inverts:
            inverts = LoadedInTurn(stage.loaded_memory("inverts"), ahead=False)
            self._filled.append(inverts)
        else:
            inverts = RowsInTurn(width=stage.pe, rows=stage.search.invert_rows(stage.pe))
        m.submodules.inverts = inverts
        m.d.comb += inverts.advance.eq(valid)
        return list(inverts.data)

    def _code(self, m, found, inverted, k):
        """Code of a count; counts of thresholds that are only padding do not come."""
        code = Signal(self.o.shape().elem_shape, name=f"code{k}")
        plain, inverse = self._stage.search.codes.tolist()
        with m.Switch(Cat(found, inverted)):
            for number, codes in enumerate((plain, inverse)):
                for index, value in enumerate(codes):
                    with m.Case(index | number << len(found)):
                        m.d.comb += code.eq(value)
        return code


class RequantiseCore(_PostCore):
    """``o[k] = clip(round(i[k] * multiplier / 2**shift) + zero_point)``.

    The steps of ``stage.narrowing``.
    """

    def elaborate(self, platform):
        m = Module()
        self._steps, node = self._stage.narrowing, self._stage.post
        values, valid = self._values(m), self.i_valid
        if self._steps.multiplies:
            values, valid = self._products(m, values, valid)
        if node.is_doubling:
            values, valid = self._high_halves(m, values, valid)
        if self._steps.aligns_values:
            values, valid = self._aligned(m, values, valid)
        shift = self._steps.shift
        values, valid = self._registered(
            m, [_rounded(value, shift, self._steps.rounding, node.zero_point << shift)
                for value in values], valid, "rounded")
        for k, total in enumerate(values):
            value = Signal((total >> shift).shape(), name=f"shifted{k}")
            m.d.comb += value.eq(total >> shift)
            m.d.sync += self.o[k].eq(clipped(value, node.least, node.most, self.o[k].shape()))
        m.d.comb += self.o_valid.eq(delay(m, valid, 1, name="valid"))
        return m

    def _values(self, m):
        """The accumulators, of which no bit is more than their values need."""
        values = [Signal(format_shape(self._steps.x), name=f"value{k}")
                  for k in range(self._stage.pe)]
        m.d.comb += [value.eq(given) for value, given in zip(values, self.i, strict=True)]
        return values

    def _registered(self, m, values, valid, name, shape=None):
        """``values`` and their valid flag, a cycle later."""
        later, flag = [], Signal(name=f"{name}_valid")
        for k, value in enumerate(values):
            later.append(Signal(shape or value.shape(), name=f"{name}{k}", reset_less=True))
            m.d.sync += later[k].eq(value)
        m.d.sync += flag.eq(valid)
        return later, flag

    def _products(self, m, values, valid):
        product = self._steps.product
        factors = self._in_turn(m, self._steps.multipliers, "multipliers", valid)
        return scaled(m, product, values, factors), delay(m, valid, product.registers,
                                                          name="product_valid")

    def _high_halves(self, m, values, valid):
        """Of the doubled products, ties up, in 32 bits: one product alone needs clipping."""
        highs = []
        for k, value in enumerate(self._shifted(m, values, self._steps.lefts, "lefts", valid)):
            wide = value + (1 << 30)
            high = Signal((wide >> 31).shape(), name=f"wide_high{k}")
            m.d.comb += high.eq(wide >> 31)
            most = INT32[1]
            highs.append(Mux(high > most, most, high) if self._steps.may_saturate_high else high)
        return self._registered(m, highs, valid, "high", signed(32))

    def _aligned(self, m, values, valid):
        slope, aligned = self._stage.post.slope_shift, []
        for k, value in enumerate(values):
            plain = Signal((value << slope).shape(), name=f"by_sign{k}")
            m.d.comb += plain.eq(Mux(value < 0, value, value << slope))
            aligned.append(plain)
        aligned = self._shifted(m, aligned, self._steps.aligns, "aligns", valid)
        return self._registered(m, aligned, valid, "aligned")

    def _shifted(self, m, values, amounts, name, valid):
        """``values`` to the left by the ``amounts`` of their channels: one of a few constants."""
        choices = sorted(set(amounts.tolist()))
        if len(choices) == 1:
            return [value << choices[0] for value in values]
        indices = np.searchsorted(choices, amounts)
        shifted = []
        for k, (value, index) in enumerate(zip(
                values, self._in_turn(m, indices, name, valid), strict=True)):
            result = Signal((value << choices[-1]).shape(), name=f"{name}_of{k}")
            with m.Switch(index):
                for number, amount in enumerate(choices):
                    with m.Case(number):
                        m.d.comb += result.eq(value << amount)
            shifted.append(result)
        return shifted

    def _in_turn(self, m, values, name, advance):
        """``values`` of the fold that comes in: one constant for all, or from a table."""
        stage, fmt = self._stage, Fixed.covering(int(values.min()), int(values.max()))
        if len(set(values.tolist())) == 1:
            return [Const(int(values[0]), format_shape(fmt))] * stage.pe
        codes = fmt.encode(values).reshape(stage.nf, stage.pe)
        m.submodules[name] = table = RowsInTurn(
            width=fmt.bits * stage.pe, rows=[pack_row(row, fmt.bits) for row in codes])
        m.d.comb += table.advance.eq(advance)
        view = data.View(data.ArrayLayout(format_shape(fmt), stage.pe), table.data)
        return [view[k] for k in range(stage.pe)]


def _rounded(value, shift: int, rounding: str, zero: int):
    """``value + zero`` plus what makes a flooring shift of ``value`` round as it should.

    ``zero`` is a multiple of ``2**shift``.
    """
    if shift == 0 or rounding == "floor":
        return value + zero if zero else value
    half = 1 << (shift - 1)
    if rounding == "half_up":
        return value + (half + zero)
    if rounding == "half_away":
        return value + Mux(value < 0, half - 1 + zero, half + zero)
    if rounding == "half_even":
        # Bit `shift` of the value may lie beyond its width, where it is the sign.
        return value + (half - 1 + zero) + (value >> shift)[0]
    return value + Mux(value < 0, (1 << shift) - 1 + zero, zero)


def clipped(value, least: int, most: int, result_shape):
    """``value`` within ``least .. most``; comparisons that its width rules out are left out."""
    shape = value.shape()
    low = -(1 << (shape.width - 1)) if shape.signed else 0
    high = (1 << (shape.width - shape.signed)) - 1
    result = value
    if high > most:
        result = Mux(value > most, Const(most, result_shape), result)
    if low < least:
        result = Mux(value < least, Const(least, result_shape), result)
    return result


def post_core(stage: MatVecStage, acc_shape):
    """The component for what follows the accumulator of ``stage``."""
    if isinstance(stage.post, Threshold):
        return SearchCore(stage, acc_shape)
    if isinstance(stage.post, Requantise):
        return RequantiseCore(stage, acc_shape)
    return PassThrough(stage, acc_shape)
