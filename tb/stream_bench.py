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
import numpy as np
from bench_model import Frames, Layout, Stalls, Trace, hold
from cocotb.clock import Clock
from cocotb.simtime import get_sim_time
from cocotb.triggers import ClockCycles, RisingEdge, SimTimeoutError, with_timeout
from cocotb.utils import get_sim_steps
from cocotbext.axi import AxiStreamBus, AxiStreamFrame, AxiStreamSink, AxiStreamSource

PERIOD_NS = 10
MODES = ("stream", "reset", "length")
LISTED_MISMATCHES = 20


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
        longest = 2 * self.layout.busy_cycles + 16
        self.stalls = Stalls(options.stalls, options.seed, longest)
        beats = self.layout.in_beats + self.layout.out_beats
        self.patience = 2000 + 20 * (self.layout.busy_cycles + beats) + 4 * longest
        self.clock = getattr(dut, self.manifest["clock"])
        self.reset = getattr(dut, self.manifest["reset"])
        self.came_out: list[bytes] = []
        self.out_cycles: list[int] = []
        self.faults: list[str] = []
        self.latency = None
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
        for bus in (source, sink):
            logging.getLogger(f"cocotb.{bus._entity._name}.{bus._name}").setLevel(logging.ERROR)
        self.source = AxiStreamSource(source, self.clock, **reset)
        self.sink = AxiStreamSink(sink, self.clock, **reset)
        if self.trace:
            cocotb.start_soon(self.trace.watch())
        await self.release()

    async def release(self):
        await ClockCycles(self.clock, 2)
        self.reset.value = 0
        await ClockCycles(self.clock, 2)

    def send(self, index: int):
        self.source.send_nowait(AxiStreamFrame(self.frames.data[index]))

    async def recv(self):
        """The next output frame; None, and a fault, if none comes in time."""
        try:
            return await with_timeout(self.sink.recv(compact=False),
                                      self.patience * PERIOD_NS, "ns")
        except SimTimeoutError:
            self.faults.append(f"no output frame for {self.patience} cycles: {len(self.came_out)}"
                               f" of {len(self.frames)} frames came out")
            return None

    async def measure_latency(self) -> bool:
        """One frame alone: cycles from its first input beat to its first output beat."""
        self.send(0)
        begin = None
        valid, ready = self.source.bus.tvalid, self.source.bus.tready
        for _ in range(self.patience):
            await RisingEdge(self.clock)
            if valid.value and ready.value:
                begin = self.cycle()
                break
        frame = await self.recv()
        if frame is None:
            return False
        self.latency = self.cycle(frame.sim_time_start) - begin
        return True

    async def stream(self):
        """All frames, back to back or with stalls, then nothing more may come."""
        pairs = ((self.source, self.stalls.input), (self.sink, self.stalls.output))
        holds = [cocotb.start_soon(hold(model, runs, PERIOD_NS)) for model, runs in pairs if runs]
        if self.trace:
            self.trace.clear()
        for index in range(len(self.frames)):
            self.send(index)
        while len(self.came_out) < len(self.frames):
            frame = await self.recv()
            if frame is None:
                return
            self._take(frame)
            self.progress.show(len(self.came_out))
        for task in holds:
            task.cancel()
        self.sink.pause = self.source.pause = False
        await self.drain()

    def _take(self, frame):
        data = bytes(frame.tdata)
        if len(data) != self.layout.out_bytes:
            self.faults.append(f"output frame {len(self.came_out)} must be of"
                               f" {self.layout.out_bytes} bytes, not {len(data)}")
            data = data.ljust(self.layout.out_bytes, b"\0")[: self.layout.out_bytes]
        self.out_cycles.append(self.cycle(frame.sim_time_end))
        self.came_out.append(data)

    async def drain(self):
        """Nothing may be left in any queue, and nothing more may come out."""
        await ClockCycles(self.clock, 2 * (self.layout.busy_cycles + self.layout.out_beats) + 10)
        if not (self.source.empty() and self.source.idle()):
            self.faults.append("source must be empty at the end, input is left in it")
        if not self.sink.empty():
            self.faults.append(f"sink must be empty at the end, {self.sink.count()} more frame(s)"
                               " came out than went in")
        if not self.sink.idle():
            self.faults.append("sink must be idle at the end, part of a frame came out")
        found = int(self.dut.frame_error.value)
        if found != self.frames.any_wrong:
            self.faults.append(f"frame_error must be {int(self.frames.any_wrong)} at the end,"
                               f" not {found}")

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
            self.faults.append(f"{beats} beats must go in and {out_beats} come out in"
                               f" {self.patience} cycles, {waits[0][1]} and {waits[1][1]} did not")
        self.reset.value = 1
        await ClockCycles(self.clock, 2)
        self.source.clear()
        self.sink.clear()
        if self.sink.bus.tvalid.value:
            self.faults.append("tvalid of the output must be 0 in reset, not 1")
        await self.release()

    async def run(self):
        """The whole bench in the chosen mode."""
        await self.start()
        beats, out_beats = self.layout.in_beats, self.layout.out_beats
        if self.options.mode == "reset":
            half = max(1, beats // 2)
            for moment in ((half, 0), (beats + half, 0), (beats, max(1, out_beats // 2))):
                await self.interrupt(*moment)
        elif self.options.mode == "stream" and self.options.stalls == "none":
            if not await self.measure_latency():
                return
        await self.stream()

    def interval(self) -> float | None:
        """Mean cycles between output frames over the second half, where nothing stalls."""
        steady = self.out_cycles[len(self.out_cycles) // 2:]
        if self.options.stalls != "none" or self.options.mode != "stream" or len(steady) < 2:
            return None
        return (steady[-1] - steady[0]) / (len(steady) - 1)

    def results(self) -> dict:
        """What ``results.json`` says; ``found.npz`` gets the array that came out."""
        found = self.layout.unpack(self.came_out)
        np.savez(self.options.results / "found.npz", found=found)
        expected = self.frames.expected[: len(found)]
        wrong = np.argwhere(found != expected)
        listed = []
        for image, column in wrong[:LISTED_MISMATCHES].tolist():
            node, index = self.layout.place(column)
            listed.append({"node": node, "image": image, "index": index,
                           "expected": int(expected[image, column]),
                           "found": int(found[image, column])})
        complete = len(found) == len(self.frames) and not self.faults
        return {
            "passed": bool(complete and not len(wrong)), "mode": self.options.mode,
            "stalls": self.options.stalls, "seed": self.options.seed,
            "simulator": cocotb.SIM_NAME, "version": cocotb.SIM_VERSION,
            "frames": len(self.frames), "frames_out": len(found),
            "compared": int(found.size), "mismatched": len(wrong),
            "mismatches": listed, "faults": self.faults,
            "traced": self.trace.first_mismatch(self.frames) if self.trace else None,
            "traced_frames": self.trace.frames() if self.trace else None,
            "latency_cycles": self.latency, "interval_cycles": self.interval(),
            "cycles": self.cycle(),
        }


class Progress:
    """Prints ``frames DONE of TOTAL``, at most five times a second."""

    def __init__(self, total: int):
        self.total, self.next = total, 0.0

    def show(self, done: int):
        if time.monotonic() >= self.next or done == self.total:
            print(f"frames {done} of {self.total}", flush=True)
            self.next = time.monotonic() + 0.2


@cocotb.test()
async def bench(dut):
    """Every element of every frame must be the expected one, and nothing may be left over."""
    options = Options.from_env(os.environ)
    options.results.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    run = Bench(dut, options)
    await run.run()
    results = run.results() | {"seconds": round(time.perf_counter() - started, 3)}
    (options.results / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    assert results["passed"], "; ".join(run.faults) or results["mismatches"][0]
