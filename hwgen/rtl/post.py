"""What narrows an accumulator: threshold comparison and requantisation, one result a cycle.

These components never wait: values go in with ``valid`` and come out ``registers`` cycles later.
"""

from amaranth.hdl import Const, Module, Mux, Signal, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..ir import Requantise, Threshold
from ..numeric import Fixed, pack_row
from ..plan.stages import MatVecStage
from .stream import element_shape, format_shape
from .table import RowsInTurn
from .tree import delay

__all__ = ["PassThrough", "RequantiseCore", "ScoreCore", "ThresholdCore", "post_core"]


class _PostCore(wiring.Component):
    """Ports of all of them: ``pe`` accumulators in, ``pe`` elements out.

    Members
    -------
    i : ``In(ArrayLayout(acc_shape, pe))``, i_valid : ``In(1)``
    o : ``Out(ArrayLayout(out_shape, pe))``, o_valid : ``Out(1)``
    """

    def __init__(self, stage: MatVecStage, acc_shape):
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


class ScoreCore(_PostCore):
    """``o[k] = 2 * i[k] - n_in + bias``: scores from popcounts, without a register."""

    def elaborate(self, platform):
        m = Module()
        stage = self._stage
        offsets = [-stage.n_in] * stage.pe
        if stage.mat_vec.bias is not None:
            layout = data.ArrayLayout(format_shape(stage.bias_format), stage.pe)
            m.submodules.bias = bias = RowsInTurn(width=layout.size, rows=stage.bias_rows())
            m.d.comb += bias.advance.eq(self.i_valid)
            offsets = [value - stage.n_in for value in data.View(layout, bias.data)]
        m.d.comb += self.o_valid.eq(self.i_valid)
        m.d.comb += [self.o[k].eq((self.i[k] << 1) + offsets[k]) for k in range(stage.pe)]
        return m


class ThresholdCore(_PostCore):
    """``o[k] = (i[k] >= threshold) != invert`` on popcounts; one register.

    A table row holds, for each of the ``pe`` channels of a fold, the threshold and above it the
    ``invert`` bit.
    """

    def _rows(self):
        stage = self._stage
        entry = stage.count_thresholds() | (
            stage.post.invert.astype("int64") << stage.threshold_bits)
        return [pack_row(row, stage.threshold_bits + 1)
                for row in entry.reshape(stage.nf, stage.pe)]

    def elaborate(self, platform):
        m = Module()
        bits = self._stage.threshold_bits
        entries = data.ArrayLayout(data.StructLayout({"at": bits, "invert": 1}), self._stage.pe)
        m.submodules.table = table = RowsInTurn(width=entries.size, rows=self._rows())
        row = data.View(entries, table.data)
        m.d.comb += table.advance.eq(self.i_valid)
        m.d.sync += self.o_valid.eq(self.i_valid)
        for k in range(self._stage.pe):
            m.d.sync += self.o[k].eq((self.i[k] >= row[k].at) ^ row[k].invert)
        return m


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
        return ThresholdCore(stage, acc_shape)
    if isinstance(stage.post, Requantise):
        return RequantiseCore(stage, acc_shape)
    if stage.core == "binary":
        return ScoreCore(stage, acc_shape)
    return PassThrough(stage, acc_shape)
