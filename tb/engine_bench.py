"""Sends the jobs of a matrix engine on two AXI4-Streams and compares every result that comes out.

Runs inside cocotb as ``stream_bench.py`` does, with the same environment variables, and writes the
same two files.
"""

import json
import logging

import cocotb
import numpy as np
from bench_found import LISTED_MISMATCHES, write_results
from bench_model import Stalls
from bench_watch import hold
from cocotb.clock import Clock
from cocotb.simtime import get_sim_time
from cocotb.triggers import ClockCycles, RisingEdge, SimTimeoutError, with_timeout
from cocotb.utils import get_sim_steps
from cocotbext.axi import AxiStreamBus, AxiStreamFrame, AxiStreamSink, AxiStreamSource
from stream_bench import PERIOD_NS, Options, Progress, judged

IDLE_CYCLES = 200
"""So long after the last result nothing more may come."""


class Jobs:
    """What is sent and what must come out, from ``vectors.npz``; what it is, the README says.

    Members
    -------
    weights, x : list of bytes             a frame of each for each job
    results : list of bytes                of those jobs that send any
    cycles : int                           of all of them in a row, without stalls
    """

    def __init__(self, vectors, limit: int):
        with np.load(vectors, allow_pickle=False) as arrays:
            self.weights, self.x, self.results = (
                self._cut(arrays[name], arrays[f"{name}_bytes"])[:limit or None]
                for name in ("weights", "x", "results"))
            whole = not limit or limit >= len(arrays["x_bytes"])
            self.cycles = int(arrays["cycles"]) if whole else None
        self.results = [frame for frame in self.results if frame]

    @staticmethod
    def _cut(octets, sizes) -> list[bytes]:
        ends = np.cumsum(sizes).tolist()
        return [octets[end - size:end].tobytes()
                for end, size in zip(ends, sizes.tolist(), strict=True)]


