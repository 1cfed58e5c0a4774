"""What the bench expects: byte layouts, frames, stall patterns and the watch on inner streams."""

import random
from itertools import islice

import numpy as np
from cocotb.triggers import RisingEdge, Timer

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
        self.out_bytes = self.out_beats * lanes * self.output["element_bytes"]
        self.busy_cycles = manifest["interval_cycles"] + (manifest.get("latency_cycles") or 0)

    def pack(self, values: np.ndarray) -> list[bytes]:
        """The bytes of each row of ``values`` (n, elements)."""
        codes = (values + 1) >> 1 if self.input.get("bipolar") else values
        wide = np.ascontiguousarray(codes.astype("<i8")).view(np.uint8)
        size = self.input["element_bytes"]
        rows = wide.reshape(*values.shape, 8)[:, :, :size]
        return [row.tobytes() for row in rows]

    def beats(self, data: bytes, count: int) -> bytes:
        """``data`` cut to ``count`` beats, or filled up with junk."""
        size = count * self.input["lanes"] * self.input["element_bytes"]
        full = self.in_beats * self.input["lanes"] * self.input["element_bytes"]
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
        self.any_wrong = any(int(count) != layout.in_beats for count in beats)
        packed = layout.pack(x.reshape(len(x), -1))
        self.data = [layout.beats(data, int(count)) if int(count) != layout.in_beats else data
                     for data, count in zip(packed, beats, strict=True)]

    def __len__(self):
        return len(self.data)


class Stalls:
    """When each side holds still; the same seed gives the same cycles on every simulator."""

    def __init__(self, kind: str, seed: int, longest: int):
        if kind not in STALLS:
            raise ValueError(f"stalls must be one of {list(STALLS)}, not {kind!r}")
        self.longest = longest
        runs = self._bursts if kind == "random" else self._coins
        self.input = runs(f"input {seed}") if kind in ("input", "both", "random") else None
        self.output = runs(f"output {seed}") if kind in ("output", "both", "random") else None

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


async def hold(model, runs, period_ns: int):
    """Pause and free a bus model for the cycles that ``runs`` gives; wakes once a run."""
    await Timer(period_ns // 2 + 1, "ns")
    for free, stalled in runs:
        await Timer(free * period_ns, "ns")
        model.pause = True
        await Timer(stalled * period_ns, "ns")
        model.pause = False


class Trace:
    """Records what passes on the streams between the stages."""

    def __init__(self, dut, probes: list[dict], clock):
        self.clock = clock
        self.probes = probes
        self.handles = [self._handles(dut, probe) for probe in probes]
        self.clear()

    @staticmethod
    def _handles(dut, probe):
        scope = dut
        for name in probe["path"].split("."):
            scope = scope[name]
        signals = probe.get("signals") or {
            part: f"{probe['port']}__{part}" for part in ("payload", "valid", "ready")}
        return tuple(scope[signals[part]] for part in ("payload", "valid", "ready"))

    def clear(self):
        """Forget everything, as after a reset."""
        self.done = [[] for _ in self.probes]
        self.open = [[] for _ in self.probes]

    async def watch(self):
        """Runs for ever: one look at every stream each cycle."""
        edge = RisingEdge(self.clock)
        while True:
            await edge
            for index, (payload, valid, ready) in enumerate(self.handles):
                if valid.value and ready.value:
                    self._beat(index, int(payload.value))

    def _beat(self, index, word):
        probe = self.probes[index]
        bits, lanes = probe["element_bits"], probe["lanes"]
        mask = (1 << bits) - 1
        self.open[index] += [_value((word >> k * bits) & mask, probe) for k in range(lanes)]
        if word >> lanes * bits & 1:
            self.done[index].append(self.open[index])
            self.open[index] = []

    def frames(self) -> dict[str, int]:
        """Whole frames seen at each node."""
        return {probe["node"]: len(seen)
                for probe, seen in zip(self.probes, self.done, strict=True)}

    def first_mismatch(self, frames: Frames) -> dict | None:
        """The earliest image that differs, and in it the first node; None if all agree."""
        found = [hit for order, probe in enumerate(self.probes)
                 if probe["node"] in frames.edges
                 for hit in islice(self._differences(order, frames.edges[probe["node"]]), 1)]
        return min(found, key=lambda hit: hit["image"], default=None)

    def _differences(self, order, expected):
        probe = self.probes[order]
        for image, (seen, right) in enumerate(zip(self.done[order], expected, strict=False)):
            for index, value in enumerate(right.reshape(-1).tolist()):
                got = seen[index] if index < len(seen) else None
                if got != value:
                    yield {"node": probe["node"], "image": image, "index": index,
                           "expected": value, "found": got}
                    break


def _value(code: int, probe: dict) -> int:
    if probe["values"] is not None:
        return probe["values"][code]
    if probe["signed"] and code >> (probe["element_bits"] - 1):
        return code - (1 << probe["element_bits"])
    return code
