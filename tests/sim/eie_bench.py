"""An EIE engine in the simulator: frames in a row, or a script of weights and vectors in turn."""

from dataclasses import dataclass, field

from amaranth.hdl import ClockDomain, Fragment, Module
from amaranth.sim import Simulator
from sim.engine_streams import beats_of, run_streams

from hwgen.rtl.eie import EieEngine

__all__ = ["STREAMS", "Answer", "run_engine", "run_script"]

STREAMS = ("s_axis_weights", "s_axis", "m_axis")


def run_engine(spec, words, frames, results, **options):
    """Send weights and vectors, get so many beats of results: see :func:`run_streams`."""
    return run_streams(EieEngine(spec), {
        "s_axis_weights": beats_of(words, spec.weight_bytes),
        "s_axis": [beat for frame in frames for beat in beats_of(frame, spec.x_bytes)]},
        results, **options)


@dataclass
class Answer:
    """What an engine said of a step: whether it has weights, its errors, its frames of results."""

    loaded: bool = False
    weights_error: bool = False
    frame_error: bool = False
    frames: list = field(default_factory=list)
    left: int = 0       # beats of the vectors that it did not take


def run_script(spec, steps, *, limit=400, after=60):
    """An :class:`Answer` for each of ``steps``, in one simulation without a reset.

    A step is the bytes of a frame of weights, ``[(data, last), ...]`` of it, or
    ``("vectors", beats, frames)``: beats to send, and how many frames of results must come within
    ``limit`` cycles. Flags are those of ``after`` cycles later.
    """
    dut, answers = EieEngine(spec), []

    async def put(ctx, prefix, beats, most):
        left = list(beats)
        while left and most:
            ctx.set(getattr(dut, f"{prefix}_tdata"), left[0][0])
            ctx.set(getattr(dut, f"{prefix}_tlast"), left[0][1])
            ctx.set(getattr(dut, f"{prefix}_tvalid"), 1)
            _clk, _rst, done = await ctx.tick().sample(getattr(dut, f"{prefix}_tready"))
            most -= 1
            if done:
                left.pop(0)
        ctx.set(getattr(dut, f"{prefix}_tvalid"), 0)
        return len(left)

    answer, frame = [Answer()], [b""]

    async def sink(ctx):
        ctx.set(dut.m_axis_tready, 1)
        while True:
            _clk, _rst, valid, data, last = await ctx.tick().sample(
                dut.m_axis_tvalid, dut.m_axis_tdata, dut.m_axis_tlast)
            if valid:
                frame[0] += data.to_bytes(spec.result_bytes, "little")
                if last:
                    answer[0].frames.append(frame[0])
                    frame[0] = b""

    async def script(ctx):
        for step in steps:
            answer[0] = Answer()
            if isinstance(step, tuple):
                answer[0].left = await put(ctx, "s_axis", step[1], limit)
                wanted, most = step[2], limit
                while len(answer[0].frames) < wanted and most:
                    await ctx.tick()
                    most -= 1
            else:
                beats = beats_of(step, 4) if isinstance(step, bytes) else step
                assert not await put(ctx, "s_axis_weights", beats, limit + 4 * len(beats))
            for _ in range(after):
                await ctx.tick()
            answer[0].loaded = bool(ctx.get(dut.weights_loaded))
            answer[0].weights_error = bool(ctx.get(dut.weights_error))
            answer[0].frame_error = bool(ctx.get(dut.frame_error))
            answers.append(answer[0])

    top = Module()
    top.domains += ClockDomain("sync")
    top.submodules.dut = dut
    simulator = Simulator(Fragment.get(top, None))
    simulator.add_clock(1e-6)
    simulator.add_testbench(sink, background=True)
    simulator.add_testbench(script)
    simulator.run()
    return answers
