"""The codebook core: sums of the inputs of each centroid, then one product for each of them."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from ..numeric import Bipolar
from ..plan.stages import CodebookStage
from ..plan.stages.folded import OPERAND_REGISTERS
from .accumulate import Accumulator, Starts
from .folded import FoldedMatVec
from .loading import LOAD, LoadedInTurn, LoadedRows, link_loads
from .multiply_cells import Multiply
from .replay import ReplayBuffer
from .stream import element_shape, format_shape
from .table import Rom
from .tree import adder_tree, delay, wrap_add

__all__ = ["CodebookMatVec", "CodebookSums", "LaneSums"]


class LaneSums(wiring.Component):
    """A sum for each centroid, twice: one bank adds up inputs while the other is read.

    The sum of code ``code`` takes in ``x`` at the end of a cycle with ``adds``. Codes beyond the
    centroids (0) have a sum that nobody reads.

    Parameters
    ----------
    x_shape, sum_shape : Shape
    entries : int                number of codes

    Members
    -------
    x : ``In(x_shape)``; code : ``In(range(entries))``; adds : ``In(1)``
    bank : ``In(1)``             that adds up
    address : ``In(range(entries))``
    clear : ``In(2)``            a bit for each bank: its sum ``address`` is 0 after this cycle
    sweeping : ``In(1)``         both banks are at ``address``, none adds
    o : ``Out(sum_shape)``       sum ``address`` of the bank that does not add, in the same cycle
    """

    def __init__(self, *, x_shape, sum_shape, entries: int):
        self._sum_shape, self._depth = sum_shape, max(2, entries)
        super().__init__({
            "x": In(x_shape), "code": In(range(self._depth)), "adds": In(1), "bank": In(1),
            "address": In(range(self._depth)), "clear": In(2), "sweeping": In(1),
            "o": Out(sum_shape),
        })

    def elaborate(self, platform):
        m = Module()
        total, read = Signal(self._sum_shape), []
        for b in range(2):
            sums = memory.Memory(shape=self._sum_shape, depth=self._depth, init=[])
            m.submodules[f"bank{b}"] = sums
            port, write = sums.read_port(domain="comb"), sums.write_port()
            place = Signal(range(self._depth), name=f"place{b}")
            is_read = self.sweeping | (self.bank != b)
            m.d.comb += [
                place.eq(Mux(is_read, self.address, self.code)),
                port.addr.eq(place), write.addr.eq(place),
                write.data.eq(Mux(self.clear[b], 0, total)),
                write.en.eq(self.clear[b] | (self.adds & (self.bank == b))),
            ]
            read.append(port.data)
        m.d.comb += [total.eq(Mux(self.bank, read[1], read[0]) + self.x),
                     self.o.eq(Mux(self.bank, read[0], read[1]))]
        return m


class CodebookSums(wiring.Component):
    """Everything between the operands and the results of a fold.

    Members
    -------
    x : ``In(ArrayLayout(x_shape, simd))``; w : ``In(stage.weight_row_bits)``
    i_valid, i_last : ``In(1)``     of this row of operands, and whether it ends its fold
    ready : ``Out(1)``              the sums have been cleared since reset
    o : ``Out(ArrayLayout(acc_shape, pe))``; o_valid : ``Out(1)``
        ``stage.combine_registers + 1`` cycles after ``i_last``
    load : ``In(LOAD)``             of centroids and biases, where they are loaded
    """

    def __init__(self, stage: CodebookStage):
        self._stage = stage
        super().__init__({
            "x": In(data.ArrayLayout(element_shape(stage.in_edge), stage.simd)),
            "w": In(stage.weight_row_bits), "i_valid": In(1), "i_last": In(1), "ready": Out(1),
            "o": Out(data.ArrayLayout(format_shape(stage.acc_format), stage.pe)),
            "o_valid": Out(1),
            **({"load": In(LOAD)} if stage.loaded else {}),
        })

    def elaborate(self, platform):
        m = Module()
        self._walk(m)
        sums = self._lanes(m)
        products = self._products(m, [self._chosen(m, sums, group) for group in self._groups])
        self._gather(m, self._accumulated(m, products))
        if self._stage.loaded:
            link_loads(m, self.load, [getattr(m.submodules, memory.holds)
                                      for memory in self._stage.loaded[1:]])
        return m

    @property
    def _groups(self) -> list:
        """Outputs of each group."""
        every, size = list(range(self._stage.pe)), self._stage.group
        return [every[k:k + size] for k in range(0, len(every), size)]

    def _walk(self, m):
        """Which centroid of which member of the groups is read; after reset, which is cleared."""
        stage, count = self._stage, self._stage.count
        self._centroid = Signal(range(max(2, stage.entries)))
        self._member = Signal(range(max(2, stage.group)))
        self._reading, self._bank, sweeping = Signal(), Signal(), Signal(init=1)
        self._first, self._last, ends = Signal(), Signal(), Signal()
        self._sweeping = sweeping
        m.d.comb += [
            self.ready.eq(~sweeping), ends.eq(self.i_valid & self.i_last),
            self._first.eq(self._centroid == 0), self._last.eq(self._centroid == count - 1),
        ]
        with m.If(self._reading | sweeping):
            wrap_add(m, self._centroid, count)
        with m.If(self._last):
            m.d.sync += sweeping.eq(0)
            with m.If(self._reading):
                wrap_add(m, self._member, stage.group)
        with m.If(ends):
            m.d.sync += [self._bank.eq(~self._bank), self._reading.eq(1)]
        with m.Elif(self._last & (self._member == stage.group - 1)):
            m.d.sync += self._reading.eq(0)

    def _lanes(self, m) -> list:
        """Sums that are read, by output and input."""
        stage, sums = self._stage, []
        for p in range(stage.pe):
            taken, clears = Signal(name=f"taken{p}"), Signal(2, name=f"clears{p}")
            m.d.comb += [
                taken.eq(self._reading & (self._member == p % stage.group)),
                clears.eq(Mux(self._sweeping, 0b11, Cat(taken & self._bank, taken & ~self._bank)))]
            sums.append([])
            for s in range(stage.simd):
                x = self._value(self.x[s])
                lane = LaneSums(x_shape=x.shape(), entries=stage.entries,
                                sum_shape=format_shape(stage.lane_format))
                m.submodules[f"p{p}_lane{s}"] = lane
                code = self.w.word_select(p * stage.simd + s, stage.code_bits)
                m.d.comb += [
                    lane.x.eq(x), lane.code.eq(code), lane.adds.eq(self.i_valid),
                    lane.bank.eq(self._bank), lane.address.eq(self._centroid),
                    lane.clear.eq(clears), lane.sweeping.eq(self._sweeping)]
                sums[p].append(lane.o)
        return sums

    def _value(self, x):
        """Of an input: signs travel as bits, 1 for +1."""
        is_sign = isinstance(self._stage.x.format, Bipolar)
        return Cat(1, ~x).as_signed() if is_sign else x

    def _chosen(self, m, sums, group):
        """Of the member in turn: the sum of its lanes, ``1 + stage.tree_registers`` cycles on."""
        stage, terms, name = self._stage, [], f"group{group[0]}"
        for s in range(stage.simd):
            chosen = Signal(format_shape(stage.lane_format), name=f"{name}_chosen{s}")
            with m.Switch(self._member):
                for j, p in enumerate(group):
                    with m.Case(j):
                        m.d.comb += chosen.eq(sums[p][s])
            terms.append(Signal.like(chosen, name=f"{name}_lane{s}", reset_less=True))
            m.d.sync += terms[s].eq(chosen)
        total = Signal(format_shape(stage.sum_format), name=f"{name}_sum")
        m.d.comb += total.eq(adder_tree(
            m, terms, levels_per_register=stage.levels_per_register, prefix=name))
        return total

    def _products(self, m, sums) -> list:
        """Each times the centroid in turn."""
        stage = self._stage
        shapes = format_shape(stage.sum_format), format_shape(stage.centroid_format)
        rom = (LoadedRows(stage.loaded_memory("centroids")) if stage.loaded
               else Rom(width=shapes[1].width, rows=stage.centroid_rows()))
        m.submodules.centroids = rom
        m.d.comb += rom.address.eq(self._centroid)
        centroid = rom.data
        for k in range(stage.tree_registers):
            step = Signal(shapes[1].width, name=f"centroid_d{k + 1}", reset_less=True)
            m.d.sync += step.eq(centroid)
            centroid = step
        products = []
        for k, value in enumerate(sums):
            m.submodules[f"multiply{k}"] = block = Multiply(
                *shapes, in_block=not stage.multiplies_in_luts)
            m.d.comb += [block.a.eq(value), block.b.eq(centroid)]
            signed = shapes[0].signed or shapes[1].signed
            products.append(block.y.as_signed() if signed else block.y)
        return products

    def _accumulated(self, m, products):
        stage, starts = self._stage, Starts()
        if stage.mat_vec.bias is not None and stage.loaded:
            m.submodules.bias = table = LoadedInTurn(stage.loaded_memory("bias"), ahead=True)
            starts = Starts(shape=format_shape(stage.bias_format), table=table)
        elif stage.mat_vec.bias is not None:
            starts = Starts(shape=format_shape(stage.bias_format), rows=stage.start_rows())
        m.submodules.accumulator = accumulator = Accumulator(
            in_shape=products[0].shape(), acc_shape=format_shape(stage.acc_format),
            pe=stage.ways, starts=starts)
        wait = stage.multiply_registers
        for port, flag, name in ((accumulator.i_valid, self._reading, "valid"),
                                 (accumulator.i_first, self._first, "first"),
                                 (accumulator.i_last, self._last, "last")):
            m.d.comb += port.eq(delay(m, flag, wait, name=name))
        m.d.comb += accumulator.i_ends.eq(
            delay(m, self._reading & self._last, wait - 1, name="ends"))
        m.d.comb += [accumulator.i[k].eq(product) for k, product in enumerate(products)]
        return accumulator

    def _gather(self, m, accumulator):
        """The members' results, which come one after another, side by side."""
        size = self._stage.group
        if size == 1:
            m.d.comb += [self.o.eq(accumulator.o), self.o_valid.eq(accumulator.o_valid)]
            return
        member = Signal(range(size), name="gathered")
        m.d.sync += self.o_valid.eq(accumulator.o_valid & (member == size - 1))
        with m.If(accumulator.o_valid):
            wrap_add(m, member, size)
        for k, group in enumerate(self._groups):
            value = accumulator.o[k]
            for j in reversed(range(size)):
                result = Signal(value.shape(), name=f"group{k}_result{j}", reset_less=True)
                with m.If(accumulator.o_valid):
                    m.d.sync += result.eq(value)
                if j < len(group):
                    m.d.comb += self.o[group[j]].eq(result)
                value = result


class CodebookMatVec(FoldedMatVec):
    """The codebook core; see :class:`hwgen.plan.stages.CodebookStage`."""

    def _dot(self):
        return CodebookSums(self._stage)

    def _replay(self):
        stage = self._stage
        return ReplayBuffer(row_bits=stage.row_bits, sf=stage.sf, nf=stage.nf,
                            in_block_ram=stage.inputs_in_block_ram)

    def _fill(self, m, dot, replay):
        """Nothing is taken before the sums are cleared."""
        m.d.comb += [replay.i.payload.eq(self.i.p.data.as_value()),
                     replay.i.valid.eq(self.i.valid & dot.ready),
                     self.i.ready.eq(replay.i.ready & dot.ready)]

    def _inputs(self, m, replay):
        return replay.row

    def _sum(self, m, dot, replay):
        wait = OPERAND_REGISTERS - 1
        if self._stage.loaded:
            self._filled.append(dot)
        m.d.comb += [dot.i_valid.eq(delay(m, replay.issue, wait, name="valid")),
                     dot.i_last.eq(delay(m, replay.last, wait, name="last"))]
        return dot
