"""The unrolled constant matrix: adders and registers of a graph, no stop anywhere."""

from amaranth.hdl import Cat, Const, Module, Shape, Signal

from .output_queue import OutputQueue
from .post import post_core
from .saturate import saturated
from .stage_core import StageCore
from .stream import format_shape, link_out
from .tree import delay

__all__ = ["FixedUnrolledMatVec"]


class FixedUnrolledMatVec(StageCore):
    """One vector a cycle, weights in shifts and adders; see :class:`FixedUnrolledStage`.

    The adders never wait: a credit of the output queue lets a vector in.

    Parameters
    ----------
    stage : FixedUnrolledStage

    Members
    -------
    i : ``In(beat_signature(in_shape, n_in))``
    o : ``Out(beat_signature(out_shape, n_out))``
    """

    def elaborate(self, platform):
        m = Module()
        stage = self._stage
        m.submodules.queue = queue = OutputQueue(stage)
        take = Signal()
        m.d.comb += [
            take.eq(self.i.valid & queue.go), self.i.ready.eq(queue.go), queue.take.eq(take),
        ]
        sums = _Sums(m, stage, self.i.p.data).outputs()
        valid = delay(m, take, 1 + stage.inner_registers, name="valid")
        if stage.cut is None:
            self._through_post(m, sums, valid, queue)
        else:
            self._through_cut(m, sums, valid, queue)
        link_out(m, self.o, queue.o)
        return m

    def _through_post(self, m, sums, valid, queue):
        """All sums at the width of the widest, to what follows any core."""
        stage = self._stage
        m.submodules.post = post = post_core(stage, format_shape(stage.acc_format))
        m.d.comb += [post.i_valid.eq(valid), queue.i_valid.eq(post.o_valid), queue.i.eq(post.o)]
        m.d.comb += [post.i[k].eq(value) for k, value in enumerate(sums)]

    def _through_cut(self, m, sums, valid, queue):
        """Each sum at its own width, dropped bits and all, to its result."""
        cut = self._stage.cut
        m.d.comb += queue.i_valid.eq(delay(m, valid, 1, name="cut_valid"))
        for k, value in enumerate(sums):
            kept = value >> int(cut.shifts[k])
            whole = Signal(kept.shape(), name=f"whole{k}")
            result = Signal.like(queue.i[k], name=f"result{k}", reset_less=True)
            m.d.comb += [whole.eq(kept), queue.i[k].eq(result)]
            m.d.sync += result.eq(saturated(whole, cut.least, cut.most, result.shape()))


class _Sums:
    """The values of a graph in module ``m``: its :meth:`outputs`, or any value in a slot."""

    def __init__(self, m, stage, inputs):
        self._m, self._graph, self._adders = m, stage.graph, stage.adders
        self._values = {}
        for number, value in enumerate(self._graph.values):
            if value.terms:
                self._keep(number, self._sum(number), self._adders.is_registered(number))
            elif number < self._graph.n_in:
                self._keep(number, inputs[number], True)

    def outputs(self):
        """The sums, each of its own width."""
        last = self._adders.last
        return [Const(0) if output is None else self.at(output.value, last) << output.shift
                for output in self._graph.outputs]

    def _keep(self, number, value, is_registered):
        """An input, or a sum: in a register if one is due."""
        own = self._signal(number, self._adders.slot(number))
        domain = self._m.d.sync if is_registered else self._m.d.comb
        domain += own.eq(value)

    def _signal(self, number, at):
        value = self._graph.values[number]
        self._values[number, at] = Signal(
            Shape(max(1, value.bits), value.lo < 0), name=f"n{number}_{at}", reset_less=True)
        return self._values[number, at]

    def at(self, number, wanted):
        """Value ``number`` ``wanted`` registers behind the inputs'; a constant is any time."""
        value = self._graph.values[number]
        if not value.terms and number >= self._graph.n_in:
            return Const(value.lo, Shape(max(1, value.bits), value.lo < 0))
        if (number, wanted) not in self._values:
            before = self.at(number, wanted - 1)
            later = self._signal(number, wanted)
            self._m.d.sync += later.eq(before)
        return self._values[number, wanted]

    def _sum(self, number):
        """Sum or difference; low bits that only one operand has go past the adder."""
        value, at = self._graph.values[number], self._adders.reads_at(number)
        (first, x), (second, y) = ((term, self.at(term.value, at)) for term in value.terms)
        past = value.low_bits
        if second.negative and not past:
            return (x << first.shift) - y
        low, high = (x, y) if second.shift else (y, x)
        wide = Signal(Shape(max(len(low), past + 1), low.shape().signed), name=f"low{number}")
        self._m.d.comb += wide.eq(low)
        above = (wide >> past) - high if second.negative else (wide >> past) + high
        whole = Cat(wide[:past], above)
        return whole.as_signed() if value.lo < 0 else whole
