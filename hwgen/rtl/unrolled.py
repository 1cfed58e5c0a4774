"""The unrolled binarised core: graphs of constant-weight sums in carry chains, no stop anywhere."""

from amaranth.hdl import Cat, Const, Module, Signal, signed, unsigned

from ..ir import Threshold
from ..plan.stages.unrolled_graph import slot
from .chain_cells import Adders
from .output_queue import OutputQueue
from .post import post_core
from .stage_core import StageCore
from .stream import format_shape, link_out
from .tree import delay
from .weighed_sum import weighed_sum

__all__ = ["UnrolledMatVec"]

CHAIN_SLOTS = 32
"""Most slots of a carry chain that several adders share: its far end bounds the clock."""


class UnrolledMatVec(StageCore):
    """One vector a cycle, weights in the wiring; see :class:`hwgen.plan.stages.UnrolledStage`.

    The sums never wait: a credit of the output queue lets a vector in.

    Parameters
    ----------
    stage : UnrolledStage

    Members
    -------
    i : ``In(beat_signature(in_shape, n_in))``
    o : ``Out(beat_signature(out_shape, n_out))``
    """

    def elaborate(self, platform):
        m = Module()
        stage = self._stage
        m.submodules.queue = queue = OutputQueue(stage)
        take, inputs = Signal(), self._inputs(m)
        graphs = []
        for number, graph in enumerate(stage.sums.graphs):
            m.submodules[f"group{number}"] = part = Module()
            graphs.append(_Sums(part, graph, stage.levels_per_register, inputs))
        m.d.comb += [
            take.eq(self.i.valid & queue.go), self.i.ready.eq(queue.go), queue.take.eq(take)]
        valid = delay(m, take, 1 + stage.inner_registers, name="valid")
        sums = [self._sum(m, output, graphs) for output in range(stage.n_out)]
        if isinstance(stage.post, Threshold):
            m.d.comb += queue.i_valid.eq(delay(m, valid, stage.code_registers, name="compared"))
            m.d.comb += [queue.i[k].eq(self._code(m, k, *total)) for k, total in enumerate(sums)]
        else:
            self._results(m, queue, valid, sums)
        link_out(m, self.o, queue.o)
        return m

    def _inputs(self, m):
        """The vector's bits in each slot; those that nobody reads are swept away."""
        slots, value = [], self.i.p.data.as_value()
        for k in range(self._stage.last_slot + 1):
            slots.append(Signal(len(value), name=f"x{k}", reset_less=True))
            m.d.sync += slots[k].eq(value)
            value = slots[k]
        return slots

    def _sum(self, m, output, graphs):
        """The weighed sum of an output in a register, and its range."""
        stage = self._stage
        terms = [(addend, graphs[g].at(node, stage.last_slot))
                 for addend, g, node in stage.addends(output)]
        lo, hi = stage.sum_range(output)
        shape = signed(max(-lo - 1, hi, 1).bit_length() + 1)
        return weighed_sum(m, terms, shape=shape, register_after=stage.register_after,
                           prefix=f"y{output}"), (lo, hi)

    def _code(self, m, output, total, limits):
        """Output code from comparisons with constants: each one reached changes some bits."""
        node, constant = self._stage.post, int(self._stage.constants[output])
        codes = node.format.encode(node.format.levels).tolist()
        if node.invert[output]:
            codes = codes[::-1]
        reached = Signal(len(codes) - 1, name=f"reached{output}", reset_less=True)
        domain = m.d.sync if self._stage.code_registers else m.d.comb
        domain += reached.eq(Cat(_at_least(total, int(t) - constant, limits)
                                 for t in node.table[output]))
        code = Signal(unsigned(node.format.bits), name=f"code{output}")
        changes = [a ^ b for a, b in zip(codes, codes[1:], strict=False)]
        for k in range(node.format.bits):
            steps = Cat(bit for bit, change in zip(reached, changes, strict=True)
                        if change >> k & 1)
            m.d.comb += code[k].eq(steps.xor() ^ (codes[0] >> k & 1))
        return code

    def _results(self, m, queue, valid, sums):
        stage = self._stage
        shape = format_shape(stage.acc_format)
        m.submodules.post = post = post_core(stage, shape)
        waits = int(stage.post is not None)
        m.d.comb += [post.i_valid.eq(delay(m, valid, waits, name="whole")),
                     queue.i_valid.eq(post.o_valid), queue.i.eq(post.o)]
        domain = m.d.sync if waits else m.d.comb
        for k, ((total, _), constant) in enumerate(zip(sums, stage.constants, strict=True)):
            whole = Signal(shape, name=f"whole{k}", reset_less=True)
            domain += whole.eq(total + int(constant))
            m.d.comb += post.i[k].eq(whole)


