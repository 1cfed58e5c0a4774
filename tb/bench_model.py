"""What the benches send and expect: byte layouts, frames and stall patterns."""

import random
from typing import NamedTuple

import numpy as np

STALLS = ("none", "input", "output", "both", "random")
JUNK_BYTE = 0xA5


class Layout:
    """How elements lie in the bytes of the two ports; element 0 lowest, little endian."""

    def __init__(self, manifest: dict):
        self.input, self.output = manifest["input"], manifest["output"]
        self.fields = self.output["fields"]
        self.in_beats = -(-self.input["elements"] // self.input["lanes"])
        lanes = self.output["lanes"]
        self.field_beats = [-(-field["count"] // lanes) for field in self.fields]
        self.out_beats = sum(self.field_beats)
        self.in_beat_bytes = self.input["lanes"] * self.input["element_bytes"]
        self.out_beat_bytes = lanes * self.output["element_bytes"]
        self.out_bytes = self.out_beats * self.out_beat_bytes
        self.busy_cycles = manifest["interval_cycles"] + (manifest.get("latency_cycles") or 0)
        self.longest_stall = 2 * self.busy_cycles + 16
        self.weights = manifest.get("weights")

    @property
    def patience(self) -> int:
        """Cycles without an output frame after which a core counts as stuck."""
        beats = self.in_beats + self.out_beats
        words = self.weights["words"] if self.weights else 0
        return 2000 + 20 * (self.busy_cycles + beats) + 4 * self.longest_stall + 20 * words

    @property
    def drain_cycles(self) -> int:
        """Cycles after the last frame in which nothing more may come."""
        return 2 * (self.busy_cycles + self.out_beats) + 10

    @property
    def reset_moments(self) -> list[tuple[int, int]]:
        """Beats in and beats out after which mode ``reset`` resets: in mid-frame, on both sides."""
        half = max(1, self.in_beats // 2)
        return [(half, 0), (self.in_beats + half, 0), (self.in_beats, max(1, self.out_beats // 2))]

    def pack(self, values: np.ndarray) -> list[bytes]:
        """The bytes of each row of ``values`` (n, elements)."""
        codes = (values + 1) >> 1 if self.input.get("bipolar") else values
        wide = np.ascontiguousarray(codes.astype("<i8")).view(np.uint8)
        size = self.input["element_bytes"]
        rows = wide.reshape(*values.shape, 8)[:, :, :size]
        return [row.tobytes() for row in rows]

    def beats(self, data: bytes, count: int) -> bytes:
        """``data`` cut to ``count`` beats, or filled up with junk."""
        size, full = count * self.in_beat_bytes, self.in_beats * self.in_beat_bytes
        return data.ljust(full, b"\0").ljust(size, bytes([JUNK_BYTE]))[:size]

    def unpack(self, frames: list[bytes]) -> np.ndarray:
        """int64 (n, fields) of output frames, each of ``out_bytes`` bytes."""
        size = self.output["element_bytes"]
        shape = (len(frames), self.out_bytes // size, size)
        octets = np.frombuffer(b"".join(frames), np.uint8).reshape(shape)
        values = octets.astype(np.int64) @ (np.int64(1) << 8 * np.arange(size, dtype=np.int64))
        if self.output["signed"]:
            half = 1 << (8 * size - 1)
            values = (values ^ half) - half
        if self.output.get("bipolar"):
            values = 2 * values - 1
        return values[:, self._slots()]

    def _slots(self) -> list[int]:
        slots, begin = [], 0
        for field, beats in zip(self.fields, self.field_beats, strict=True):
            slots += range(begin, begin + field["count"])
            begin += beats * self.output["lanes"]
        return slots

    def place(self, column: int) -> tuple[str, int]:
        """The node and the index in it of column ``column`` of the scores array."""
        for field in self.fields:
            if column < field["count"]:
                return field["node"], column
            column -= field["count"]
        raise IndexError(f"column {column} is beyond the output fields")


class Frames:
    """Input frames and what must come out for each: ``expected`` int64 (n, fields)."""

    def __init__(self, vectors, layout: Layout, mode: str, limit: int):
        prefix = "wrong_" if mode == "length" else ""
        with np.load(vectors, allow_pickle=False) as arrays:
            keep = slice(limit or None)
            keys = {"scores": "scores", "class": "classes"}
            columns = [arrays[prefix + keys[field["name"]]][keep] for field in layout.fields]
            self.expected = np.concatenate([c.reshape(len(c), -1) for c in columns], axis=1)
            x = arrays[prefix + "x"][keep]
            edge = f"{prefix}edge_"
            self.edges = {key.removeprefix(edge): arrays[key][keep]
                          for key in arrays.files if key.startswith(edge)}
            beats = arrays["wrong_beats"][keep] if prefix else [layout.in_beats] * len(x)
            self.loads = self._loads(arrays, mode, keep) if layout.weights else []
        self.any_wrong = any(int(count) != layout.in_beats for count in beats)
        packed = layout.pack(x.reshape(len(x), -1))
        self.data = [layout.beats(data, int(count)) if int(count) != layout.in_beats else data
                     for data, count in zip(packed, beats, strict=True)]

    def _loads(self, arrays, mode: str, keep) -> list["Load"]:
        """Sets of weights in the order in which they are loaded, each before some frame."""
        sets, sent_with = arrays["weights"].astype("<u4"), arrays["weights_of"][keep].tolist()
        if mode != "length":
            changes = [0] + [k for k in range(1, len(sent_with))
                             if sent_with[k] != sent_with[k - 1]]
            return [Load(index, sets[sent_with[index]].tobytes(), True) for index in changes]
        whole = sets[0].tobytes()
        wrong = [whole + whole[:4], whole + whole, *([whole[:-4]] if len(whole) > 4 else [])]
        return [*(Load(0, data, False) for data in wrong), Load(0, whole, True)]

    def __len__(self):
        return len(self.data)


class Load(NamedTuple):
    """A set of weights that is loaded once ``before`` frames have gone in.

    One that is not ``sound`` is of a wrong length, and must be refused.
    """

    before: int
    data: bytes
    sound: bool


class Stalls:
    """When each side holds still; the same seed gives the same cycles on every simulator."""

    def __init__(self, kind: str, seed: int, longest: int):
        if kind not in STALLS:
            raise ValueError(f"stalls must be one of {list(STALLS)}, not {kind!r}")
        self.longest = longest
        runs = self._bursts if kind == "random" else self._coins
        self.input = runs(f"input {seed}") if kind in ("input", "both", "random") else None
        self.output = runs(f"output {seed}") if kind in ("output", "both", "random") else None
        self.weights = runs(f"weights {seed}") if kind in ("input", "both", "random") else None

    def _coins(self, seed: str):
        """Runs of a fair coin thrown each cycle, as (free, stalled) cycles."""
        draw = random.Random(seed)
        while True:
            yield tuple(1 + next(k for k in range(64) if draw.random() < 0.5 or k == 63)
                        for _ in range(2))

    def _bursts(self, seed: str):
        """Short runs, and now and then a stall long enough to fill every queue."""
        draw = random.Random(seed)
        while True:
            longest = self.longest if draw.random() < 1 / 64 else 16
            yield draw.randint(1, 16), draw.randint(1, longest)
