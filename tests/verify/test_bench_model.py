"""The bench's own arithmetic, without a simulator."""

from itertools import islice

import numpy as np
import pytest

from hwgen.tb.bench_model import Frames, Layout, Stalls
from hwgen.tb.bench_watch import Trace

MANIFEST = {
    "input": {"port": "s_axis", "lanes": 2, "element_bytes": 2, "elements": 3, "signed": True,
              "bipolar": False},
    "output": {"port": "m_axis", "lanes": 2, "element_bytes": 3, "signed": True, "bipolar": False,
               "fields": [{"name": "scores", "node": "fc2", "count": 3},
                          {"name": "class", "node": "argmax", "count": 1}]},
    "interval_cycles": 10, "latency_cycles": 5,
}


def changed(side, **entries):
    return MANIFEST | {side: MANIFEST[side] | entries}


def test_elements_are_little_endian_and_fill_whole_beats():
    layout = Layout(MANIFEST)
    assert (layout.in_beats, layout.out_beats, layout.out_bytes) == (2, 3, 18)
    assert layout.busy_cycles == 15
    [data] = layout.pack(np.array([[1, -2, 0x1234]]))
    assert data == bytes.fromhex("0100feff3412")
    assert layout.beats(data, 1) == data[:4]
    assert layout.beats(data, 3) == data + b"\0\0" + b"\xa5" * 4


def test_signs_travel_as_bits():
    [data] = Layout(changed("input", element_bytes=1, bipolar=True)).pack(np.array([[1, -1, 1]]))
    assert data == b"\1\0\1"
    layout = Layout(changed("output", element_bytes=1, signed=False, bipolar=True))
    assert layout.unpack([bytes([0, 1, 0, 9, 1, 9])]).tolist() == [[-1, 1, -1, 1]]


def test_each_output_field_begins_on_a_beat():
    layout = Layout(MANIFEST)
    elements = [-1, 2**23 - 1, -2**23, 99, 2, 99]
    frame = b"".join(value.to_bytes(3, "little", signed=True) for value in elements)
    assert layout.unpack([frame]).tolist() == [[-1, 2**23 - 1, -2**23, 2]]
    assert layout.unpack([]).shape == (0, 4)
    unsigned = Layout(changed("output", signed=False))
    assert unsigned.unpack([frame]).tolist() == [[2**24 - 1, 2**23 - 1, 2**23, 2]]


def test_columns_of_the_scores_have_a_node_and_an_index():
    layout = Layout(MANIFEST)
    assert [layout.place(k) for k in (0, 2, 3)] == [("fc2", 0), ("fc2", 2), ("argmax", 0)]
    with pytest.raises(IndexError, match=r"^column 0 is beyond the output fields$"):
        layout.place(4)


def test_the_best_classes_are_one_field(tmp_path):
    fields = [MANIFEST["output"]["fields"][0], {"name": "class", "node": "argmax", "count": 2}]
    layout = Layout(changed("output", fields=fields, lanes=1, element_bytes=1))
    assert layout.out_bytes == 5
    assert layout.unpack([bytes([5, 255, 7, 2, 0])]).tolist() == [[5, -1, 7, 2, 0]]
    assert [layout.place(k) for k in (3, 4)] == [("argmax", 0), ("argmax", 1)]
    np.savez(tmp_path / "v.npz", x=[[5, -1, 7]], scores=[[5, -1, 7]], classes=[[2, 0]])
    frames = Frames(tmp_path / "v.npz", layout, "stream", 0)
    assert frames.expected.tolist() == [[5, -1, 7, 2, 0]]