def _at_least(value, least: int, limits):
    """Whether a signed ``value`` within ``limits`` is at least a constant, in logic, no adder."""
    if least <= limits[0]:
        return Const(1, 1)
    if least > limits[1]:
        return Const(0, 1)
    wanted = least + (1 << len(value) - 1)
    bits = [*value[:-1], ~value[-1]]
    found = Const(1, 1)
    for k, bit in enumerate(bits):
        found = bit & found if wanted >> k & 1 else bit | found
    return found


class _Sums:
    """The nodes of one graph in module ``m``; :meth:`at` gives a node's value in a slot."""

    def __init__(self, m, graph, levels_per_register, inputs):
        self._m, self._graph, self._per_register = m, graph, levels_per_register
        self._inputs, self._values = inputs, {}
        self._packs: dict[tuple[int, int], list[int]] = {}
        for number, node in enumerate(graph.nodes):
            self._declare(number, node)
        for number, node in enumerate(graph.nodes):
            if not node.operands:
                self._drive(number, self._count(node))
            elif node.shift:
                self._drive(number, self._shifted(node))
            else:
                width = max(graph.nodes[n].width for n in node.operands)
                self._packs.setdefault((node.level, width), []).append(number)
        for (level, width), numbers in sorted(self._packs.items()):
            most = max(1, CHAIN_SLOTS // (width + 1))
            for k in range(0, len(numbers), most):
                self._adders(f"add{level}_{width}_{k // most}", width, numbers[k:k + most])

    def _slot(self, node):
        return slot(node.level, self._per_register)

    def _declare(self, number, node):
        at = self._slot(node)
        self._values[number, at] = Signal(node.width, name=f"n{number}", reset_less=True)

    def _drive(self, number, value):
        node = self._graph.nodes[number]
        own = self._values[number, self._slot(node)]
        domain = self._m.d.sync if node.level % self._per_register == 0 else self._m.d.comb
        domain += own.eq(value)

    def at(self, number, wanted):
        """The value of node ``number`` ``wanted`` registers behind the input's."""
        if (number, wanted) not in self._values:
            before = self.at(number, wanted - 1)
            later = Signal(len(before), name=f"n{number}_d{wanted}", reset_less=True)
            self._m.d.sync += later.eq(before)
            self._values[number, wanted] = later
        return self._values[number, wanted]

    def _used(self, node):
        """The slot in which the operands of ``node`` are read."""
        return slot(node.level - 1, self._per_register)

    def _bit(self, bit, at):
        value = self._inputs[at][bit.index]
        return ~value if bit.inverted else value

    def _count(self, node):
        """Number of ones among at most six bits, as logic: each output bit is one LUT."""
        bits = [self._bit(bit, self._used(node)) for bit in node.bits]
        if len(bits) <= 3:
            return _count3(bits)
        (a0, a1), (b0, b1) = _pair(bits[:3]), _pair(bits[3:])
        both = a0 & b0
        return Cat(a0 ^ b0, a1 ^ b1 ^ both, (a1 & b1) | (both & (a1 | b1)))

    def _operands(self, node):
        at = self._used(node)
        return [self.at(number, at) for number in node.operands]

    def _shifted(self, node):
        a, b = self._operands(node)
        if node.operands[0] == node.operands[1]:
            return Cat(Const(0, node.shift), b)
        return Cat(a[:node.shift], a[node.shift:] + b)

    def _adders(self, name, width, numbers):
        """Adders of one width in one chain."""
        graph, columns = self._graph, [[], [], [], []]
        for number in numbers:
            node = graph.nodes[number]
            for column, value in zip(columns, self._operands(node), strict=False):
                column.append(Cat(value, Const(0, width - len(value))))
            bit = node.bits[0] if node.bits else None
            columns[2].append(Const(0, 1) if bit is None
                              else self._inputs[self._used(node)][bit.index])
            columns[3].append(Const(int(bit is not None and bit.inverted), 1))
        cell = Adders(width=width, count=len(numbers))
        self._m.submodules[name] = cell
        for port, values in zip((cell.a, cell.b, cell.x, cell.w), columns, strict=True):
            self._m.d.comb += port.eq(Cat(*values))
        for k, number in enumerate(numbers):
            at = k * (width + 1)
            self._drive(number, cell.y[at:at + graph.nodes[number].width])


def _pair(bits):
    """Both bits of the count of at most three bits."""
    a, b, c = [*bits, Const(0, 1), Const(0, 1)][:3]
    return a ^ b ^ c, (a & b) | (c & (a | b))


def _count3(bits):
    return Cat(*_pair(bits)) if len(bits) > 1 else bits[0]
