"""The folded matrix-vector core: one frame, one datapath, two kinds of arithmetic."""

from amaranth.hdl import Cat, Module, Signal, Value, unsigned

from ..plan.stages.folded import OPERAND_REGISTERS
from .accumulate import Accumulator, PlaneCombiner, Starts
from .dot import MultiplyDot, PlaneDot
from .loading import LoadedInTurn, LoadedRows, link_loads
from .output_queue import OutputQueue
from .post import post_core
from .replay import ReplayBuffer
from .stage_core import StageCore
from .stream import format_shape, link_out
from .table import Rom
from .tree import delay

__all__ = ["BinaryMatVec", "FixedMatVec", "FoldedMatVec"]


class FoldedMatVec(StageCore):
    """Matrix times vector, ``pe`` outputs and ``simd`` inputs side by side.

    One frame every ``stage.interval_cycles``, its output beats at ``stage.schedule`` of the rows
    that it reads. Correct under any stalls on either side.

    Parameters
    ----------
    stage : FoldedStage

    Members
    -------
    i : ``In(beat_signature(in_shape, simd))``
    o : ``Out(beat_signature(out_shape, pe))``
    """

    def elaborate(self, platform):
        m = Module()
        stage, self._filled = self._stage, []
        m.submodules.queue = queue = OutputQueue(stage)
        m.submodules.dot = dot = self._dot()
        replay = self._operands(m, dot)
        total = self._sum(m, dot, replay)
        values = self._results(m, total)
        m.submodules.post = post = post_core(stage, values[0].shape())
        m.d.comb += [
            post.i.eq(Cat(values)), post.i_valid.eq(total.o_valid),
            queue.i.eq(post.o), queue.i_valid.eq(post.o_valid),
            queue.take.eq(replay.issue & replay.begin), replay.go.eq(queue.go),
        ]
        link_out(m, self.o, queue.o)
        if stage.loaded:        # in the order in which the parts above were made
            link_loads(m, self.load, self._filled + [post] * post.is_loaded(stage))
        return m

    def _operands(self, m, dot):
        """Inputs and weights of each issued row, in the operand registers of ``dot``."""
        m.submodules.replay = replay = self._replay()
        m.submodules.weights = weights = self._weights(len(Value.cast(dot.w)))
        self._fill(m, dot, replay)
        m.d.comb += weights.address.eq(replay.address)
        x, w = Signal.like(dot.x, reset_less=True), Signal.like(dot.w, reset_less=True)
        m.d.sync += [x.as_value().eq(self._inputs(m, replay)), Value.cast(w).eq(weights.data)]
        m.d.comb += [dot.x.eq(x), dot.w.eq(w)]
        return replay

    def _weights(self, width):
        """The memory of their rows."""
        if self._stage.loaded:
            self._filled.append(LoadedRows(self._stage.loaded_memory("weights")))
            return self._filled[-1]
        rows = self._stage.weight_rows()
        return Rom(width=width, rows=rows,
                   in_blocks=self._stage.weights_in_block_ram(len(rows), width))

    def _starts(self, m, holds, *, ahead, name="starts", **constants):
        """What sums start from: constants, or a memory that is loaded where there is one."""
        if not any(memory.holds == holds for memory in self._stage.loaded):
            return Starts(name=name, **constants)
        table = LoadedInTurn(self._stage.loaded_memory(holds), ahead=ahead)
        m.submodules[holds] = table
        self._filled.append(table)
        return Starts(shape=constants["shape"], table=table)

    def _fill(self, m, dot, replay):
        """Rows go into the buffer as they come."""
        m.d.comb += [
            replay.i.payload.eq(self.i.p.data.as_value()), replay.i.valid.eq(self.i.valid),
            self.i.ready.eq(replay.i.ready),
        ]

    def _results(self, m, total):
        """What follows gets these, all of one shape: the accumulators."""
        return list(total.o)

    def _accumulate(self, m, dot, replay, *, acc_shape, starts, op="xor"):
        """The sums of a pass, from those of each row."""
        m.submodules.accumulator = accumulator = Accumulator(
            in_shape=dot.sum_shape, acc_shape=acc_shape, pe=self._stage.pe, starts=starts, op=op)
        wait = OPERAND_REGISTERS - 1 + self._stage.dot_registers
        m.d.comb += [
            accumulator.i.eq(dot.y),
            accumulator.i_valid.eq(delay(m, replay.issue, wait, name="valid")),
            accumulator.i_first.eq(delay(m, replay.first, wait, name="first")),
            accumulator.i_last.eq(delay(m, replay.last, wait, name="last")),
            accumulator.i_ends.eq(delay(m, replay.issue & replay.last, wait - 1, name="ends")),
        ]
        return accumulator


