"""What narrows an accumulator: threshold comparison and requantisation, one result a cycle.

These components never wait: values go in with ``valid`` and come out ``registers`` cycles later.
"""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..ir import Requantise, Threshold
from ..numeric import Fixed, pack_row
from ..plan.stages import MatVecStage, Stage
from ..plan.stages.threshold_search import STEP_REGISTERS
from .stream import element_shape, format_shape
from .table import Rom, RowsInTurn
from .tree import delay, wrap_add

__all__ = ["PassThrough", "RequantiseCore", "SearchCore", "post_core"]


class _PostCore(wiring.Component):
    """Ports of all of them: ``pe`` accumulators in, ``pe`` elements out.

    Parameters
    ----------
    stage : Stage       with ``pe``, ``nf``, ``out_edge``, and ``search`` or ``post``
    acc_shape : Shape   of an accumulator

    Members
    -------
    i : ``In(ArrayLayout(acc_shape, pe))``, i_valid : ``In(1)``
    o : ``Out(ArrayLayout(out_shape, pe))``, o_valid : ``Out(1)``
    """

    def __init__(self, stage: Stage, acc_shape):
        self._stage = stage
        super().__init__({
            "i": In(data.ArrayLayout(acc_shape, stage.pe)), "i_valid": In(1),
            "o": Out(data.ArrayLayout(element_shape(stage.out_edge), stage.pe)),
            "o_valid": Out(1),
        })


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

    def elaborate(self, platform):
        m = Module()
        search, pe = self._stage.search, self._stage.pe
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
        return m

    def _step(self, m, number, values, valid, found):
        """One comparison more: two registers."""
        stage, fmt = self._stage, self._stage.search.step_format(number)
        table = fmt.encode(stage.search.step(number)).reshape(stage.nf, stage.pe, -1)
        fold = Signal(range(max(2, stage.nf)), name=f"fold{number}")
        with m.If(valid):
            wrap_add(m, fold, stage.nf)
        later, bits = [], []
        for k, (value, prefix) in enumerate(zip(values, found, strict=True)):
            m.submodules[f"step{number}_lane{k}"] = rom = Rom(
                width=fmt.bits, rows=table[:, k].reshape(-1).tolist())
            later.append(self._delayed(m, value, f"value{number}_{k}"))
            before = self._delayed(m, prefix, f"prefix{number}_{k}")
            bits.append(Signal(number + 1, name=f"found{number}_{k}", reset_less=True))
            m.d.comb += rom.address.eq(Cat(prefix, fold))
            m.d.sync += bits[k].eq(Cat(later[k][0] >= rom.data.as_signed(), before[0]))
            later[k] = later[k][1]
        return later, delay(m, valid, STEP_REGISTERS, name=f"valid{number}"), bits

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
        rows = [pack_row(row, 1) for row in invert.reshape(stage.nf, stage.pe)]
        m.submodules.inverts = inverts = RowsInTurn(width=stage.pe, rows=rows)
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
    """``o[k] = saturate(round(i[k] * multiplier / 2**shift))``.

    Registers: the product (only where some multiplier is not 1), the rounded sum, the result.
    """

    def elaborate(self, platform):
        m = Module()
        scaled, valid = self._scale(m)
        node = self._stage.post
        rounded = []
        for k, value in enumerate(scaled):
            total = self._rounded(value, node)
            register = Signal(total.shape(), name=f"rounded{k}", reset_less=True)
            m.d.sync += register.eq(total)
            rounded.append(register)
        for k, total in enumerate(rounded):
            value = Signal((total >> node.shift).shape(), name=f"shifted{k}")
            m.d.comb += value.eq(total >> node.shift)
            m.d.sync += self.o[k].eq(_saturated(value, node.format))
        m.d.comb += self.o_valid.eq(delay(m, valid, 2, name="valid"))
        return m

    def _scale(self, m):
        """The products and their valid flag; the inputs themselves where all multipliers are 1."""
        if int(self._stage.post.multiplier.max()) == 1:
            return list(self.i), self.i_valid
        products = []
        for k, factor in enumerate(self._factors(m)):
            value = self.i[k] * factor
            product = Signal(value.shape(), name=f"product{k}", reset_less=True)
            m.d.sync += product.eq(value)
            products.append(product)
        valid = Signal(name="product_valid")
        m.d.sync += valid.eq(self.i_valid)
        return products, valid

    def _factors(self, m):
        """The multipliers of the fold that comes in: one constant for all, or from a table."""
        stage, bits = self._stage, self._stage.multiplier_bits
        multiplier = stage.post.multiplier
        if not bits:
            return [Const(int(multiplier[0]))] * stage.pe
        rows = [pack_row(row, bits) for row in multiplier.reshape(stage.nf, stage.pe)]
        m.submodules.table = table = RowsInTurn(width=bits * stage.pe, rows=rows)
        m.d.comb += table.advance.eq(self.i_valid)
        return data.View(data.ArrayLayout(unsigned(bits), stage.pe), table.data)

    @staticmethod
    def _rounded(value, node: Requantise):
        """``value`` plus what makes a flooring shift round as the node says."""
        if node.shift == 0 or node.rounding == "floor":
            return value
        half = 1 << (node.shift - 1)
        if node.rounding == "half_up":
            return value + half
        if node.rounding == "half_even":
            # Bit `shift` of the value may lie beyond its width, where it is the sign.
            return value + (half - 1) + (value >> node.shift)[0]
        return value + Mux(value < 0, (1 << node.shift) - 1, 0)


def _saturated(value, fmt: Fixed):
    """``value`` clipped into ``fmt``; comparisons that its width rules out are left out."""
    shape = value.shape()
    low = -(1 << (shape.width - 1)) if shape.signed else 0
    high = (1 << (shape.width - shape.signed)) - 1
    result = value
    if high > fmt.max:
        result = Mux(value > fmt.max, Const(fmt.max), result)
    if low < fmt.min:
        result = Mux(value < fmt.min, Const(fmt.min, format_shape(fmt)), result)
    return result


def post_core(stage: MatVecStage, acc_shape):
    """The component for what follows the accumulator of ``stage``."""
    if isinstance(stage.post, Threshold):
        return SearchCore(stage, acc_shape)
    if isinstance(stage.post, Requantise):
        return RequantiseCore(stage, acc_shape)
    return PassThrough(stage, acc_shape)
