"""What is derived of an EIE engine: widths, memories, queues; and what is refused."""

import json

import pytest
from cases.eie import spec_of
from cases.errors import refused

from hwgen.numeric import Fixed, SpecError
from hwgen.plan.engines import ENGINES, EieSpec
from hwgen.plan.engines.eie_stream import ADDRESS_BITS, Kind, blocks_of
from hwgen.plan.engines.eie_timing import HIT_CYCLES


def test_engine_is_in_the_table():
    assert ENGINES["eie"] is EieSpec


def test_memories_are_as_wide_as_what_they_hold():
    spec = spec_of(8, 4, rows=16, vector=128, columns=300, entries=1000, code_bits=6, index_bits=5,
                   biases=40, layers=3, weights=Fixed(10), accumulator_bits=26, x=Fixed(9))
    assert spec.memory_bits == {
        "entries": 8 * 11 * 1024, "pointers": 8 * 10 * 512, "codebooks": 8 * 10 * 256,
        "biases": 4 * 26 * 64, "layers": (5 + 5 + 4 + 9 + 6 + 5 + 26 + 26 + 1) * 4,
        "accumulators": 8 * 26 * 16, "activations": 2 * 4 * 9 * 32}
    delta = spec_of(8, 4, delta=True, columns=100)
    assert delta.memory_bits["references"] == 4 * 8 * 32
    assert (delta.sent, spec.sent) == (Fixed(9), Fixed(9))
    assert (spec.groups, spec.out_beats, spec.x_bytes, spec.result_bytes) == (2, 32, 8, 16)


@pytest.mark.parametrize("depth", [1, 2, 7, 8, 9, 64])
def test_queues_hold_what_is_under_way_when_they_are_full(depth):
    """``depth - 1`` may wait when a column is sent, ``HIT_CYCLES`` + 1 more are not seen yet."""
    assert spec_of(2, 1, queue_depth=depth).queue_rows >= depth + HIT_CYCLES + 1


def test_blocks_fit_words_and_addresses():
    for more in ({}, {"huffman": True}, {"delta": True}):
        for kind, block in blocks_of(spec_of(4, 2, **more)).items():
            assert block.width <= 32
            assert block.depth <= 1 << ADDRESS_BITS
            assert kind != Kind.NOTHING
    assert Kind.CODED not in blocks_of(spec_of(4, 2))


def test_dictionary_is_json():
    entry = spec_of(4, 2).to_dict()
    assert json.loads(json.dumps(entry)) == entry
    assert entry["engine"] == "eie"


@pytest.mark.parametrize(("more", "rule"), [
    ({"pe": 0}, "pe must be in 1..256, not 0"), ({"pe": 257}, "pe must be in 1..256, not 257"),
    ({"lanes": 3}, "lanes must divide pe, 4, not be 3"),
    ({"code_bits": 9}, "code_bits must be in 1..8, not 9"),
    ({"accumulator_bits": 33}, "accumulator_bits must be in 8..32, not 33"),
    ({"entries": 2**20 + 1}, "entries must be in 1..1048576, not 1048577"),
    ({"columns": 65537}, "columns must be in 1..65536, not 65537"),
    ({"columns": 2}, "columns must be more than lanes, 2, which the smallest layer takes and one"
                     " more, not 2"),
    ({"x": Fixed(18)}, "x must have at most 17 bits, not 18"),
    ({"weights": Fixed(19)}, "weights must have at most 18 bits, not 19")], ids=str)
def test_sizes_out_of_range_are_refused(more, rule):
    with refused(SpecError, f"engine 'eie': {rule}"):
        EieSpec(**{"pe": 4, "lanes": 2} | more)


@pytest.mark.parametrize(("more", "rule"), [
    ({"x": 8}, "x must be Fixed, not 8"), ({"huffman": 1}, "huffman must be a bool, not 1")],
    ids=str)
def test_what_is_none_is_refused(more, rule):
    with refused(TypeError, f"engine 'eie': {rule}"):
        EieSpec(**{"pe": 4, "lanes": 2} | more)
