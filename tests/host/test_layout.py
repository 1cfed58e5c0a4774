import re

import numpy as np
import pytest

from hwgen.host.layout import Layout
from hwgen.numeric.errors import SpecError


def make(*, elements=3, lanes=1, element_bytes=1, low=-4, high=3, out_bytes=2, out_lanes=1,
         signed=True, fields=(("scores", 2), ("class", 1)), in_bipolar=False, out_bipolar=False):
    return {
        "name": "net", "digest": "ab" * 32,
        "input": {"lanes": lanes, "element_bytes": element_bytes, "elements": elements,
                  "min": low, "max": high, "bipolar": in_bipolar},
        "output": {"lanes": out_lanes, "element_bytes": out_bytes, "signed": signed,
                   "bipolar": out_bipolar,
                   "fields": [{"name": name, "count": count} for name, count in fields]},
    }


def test_sizes_are_whole_beats():
    layout = Layout.from_manifest(make(elements=5, lanes=4, element_bytes=2, out_lanes=2))
    assert (layout.in_bytes, layout.out_bytes) == (16, 8)
    scores, classes = layout.decode([b"\x01\x00\x02\x00\x03\x00\x09\x00"])
    assert scores.tolist() == [[1, 2]]
    assert classes.tolist() == [3]


def test_class_begins_a_beat_of_its_own():
    layout = Layout.from_manifest(make(out_bytes=1, out_lanes=2, fields=[("scores", 3),
                                                                         ("class", 1)]))
    assert layout.out_bytes == 6
    scores, classes = layout.decode([b"\x01\x02\x03\x77\x04\x77"])
    assert scores.tolist() == [[1, 2, 3]]
    assert classes.tolist() == [4]
    assert layout.digest == b"\xab" * 8


@pytest.mark.parametrize(("lanes", "frame"), [(1, "0102030405"), (2, "010203770405")])
def test_the_best_classes_are_a_row_each(lanes, frame):
    layout = Layout.from_manifest(make(out_bytes=1, out_lanes=lanes,
                                       fields=[("scores", 3), ("class", 2)]))
    scores, classes = layout.decode([bytes.fromhex(frame)] * 2)
    assert scores.tolist() == [[1, 2, 3]] * 2
    assert classes.tolist() == [[4, 5]] * 2
    assert layout.decode([])[1].shape == (0, 2)


def test_elements_are_little_endian_and_padded():
    layout = Layout.from_manifest(make(lanes=2, element_bytes=2, low=-300, high=300))
    payloads = layout.encode(np.array([[1, -2, 258]]))
    assert [p.hex(" ") for p in payloads] == ["01 00 fe ff 02 01 00 00"]


def test_image_shaped_input_is_flattened_in_order():
    layout = Layout.from_manifest(make(elements=4, low=0, high=255))
    assert layout.encode(np.array([[[1, 2], [3, 255]]])) == [b"\x01\x02\x03\xff"]


def test_answers_are_signed_scores_and_a_class():
    layout = Layout.from_manifest(make())
    scores, classes = layout.decode([b"\xff\xff\x00\x80\x01\x00", b"\x01\x00\xff\x7f\x00\x00"])
    assert scores.tolist() == [[-1, -32768], [1, 32767]]
    assert classes.tolist() == [1, 0]
    assert scores.dtype == classes.dtype == np.int64


def test_unsigned_answers_without_class():
    layout = Layout.from_manifest(make(signed=False, fields=[("scores", 2)]))
    scores, classes = layout.decode([b"\xff\xff\x00\x80"])
    assert scores.tolist() == [[65535, 32768]]
    assert classes is None


def test_bipolar_values_travel_as_bits():
    layout = Layout.from_manifest(make(low=-1, high=1, in_bipolar=True, out_bytes=1, signed=False,
                                       out_bipolar=True))
    assert layout.encode(np.array([[-1, 1, -1]])) == [b"\x00\x01\x00"]
    scores, classes = layout.decode([b"\x00\x01\x01"])
    assert scores.tolist() == [[-1, 1]]
    assert classes.tolist() == [1]
    with pytest.raises(SpecError, match=r"^x must be -1 or \+1, not 0$"):
        layout.encode(np.array([[-1, 0, 1]]))


def test_no_vectors_give_no_answers():
    layout = Layout.from_manifest(make())
    assert layout.encode(np.zeros((0, 3), int)) == []
    scores, classes = layout.decode([])
    assert (scores.shape, classes.shape) == ((0, 2), (0,))


@pytest.mark.parametrize(("x", "error", "message"), [
    (np.zeros((2, 3)), TypeError, "x must be an array of integers, not of float64"),
    (np.zeros((2, 4), int), SpecError, "x must be of shape (n, 3), not (2, 4)"),
    (np.zeros(3, int), SpecError, "x must be of shape (n, 3), not (3,)"),
    (np.array([[0, 4, 0]]), SpecError, "x must be in -4..3, not 4"),
])
def test_wrong_input_is_refused(x, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        Layout.from_manifest(make()).encode(x)


def test_manifest_without_an_entry_is_refused():
    manifest = make()
    del manifest["input"]["lanes"]
    with pytest.raises(SpecError, match="^manifest: must have the entry 'lanes'$"):
        Layout.from_manifest(manifest)