class EngineBench:
    """Clock, reset, two sources, a sink, and the record of what came out."""

    def __init__(self, dut, options: Options):
        self.dut, self.options = dut, options
        self.manifest = json.loads((options.artefact / "manifest.json").read_text())
        self.engine = self.manifest["engine"]
        self.jobs = Jobs(options.vectors, options.frames)
        sent = {"weights": self.jobs.weights, "input": self.jobs.x}
        beats = sum(sum(map(len, frames)) // self.manifest[side]["beat_bytes"]
                    for side, frames in sent.items())
        self.patience = 4000 + 80 * beats
        longest = 4 * self.engine["latency_cycles"] + 16
        self.stalls = Stalls(options.stalls, options.seed, longest)
        self.clock, self.reset = dut.clk, dut.rst
        self.steps_per_cycle = get_sim_steps(PERIOD_NS, "ns")
        self.came_out, self.faults = [], []
        self.begin = self.end = None
        self.progress = Progress(len(self.jobs.results))

    def cycle(self, steps: int | None = None) -> int:
        """The cycle of a time, by default of now."""
        return (get_sim_time() if steps is None else steps) // self.steps_per_cycle

    async def start(self):
        """Clock and reset on, then the bus models, then reset off."""
        names = [self.manifest[side]["port"] for side in ("weights", "input", "output")]
        buses = [AxiStreamBus.from_prefix(self.dut, name) for name in names]
        for bus in buses[:2]:
            for signal in (bus.tvalid, bus.tlast, bus.tdata):
                signal.value = 0
        buses[2].tready.value = 0
        self.reset.value = 1
        Clock(self.clock, PERIOD_NS, unit="ns").start()
        await ClockCycles(self.clock, 4)
        for bus in buses:
            logging.getLogger(f"cocotb.{bus._entity._name}.{bus._name}").setLevel(logging.ERROR)
        reset = {"reset": self.reset, "byte_size": 8}
        self.sources = [AxiStreamSource(bus, self.clock, **reset) for bus in buses[:2]]
        self.sink = AxiStreamSink(buses[2], self.clock, **reset)
        await ClockCycles(self.clock, 2)
        self.reset.value = 0
        await ClockCycles(self.clock, 2)

    async def run(self):
        """All jobs, back to back or with stalls; then nothing more may come."""
        await self.start()
        cocotb.start_soon(self.watch_begin())
        pairs = zip((*self.sources, self.sink),
                    (self.stalls.weights, self.stalls.input, self.stalls.output), strict=True)
        holds = [cocotb.start_soon(hold(model, runs, PERIOD_NS)) for model, runs in pairs if runs]
        for source, frames in zip(self.sources, (self.jobs.weights, self.jobs.x), strict=True):
            for frame in frames:
                source.send_nowait(AxiStreamFrame(frame))
        while len(self.came_out) < len(self.jobs.results):
            try:
                frame = await with_timeout(self.sink.recv(compact=False),
                                           self.patience * PERIOD_NS, "ns")
            except SimTimeoutError:
                self.faults.append(
                    f"no results for {self.patience} cycles: {len(self.came_out)} of"
                    f" {len(self.jobs.results)} frames came out")
                return
            self.end = self.cycle(frame.sim_time_end)
            self.came_out.append(bytes(frame.tdata))
            self.progress.show(len(self.came_out))
        for task in holds:
            task.cancel()
        for model in (*self.sources, self.sink):
            model.pause = False
        await self.drain()

    async def watch_begin(self):
        """Notes the cycle of the first beat that goes in."""
        buses = [source.bus for source in self.sources]
        while not any(bus.tvalid.value and bus.tready.value for bus in buses):
            await RisingEdge(self.clock)
        self.begin = self.cycle()

    async def drain(self):
        """Nothing may be left in any queue, nothing more may come, and no error be told."""
        await ClockCycles(self.clock, IDLE_CYCLES)
        if not all(source.empty() and source.idle() for source in self.sources):
            self.faults.append("sources must be empty at the end, input is left in them")
        if self.sink.count() or not self.sink.idle():
            self.faults.append("sink must be empty at the end, more came out than was asked for")
        for flag in ("frame_error", "weights_error"):
            if hasattr(self.dut, flag) and getattr(self.dut, flag).value:
                self.faults.append(f"{flag} must be 0 at the end, not 1")
        if self.cycles is not None and self.jobs.cycles not in (None, self.cycles):
            self.faults.append(f"all jobs must take {self.jobs.cycles} cycles without stalls,"
                               f" not {self.cycles}")

    @property
    def cycles(self) -> int | None:
        """From the first beat that goes in to the last result; None with stalls."""
        if self.options.stalls != "none" or None in (self.begin, self.end):
            return None
        return self.end - self.begin + 1

    def write(self, seconds: float) -> dict:
        """Write the results, and give them back."""
        found, expected = self._values(), self._values(self.jobs.results)
        for number, (came, right) in enumerate(
                zip(self.came_out, self.jobs.results, strict=False)):
            if len(came) != len(right):
                self.faults.append(f"result frame {number} must be {len(right)} bytes,"
                                   f" not {len(came)}")
        same = min(len(found), len(expected))
        wrong = np.flatnonzero(found[:same] != expected[:same])
        results = {
            "passed": not self.faults and not len(wrong) and len(found) == len(expected),
            "mode": "stream", "stalls": self.options.stalls, "seed": self.options.seed,
            "bench": "cocotb", "simulator": cocotb.SIM_NAME, "version": cocotb.SIM_VERSION,
            "jobs": len(self.jobs.weights), "frames_out": len(self.came_out),
            "compared": same, "mismatched": len(wrong),
            "mismatches": [self._mismatch(k, expected, found)
                           for k in wrong[:LISTED_MISMATCHES].tolist()],
            "faults": self.faults, "cycles": self.cycles, "stated_cycles": self.jobs.cycles,
            "simulated_cycles": self.cycle(), "seconds": seconds,
        }
        write_results(self.options.results, results, found)
        return results

    def _values(self, frames=None) -> np.ndarray:
        """All results in order, int64."""
        accumulator = self.engine["accumulator"]
        size = -(-accumulator["bits"] // 8)
        octets = b"".join(self.came_out if frames is None else frames)
        table = np.frombuffer(octets[:len(octets) // size * size], np.uint8).reshape(-1, size)
        values = table.astype(np.int64) @ (np.int64(1) << 8 * np.arange(size, dtype=np.int64))
        half = 1 << (8 * size - 1)
        return (values ^ half) - half if accumulator["signed"] else values

    def _mismatch(self, index: int, expected, found) -> dict:
        """Where element ``index`` of all is: the frame of results, the beat in it, the place."""
        size = self.manifest["output"]["beat_bytes"]
        elements = size // -(-self.engine["accumulator"]["bits"] // 8)
        beat = index // elements
        ends = np.cumsum([len(frame) // size for frame in self.jobs.results])
        frame = int(np.searchsorted(ends, beat, side="right"))
        return {"frame": frame, "beat": beat - int(ends[frame - 1] if frame else 0),
                "element": index % elements, "expected": int(expected[index]),
                "found": int(found[index])}


@cocotb.test()
async def engine(dut):
    """Every result of every job must be the expected one, and nothing may be left over."""
    await judged(EngineBench, dut)
