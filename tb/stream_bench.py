"""Streams frames through an AXI4-Stream design and compares every element that comes out.

Runs inside cocotb, needs numpy, cocotb and cocotbext-axi and nothing else. What to do comes from
environment variables (see :class:`Options`); what happened goes to ``results.json`` and
``found.npz`` in the results folder, also when the bench fails.
"""

import json
import logging
import os
import time
from dataclasses import dataclass
from pathlib import Path

import cocotb
from bench_found import Found, write_results
from bench_model import Frames, Layout, Stalls
from bench_watch import Trace, hold
from cocotb.clock import Clock
from cocotb.simtime import get_sim_time
from cocotb.triggers import ClockCycles, RisingEdge, SimTimeoutError, with_timeout
from cocotb.utils import get_sim_steps
from cocotbext.axi import AxiStreamBus, AxiStreamFrame, AxiStreamSink, AxiStreamSource

PERIOD_NS = 10
MODES = ("stream", "reset", "length")


@dataclass(frozen=True)
class Options:
    """What one run does, from ``HWGEN_*`` environment variables.

    Members
    -------
    artefact : Path    ``HWGEN_ARTEFACT``, folder of manifest.json; default: that around the bench
    vectors : Path     ``HWGEN_VECTORS``, default ``vectors.npz`` of the artefact
    results : Path     ``HWGEN_RESULTS``, folder for what is written, default ``sim/bench``
    stalls : str       ``HWGEN_STALLS``: none, input, output, both (fair coins), random (bursts)
    seed : int         ``HWGEN_SEED``, of the stalls
    mode : str         ``HWGEN_MODE``: stream, reset (in mid-frame) or length (wrong lengths)
    frames : int       ``HWGEN_FRAMES``, only the first so many; 0 is all
    trace : bool       ``HWGEN_TRACE``, 1 to watch the streams between the stages (slower)
    """

    artefact: Path
    vectors: Path
    results: Path
    stalls: str
    seed: int
    mode: str
    frames: int
    trace: bool

    @classmethod
    def from_env(cls, env) -> "Options":
        artefact = Path(env.get("HWGEN_ARTEFACT", Path(__file__).resolve().parent.parent))
        mode = env.get("HWGEN_MODE", "stream")
        if mode not in MODES:
            raise ValueError(f"mode must be one of {list(MODES)}, not {mode!r}")
        return cls(
            artefact=artefact,
            vectors=Path(env.get("HWGEN_VECTORS", artefact / "vectors.npz")),
            results=Path(env.get("HWGEN_RESULTS", artefact / "sim" / "bench")),
            stalls=env.get("HWGEN_STALLS", "none"),
            seed=int(env.get("HWGEN_SEED", "0")),
            mode=mode,
            frames=int(env.get("HWGEN_FRAMES", "0")),
            trace=env.get("HWGEN_TRACE", "0") == "1",
        )