class BinaryMatVec(FoldedMatVec):
    """The binarised core: counts bits; see :class:`hwgen.plan.stages.BinaryStage`."""

    def _dot(self):
        return PlaneDot(self._stage)

    def _replay(self):
        stage, sums = self._stage, self._stage.plane_sum
        planes = (len(stage.weight_planes), len(sums.input_planes)) if stage.is_serial else (1, 1)
        return ReplayBuffer(
            row_bits=stage.row_bits, sf=stage.sf, nf=stage.nf, weight_planes=planes[0],
            input_planes=planes[1], in_block_ram=stage.inputs_in_block_ram)

    def _inputs(self, m, replay):
        """The planes of the row: all of them, or the one whose turn it is."""
        stage = self._stage
        row, bits, planes = replay.row, stage.x.format.bits, []
        for k, plane in enumerate(stage.plane_sum.input_planes):
            value = Cat(row[s * bits + plane.bit] for s in range(stage.simd))
            planes.append(Signal(stage.simd, name=f"plane{k}"))
            m.d.comb += planes[-1].eq(~value if plane.inverted else value)
        if not stage.is_serial:
            formed = [self._formed(plane) for plane in planes]
            return Cat(~formed[k] if inverted else formed[k] for k, inverted in stage.operands)
        chosen, inverts = Signal(stage.simd), Signal()
        with m.Switch(replay.input_plane):
            for k, plane in enumerate(planes):
                with m.Case(k):
                    m.d.comb += chosen.eq(plane)
        with m.Switch(replay.weight_plane):
            for number, plane in enumerate(stage.weight_planes):
                with m.Case(number):
                    m.d.comb += inverts.eq(plane.inverts_x)
        return self._formed(chosen) ^ inverts.replicate(stage.simd)

    def _formed(self, row):
        """A row in parity form, if weights are: so is then the complement of it."""
        formed, bits = self._stage.parity_bits, list(row)
        for k in range(2, formed, 3):
            bits[k] = row[k - 2] ^ row[k - 1] ^ row[k]
        return Cat(bits) if formed else row

    def _sum(self, m, dot, replay):
        """The weighed sums of a fold: counts of a pass, then of all its passes."""
        stage = self._stage
        total_shape = format_shape(stage.acc_format)
        starts = self._starts(m, "starts", ahead=not stage.combines, rows=stage.start_rows(),
                              shape=format_shape(stage.start_format),
                              constant=int(stage.starts[0]))
        shape = unsigned(stage.most_count.bit_length()) if stage.combines else total_shape
        source = self._accumulate(m, dot, replay, acc_shape=shape, op=dot.op,
                                  starts=Starts() if stage.combines else starts)
        m.d.comb += source.i_carry.eq(dot.carry)
        most = stage.most_count
        for number, combine in enumerate(stage.combines):
            is_last, most = combine is stage.combines[-1], most * sum(combine.gains)
            after = total_shape if is_last else unsigned(most.bit_length())
            m.submodules[f"combine{number}"] = combiner = PlaneCombiner(
                combine, in_shape=shape, out_shape=after, pe=stage.pe,
                starts=starts if is_last else Starts())
            m.d.comb += [combiner.i.eq(source.o), combiner.i_valid.eq(source.o_valid)]
            source, shape = combiner, after
        return source

    def _results(self, m, total):
        """The sums in the unit of the scores, with the bits below those of the planes."""
        stage = self._stage
        if not stage.low_bits:
            return [value >> stage.result_shift for value in total.o]
        lows = self._starts(m, "lows", ahead=False, name="lows", rows=stage.low_rows(),
                            shape=format_shape(stage.low_format), constant=int(stage.lows[0]))
        lows = lows.values(m, stage.pe, total.o_valid)
        return [Cat(low, value).as_signed()
                for low, value in zip(lows, total.o, strict=True)]


class FixedMatVec(FoldedMatVec):
    """The fixed-point core: multiplies and adds; see :class:`hwgen.plan.stages.FixedStage`."""

    def _dot(self):
        return MultiplyDot(self._stage)

    def _replay(self):
        stage = self._stage
        return ReplayBuffer(row_bits=stage.row_bits, sf=stage.sf, nf=stage.nf,
                            in_block_ram=stage.inputs_in_block_ram)

    def _inputs(self, m, replay):
        return replay.row

    def _sum(self, m, dot, replay):
        stage, starts = self._stage, Starts()
        if stage.mat_vec.bias is not None:
            starts = self._starts(m, "bias", ahead=True, rows=stage.bias_rows(),
                                  shape=format_shape(stage.bias_format))
        accumulator = self._accumulate(m, dot, replay, acc_shape=format_shape(stage.acc_format),
                                       starts=starts)
        m.d.comb += [carry.x.eq(dot.carry[p]) for p, carry in enumerate(accumulator.i_carry)]
        return accumulator
