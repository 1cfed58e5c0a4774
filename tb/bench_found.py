"""What came out of a core, and what is wrong with it: the same account for every bench."""

import json
from pathlib import Path

import numpy as np

LISTED_MISMATCHES = 20


class Found:
    """The record of one run.

    Parameters
    ----------
    layout : bench_model.Layout
    frames : bench_model.Frames      what was sent, and what must come out

    Members
    -------
    came_out : list of bytes     output frames, each cut or filled to its right size
    out_cycles : list of int     cycle in which the last beat of each passed
    faults : list of str         what is wrong besides values
    latency : int or None        cycles from first input beat to first output beat of a lone frame
    """

    def __init__(self, layout, frames):
        self.layout, self.frames = layout, frames
        self.came_out: list[bytes] = []
        self.out_cycles: list[int] = []
        self.faults: list[str] = []
        self.latency: int | None = None

    @property
    def is_whole(self) -> bool:
        """Whether as many frames came out as went in."""
        return len(self.came_out) >= len(self.frames)

    def take(self, data: bytes, cycle: int):
        """An output frame whose last beat passed in ``cycle``."""
        size = self.layout.out_bytes
        if len(data) != size:
            self.faults.append(f"output frame {len(self.came_out)} must be of {size} bytes,"
                               f" not {len(data)}")
            data = data.ljust(size, b"\0")[:size]
        self.out_cycles.append(cycle)
        self.came_out.append(data)

    def deaf(self, patience: int):
        """The core took nothing for so many cycles."""
        self.faults.append(f"no input beat taken for {patience} cycles")

    def silence(self, patience: int):
        """Nothing came out for so many cycles."""
        self.faults.append(f"no output frame for {patience} cycles: {len(self.came_out)}"
                           f" of {len(self.frames)} frames came out")

    def interrupted(self, beats: int, out_beats: int, patience: int, missing: tuple[int, int]):
        """Before a reset, ``missing`` beats did not pass on the two sides."""
        self.faults.append(f"{beats} beats must go in and {out_beats} come out in"
                           f" {patience} cycles, {missing[0]} and {missing[1]} did not")

    def valid_in_reset(self):
        """The output was valid in reset."""
        self.faults.append("tvalid of the output must be 0 in reset, not 1")

    def unsteady(self, cycle: int):
        """An output beat that waited changed."""
        self.faults.append(f"output must stay as it is while it waits, and changed in cycle"
                           f" {cycle}")

    def loaded(self, number: int, sound: bool, loaded: int, error: int):
        """The flags after load ``number``, which was of a right length if ``sound``."""
        if (bool(loaded), bool(error)) != (sound, not sound):
            self.faults.append(f"weights_loaded and weights_error must be {int(sound)} and"
                               f" {int(not sound)} after set {number} of weights, not {loaded} and"
                               f" {error}")

    def drained(self, *, left_in: bool, more: int, part: bool, frame_error: int):
        """At the end: input left over, ``more`` frames than went in, part of one, the flag."""
        if left_in:
            self.faults.append("source must be empty at the end, input is left in it")
        if more:
            self.faults.append(f"sink must be empty at the end, {more} more frame(s)"
                               " came out than went in")
        if part:
            self.faults.append("sink must be idle at the end, part of a frame came out")
        if frame_error != self.frames.any_wrong:
            self.faults.append(f"frame_error must be {int(self.frames.any_wrong)} at the end,"
                               f" not {frame_error}")

    def interval(self) -> float | None:
        """Mean cycles between output frames over the second half; None for a single frame."""
        steady = self.out_cycles[len(self.out_cycles) // 2:]
        return (steady[-1] - steady[0]) / (len(steady) - 1) if len(steady) > 1 else None

    def results(self, *, stalls: str, mode: str, **more) -> tuple[dict, np.ndarray]:
        """What ``results.json`` says, and the array that came out, int64 ``(n, fields)``."""
        found = self.layout.unpack(self.came_out)
        expected = self.frames.expected[: len(found)]
        wrong = np.argwhere(found != expected)
        listed = []
        for image, column in wrong[:LISTED_MISMATCHES].tolist():
            node, index = self.layout.place(column)
            listed.append({"node": node, "image": image, "index": index,
                           "expected": int(expected[image, column]),
                           "found": int(found[image, column])})
        complete = len(found) == len(self.frames) and not self.faults
        free = stalls == "none" and mode == "stream"
        return {
            "passed": bool(complete and not len(wrong)), "mode": mode, "stalls": stalls,
            "frames": len(self.frames), "frames_out": len(found),
            "compared": int(found.size), "mismatched": len(wrong),
            "mismatches": listed, "faults": self.faults,
            "latency_cycles": self.latency, "interval_cycles": self.interval() if free else None,
            **more,
        }, found


def write_results(folder: Path, results: dict, found: np.ndarray):
    """Write ``found.npz`` and then ``results.json``."""
    np.savez(folder / "found.npz", found=found)
    (folder / "results.json").write_text(json.dumps(results, indent=1) + "\n")