class Bench:
    """Clock, reset, source, sink, and the record of what came out."""

    def __init__(self, dut, options: Options):
        self.dut = dut
        self.options = options
        self.manifest = json.loads((options.artefact / "manifest.json").read_text())
        self.layout = Layout(self.manifest)
        self.frames = Frames(options.vectors, self.layout, options.mode, options.frames)
        self.stalls = Stalls(options.stalls, options.seed, self.layout.longest_stall)
        self.patience = self.layout.patience
        self.found = Found(self.layout, self.frames)
        self.clock = getattr(dut, self.manifest["clock"])
        self.reset = getattr(dut, self.manifest["reset"])
        self.steps_per_cycle = get_sim_steps(PERIOD_NS, "ns")
        self.trace = Trace(dut, self.manifest["probes"], self.clock) if options.trace else None
        self.progress = Progress(len(self.frames))

    def cycle(self, steps: int | None = None) -> int:
        return (get_sim_time() if steps is None else steps) // self.steps_per_cycle

    async def start(self):
        """Clock and reset on, then the bus models, then reset off."""
        source, sink = (AxiStreamBus.from_prefix(self.dut, self.manifest[side]["port"])
                        for side in ("input", "output"))
        for signal in (source.tvalid, source.tlast, source.tdata, sink.tready):
            signal.value = 0
        self.reset.value = 1
        Clock(self.clock, PERIOD_NS, unit="ns").start()
        await ClockCycles(self.clock, 4)
        reset = {"reset": self.reset, "byte_size": 8}
        buses = [source, sink]
        if self.layout.weights:
            buses.append(AxiStreamBus.from_prefix(self.dut, self.layout.weights["port"]))
            for signal in (buses[2].tvalid, buses[2].tlast, buses[2].tdata):
                signal.value = 0
            await ClockCycles(self.clock, 1)
        for bus in buses:
            logging.getLogger(f"cocotb.{bus._entity._name}.{bus._name}").setLevel(logging.ERROR)
        self.source = AxiStreamSource(source, self.clock, **reset)
        self.sink = AxiStreamSink(sink, self.clock, **reset)
        if self.layout.weights:
            self.weights = AxiStreamSource(buses[2], self.clock, **reset)
        if self.trace:
            cocotb.start_soon(self.trace.watch())
        await self.release()

    async def release(self):
        await ClockCycles(self.clock, 2)
        self.reset.value = 0
        await ClockCycles(self.clock, 2)
        await self.load(0)

    async def load(self, frames: int) -> bool:
        """The sets of weights that come when so many frames have gone in; False if one does not."""
        for number, load in enumerate(self.frames.loads):
            if load.before != frames:
                continue
            try:
                for source, what in ((self.source, None), (self.weights, load.data)):
                    if what is not None:
                        source.send_nowait(AxiStreamFrame(what))
                    await with_timeout(source.wait(), self.patience * PERIOD_NS, "ns")
            except SimTimeoutError:
                self.found.deaf(self.patience)
                return False
            await ClockCycles(self.clock, 2)
            self.found.loaded(number, load.sound, int(self.dut.weights_loaded.value),
                              int(self.dut.weights_error.value))
        return True

    def send(self, index: int):
        self.source.send_nowait(AxiStreamFrame(self.frames.data[index]))

    async def recv(self):
        """The next output frame; None, and a fault, if none comes in time."""
        try:
            return await with_timeout(self.sink.recv(compact=False),
                                      self.patience * PERIOD_NS, "ns")
        except SimTimeoutError:
            self.found.silence(self.patience)
            return None

    async def measure_latency(self) -> bool:
        """One frame alone: cycles from its first input beat to its first output beat."""
        self.send(0)
        valid, ready = self.source.bus.tvalid, self.source.bus.tready
        for _ in range(self.patience):
            await RisingEdge(self.clock)
            if valid.value and ready.value:
                begin = self.cycle()
                break
        else:
            self.found.deaf(self.patience)
            return False
        frame = await self.recv()
        if frame is None:
            return False
        self.found.latency = self.cycle(frame.sim_time_start) - begin
        return True

    async def stream(self):
        """All frames, back to back or with stalls, then nothing more may come."""
        pairs = [(self.source, self.stalls.input), (self.sink, self.stalls.output)]
        if self.layout.weights:
            pairs.append((self.weights, self.stalls.weights))
        holds = [cocotb.start_soon(hold(model, runs, PERIOD_NS)) for model, runs in pairs if runs]
        if self.trace:
            self.trace.clear()
        for index in range(len(self.frames)):
            if index and not await self.load(index):
                return
            self.send(index)
        while not self.found.is_whole:
            frame = await self.recv()
            if frame is None:
                return
            self.found.take(bytes(frame.tdata), self.cycle(frame.sim_time_end))
            self.progress.show(len(self.found.came_out))
        for task in holds:
            task.cancel()
        for model, _ in pairs:
            model.pause = False
        await self.drain()

    async def drain(self):
        """Nothing may be left in any queue, and nothing more may come out."""
        await ClockCycles(self.clock, self.layout.drain_cycles)
        self.found.drained(left_in=not (self.source.empty() and self.source.idle()),
                           more=self.sink.count(), part=not self.sink.idle(),
                           frame_error=int(self.dut.frame_error.value))

    async def interrupt(self, beats: int, out_beats: int = 0):
        """Reset once ``beats`` beats have gone in and ``out_beats`` have come out."""
        for index in range(2 + beats // self.layout.in_beats):
            self.send(index % len(self.frames))
        waits = [[self.source.bus, beats], [self.sink.bus, out_beats]]
        for _ in range(self.patience):
            await RisingEdge(self.clock)
            for wait in waits:
                wait[1] -= int(bool(wait[0].tvalid.value and wait[0].tready.value))
            if max(left for _, left in waits) <= 0:
                break
        else:
            missing = (waits[0][1], waits[1][1])
            self.found.interrupted(beats, out_beats, self.patience, missing)
        self.reset.value = 1
        await ClockCycles(self.clock, 2)
        self.source.clear()
        self.sink.clear()
        if self.sink.bus.tvalid.value:
            self.found.valid_in_reset()
        await self.release()

    async def run(self):
        """The whole bench in the chosen mode."""
        await self.start()
        if self.options.mode == "reset":
            for moment in self.layout.reset_moments:
                await self.interrupt(*moment)
        elif self.options.mode == "stream" and self.options.stalls == "none":
            if not await self.measure_latency():
                return
        await self.stream()

    def write(self, seconds: float) -> dict:
        """Write the results, and give them back."""
        options, trace = self.options, self.trace
        results, values = self.found.results(
            stalls=options.stalls, mode=options.mode, seed=options.seed, bench="cocotb",
            simulator=cocotb.SIM_NAME, version=cocotb.SIM_VERSION, cycles=self.cycle(),
            seconds=seconds, traced=trace.first_mismatch(self.frames) if trace else None,
            traced_frames=trace.frames() if trace else None)
        write_results(options.results, results, values)
        return results


class Progress:
    """Prints ``frames DONE of TOTAL``, at most five times a second."""

    def __init__(self, total: int):
        self.total, self.next = total, 0.0

    def show(self, done: int):
        if time.monotonic() >= self.next or done == self.total:
            print(f"frames {done} of {self.total}", flush=True)
            self.next = time.monotonic() + 0.2


async def judged(run_of, dut):
    """Run ``run_of(dut, options)`` to its end, write what it found, and fail if that is wrong."""
    options = Options.from_env(os.environ)
    options.results.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    run = run_of(dut, options)
    await run.run()
    results = run.write(round(time.perf_counter() - started, 3))
    assert results["passed"], "; ".join(results["faults"]) or results["mismatches"][0]


@cocotb.test()
async def bench(dut):
    """Every element of every frame must be the expected one, and nothing may be left over."""
    await judged(Bench, dut)