def test_frames_of_a_wrong_length_are_known(tmp_path):
    x = np.arange(6).reshape(2, 3)
    np.savez(tmp_path / "v.npz", wrong_x=x, wrong_scores=x, wrong_classes=np.zeros(2, int),
             wrong_beats=[2, 3], wrong_edge_fc2=x, x=x, scores=x, classes=np.ones(2, int))
    layout = Layout(MANIFEST)
    frames = Frames(tmp_path / "v.npz", layout, "length", 0)
    assert frames.any_wrong
    assert [len(data) for data in frames.data] == [6, 12]
    assert list(frames.edges) == ["fc2"]
    assert not Frames(tmp_path / "v.npz", layout, "length", 1).any_wrong
    plain = Frames(tmp_path / "v.npz", layout, "stream", 1)
    assert (len(plain), plain.any_wrong, plain.edges) == (1, False, {})
    assert plain.expected.tolist() == [[0, 1, 2, 1]]


@pytest.mark.parametrize(("kind", "sides"), [
    ("none", (False, False)), ("input", (True, False)), ("output", (False, True)),
    ("both", (True, True)), ("random", (True, True))])
def test_stalls_are_on_the_sides_asked_for_and_repeat(kind, sides):
    one, same, other = (Stalls(kind, seed, 100) for seed in (1, 1, 2))
    assert (one.input is not None, one.output is not None) == sides
    for name in ("input", "output"):
        if getattr(one, name) is not None:
            runs = [list(islice(getattr(s, name), 200)) for s in (one, same, other)]
            assert runs[0] == runs[1] != runs[2]
            assert min(min(run) for run in runs[0]) == 1
            free, stalled = np.sum(runs[0], axis=0)
            assert 0.3 < free / (free + stalled) < 0.6


def test_random_stalls_now_and_then_fill_every_queue():
    runs = list(islice(Stalls("random", 0, 500).input, 1000))
    assert 100 < max(stalled for _, stalled in runs) <= 500
    assert np.median([stalled for _, stalled in runs]) < 12


def test_stalls_of_another_kind_are_refused():
    with pytest.raises(ValueError, match=r"^stalls must be one of \['none', 'input', 'output',"
                                         r" 'both', 'random'\], not 'some'$"):
        Stalls("some", 0, 1)


class Signal:
    def __init__(self, value):
        self.value = value


def trace(*probes):
    signals = {f"o__{part}": Signal(0) for part in ("payload", "valid", "ready")}
    dut = {"a": {"b": signals}}
    return Trace(dut, [{"node": "fc1", "path": "a.b", "port": "o", "element_bits": 3, "lanes": 2,
                        "signed": True, "values": None} | probe for probe in probes], None)


def beat(*codes, last, bits=3):
    return sum(code << k * bits for k, code in enumerate(codes)) | last << len(codes) * bits


def test_inner_frames_are_taken_apart():
    watch = trace({}, {"node": "bn1", "element_bits": 1, "values": [-1, 1]})
    watch._beat(0, beat(1, 7, last=0))
    watch._beat(0, beat(4, 3, last=1))
    watch._beat(1, beat(1, 0, last=1, bits=1))
    assert watch.done == [[[1, -1, -4, 3]], [[1, -1]]]
    assert watch.frames() == {"fc1": 1, "bn1": 1}
    watch.clear()
    assert watch.frames() == {"fc1": 0, "bn1": 0}


def test_first_mismatch_is_the_earliest_image_and_in_it_the_first_node():
    class Expected:
        edges = {"fc1": np.array([[1, 2], [1, 2]]), "fc2": np.array([[0, 0], [0, 0]])}

    watch = trace({}, {"node": "fc2"}, {"node": "elsewhere"})
    watch.done = [[[1, 2], [3, 2]], [[0, 0], [5, 0]], []]
    hit = {"node": "fc1", "image": 1, "index": 0, "expected": 1, "found": 3}
    assert watch.first_mismatch(Expected) == hit
    watch.done[1][0] = [0, 4]
    assert watch.first_mismatch(Expected) == {
        "node": "fc2", "image": 0, "index": 1, "expected": 0, "found": 4}
    watch.done = [[[1, 2]], [[0]], []]
    assert watch.first_mismatch(Expected)["found"] is None
    watch.done = [[[1, 2]], [[0, 0]], []]
    assert watch.first_mismatch(Expected) is None
