"""The host of an EIE engine: words against a second reading, storage, and all that is refused."""

from dataclasses import replace

import numpy as np
import pytest
from cases.eie import host_of, layers_of, results_of, spec_of, vectors_of
from cases.errors import refused

from hwgen.host.eie import EieHost
from hwgen.host.eie_columns import shares_of
from hwgen.host.eie_layer import SparseLayer
from hwgen.host.eie_parameters import parameters_of
from hwgen.numeric import Fixed, SpecError
from hwgen.plan.stages.sparse_storage import Columns

SPECS = {
    "plain": spec_of(4, 2),
    "padding": spec_of(3, 3, index_bits=1, x=Fixed(6), weights=Fixed(5)),
    "coded": spec_of(2, 1, huffman=True, code_bits=3),
    "delta": spec_of(2, 2, delta=True, rows=32),
}


def network(rng, spec, **more):
    return layers_of(rng, spec, (11, 13, 9, 5), density=0.3, **more)


@pytest.mark.parametrize("name", SPECS)
def test_parameters_are_those_of_the_hardware_in_its_order(name):
    assert parameters_of(host_of(SPECS[name]).sizes) == SPECS[name].parameters


@pytest.mark.parametrize("name", SPECS)
def test_layers_come_back_from_their_words(rng, name):
    spec, host = SPECS[name], host_of(SPECS[name])
    layers = [replace(layer, threshold=k if spec.delta else 0)
              for k, layer in enumerate(network(rng, spec))]
    program = host.program(layers, huffman=spec.huffman)
    assert (program.coded_bits is not None) == spec.huffman
    for read, layer in zip(host.read(program.words), layers, strict=True):
        rows = np.zeros_like(read.weights)
        rows[:layer.n_out, :layer.n_in] = layer.weights
        np.testing.assert_array_equal(read.weights, rows)
        np.testing.assert_array_equal(read.bias[:layer.n_out], layer.bias)
        for what in ("shift", "low", "high", "threshold"):
            assert getattr(read, what) == getattr(layer, what)


def test_more_entries_than_a_block_has_take_several(rng):
    spec = spec_of(1, 1, vector=300, rows=280, columns=1024, entries=1 << 17, biases=512,
                   huffman=True)
    layers = layers_of(rng, spec, (260, 280, 3), density=0.95)
    for huffman, kind in ((False, 5), (True, 6)):
        program = host_of(spec).program(layers, huffman=huffman)
        assert program.entries > 1 << 16
        heads = np.frombuffer(program.words, "<u4")
        heads = heads[heads >> 16 == 0xE1E0]
        assert [int(head) >> 4 & 15 for head in heads if head & 15 == kind][:2] == [0, 1]
        for read, layer in zip(host_of(spec).read(program.words), layers, strict=True):
            np.testing.assert_array_equal(read.weights[:layer.n_out], layer.weights)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_entries_are_those_of_the_sparse_stage(rng, bits):
    """Element by element: columns, padding, runs; the stage counts them by other means."""
    weights = rng.integers(-3, 4, (37, 10)) * (rng.random((37, 10)) < 0.15)
    layer = SparseLayer("fc", weights, np.zeros(37, int), 0, -9, 9)
    columns = Columns.of(weights, 4, bits)
    for k, share in enumerate(shares_of(layer, pe=4, code_bits=4, index_bits=bits)):
        nonzero, runs = columns.entries_of(k)
        np.testing.assert_array_equal(share.counts, columns.counts[k])
        np.testing.assert_array_equal(share.runs, runs)
        assert share.padding == (nonzero < 0).sum()
        stored = weights[columns.rows, columns.columns]
        np.testing.assert_array_equal(share.codebook[share.codes],
                                      np.where(nonzero < 0, 0, stored[nonzero]))


def test_huffman_codes_are_as_short_as_their_lengths_say(rng):
    spec = spec_of(2, 1, huffman=True)
    program = host_of(spec).program(network(rng, spec), huffman=True)
    bits = 0
    for layer in program.shares:
        for what in ("codes", "runs"):
            symbols = np.concatenate([getattr(share, what) for share in layer])
            shares = np.bincount(symbols) / len(symbols)
            shares = shares[shares > 0]
            entropy = -(shares * np.log2(shares)).sum() * len(symbols)
            bits += entropy
    assert bits <= program.coded_bits <= bits + 2 * program.entries


def echo(spec, layers):
    """An engine of numpy behind ``exchange``."""
    host = host_of(spec)

    def exchange(words, frames):
        read = host.read(words)
        size = len(frames[0]) // -(-layers[0].n_in // spec.lanes) // spec.lanes
        x = np.array([[int.from_bytes(frame[k:k + size], "little", signed=spec.x.is_signed)
                       for k in range(0, len(frame), size)] for frame in frames])
        wide = -(-spec.accumulator_bits // 8)
        return [b"".join(int(value).to_bytes(wide, "little", signed=True) for value in row)
                for row in results_of(read, x)], False
    return exchange


@pytest.mark.parametrize("name", SPECS)
def test_vectors_go_through(rng, name):
    spec, host = SPECS[name], host_of(SPECS[name])
    layers = network(rng, spec)
    x = vectors_of(rng, spec, 4, 11)
    found = host.run(host.program(layers).words, x, 5, echo(spec, layers))
    np.testing.assert_array_equal(found, results_of(layers, x))


def test_an_error_that_the_engine_tells_reaches_the_caller(rng):
    spec = SPECS["plain"]
    layers, host = network(rng, spec), host_of(spec)
    x = vectors_of(rng, spec, 1, 11)
    with refused(RuntimeError, "the engine told an error: weights or vectors came damaged; load the"
                               " weights again"):
        host.run(host.program(layers).words, x, 5,
                 lambda words, frames: (echo(spec, layers)(words, frames)[0], True))


def changed(words, at, value):
    numbers = np.frombuffer(words, "<u4").copy()
    numbers[at] = value
    return numbers.tobytes()


def blocks(words):
    """``(kind, unit)`` -> where its numbers begin."""
    numbers = np.frombuffer(words, "<u4")
    return {(int(word) & 15, int(word) >> 8 & 255): k + 2 for k, word in enumerate(numbers)
            if word >> 16 == 0xE1E0}


@pytest.mark.parametrize(("memory", "more", "value", "rule"), [
    ((1, 0), -2, 0x12345678, "word 0: a block must begin with 0xe1e0 in its upper half, not"
                             " 0x12345678"),
    ((1, 0), -2, 0xE1E0000F, "word 0: kind must be one that the engine has, not 15"),
    ((1, 0), -2, 0xE1E00006, "word 0: kind must be one that the engine has, not coded"),
    ((1, 0), -2, 0xE1E00901, "word 0: layers must be in 9 memories of 4 rows, not in rows 0..2 of"
                             " memory 9"),
    ((1, 0), 0, 16, "layer 0: in_beats (unit 0) must be in 1..16, not 17"),
    ((1, 2), 0, 4, "layer 0: rows (unit 2) must be in 1..4, not 5"),
    ((1, 0), -2, 0xE1E00051, "word 0: layers must be in 9 memories of 4 rows, not in rows"
                             " 327680..327682 of memory 0"),
    ((1, 8), 2, 0, "weights must have a layer that is the last, none is"),
    ((4, 1), 0, 0xFFFF, "element 1, layer 0, column 0: must begin and end in 0..128, in this order,"
                        " not at 255 and 255"),
    ((5, 2), 0, 0xFF, "element 2, layer 0, column 0: rows must be below 4, not 15"),
    ((2, 0), -1, 0x00050001, "element 0, layer 2, column 0: value of code 2 must be loaded"),
])
def test_damaged_words_are_refused_before_they_are_sent(memory, more, value, rule):
    spec = spec_of(4, 2, rows=4)
    layers = network(np.random.default_rng(1), spec)
    layers[0].weights.setflags(write=True)
    layers[0].weights[:8, 0] = 1, 2, 5, 1, 1, 2, 5, -7
    words = host_of(spec).program(layers).words
    words = changed(words, blocks(words)[memory] + more, value)
    with refused(SpecError, rule):
        host_of(spec).run(words, np.zeros((1, 11), int), 5, lambda words, frames: 1 / 0)


@pytest.mark.parametrize(("delta", "unit", "layer", "value", "rule"), [
    (0, 0, 1, 9, "layer 1: in_beats (unit 0) must be 7, which layer 0 sends, not 10"),
    (0, 0, 0, 31, "layer 0: in_beats (unit 0) must be in 1..16, not 32"),
    (0, 1, 0, 5, "layer 0: out_beats (unit 1) must be in 7..8 as rows are 4, not 6"),
    (0, 1, 0, 8, "layer 0: out_beats (unit 1) must be in 7..8 as rows are 4, not 9"),
    (0, 1, 1, 0, "layer 1: out_beats (unit 1) must be in 5..6 as rows are 3, not 1"),
    (0, 1, 0, 7, "layer 1: in_beats (unit 0) must be 8, which layer 0 sends, not 7"),
    (0, 1, 2, 2, "layer 2: entries must be of outputs below 6, as out_beats are 3, not of 6"),
    (0, 2, 0, 2, "layer 0: out_beats (unit 1) must be in 5..6 as rows are 3, not 7"),
    (0, 2, 0, 4, "layer 0: rows (unit 2) must be in 1..4, not 5"),
    (0, 3, 2, 54, "layer 2: column (unit 3) must be in 0..53 as columns are 10, not 54"),
    (0, 4, 2, 29, "layer 2: bias (unit 4) must be in 0..28 as out_beats are 4, not 29"),
    (0, 5, 0, 24, "layer 0: shift (unit 5) must be in 0..23, not 24"),
    (0, 6, 1, -1, "layer 1: low (unit 6) must be in 0..255 as activations are, not -1"),
    (0, 6, 0, 256, "layer 0: low (unit 6) must be in 0..255 as activations are, not 256"),
    (0, 7, 0, 256, "layer 0: high (unit 7) must be in 0..255 as low is 0, not 256"),
    (0, 7, 2, -8388609, "layer 2: high (unit 7) must be in -8388608..8388607 as low is -8388608,"
                        " not -8388609"),
    (0, 8, 1, 1, "layer 1: last (unit 8) must be 0, as layer 2 follows it, not 1"),
    (0, 8, 2, 2, "layer 2: last (unit 8) must be in 0..1, not 2"),
    (1, 9, 1, 3, "layer 1: accumulator (unit 9) must be apart from 0..3, which are layer 0's, not"
                 " 3"),
    (1, 9, 2, 15, "layer 2: accumulator (unit 9) must be in 0..14 as rows are 2, not 15"),
    (1, 10, 1, 5, "layer 1: reference (unit 10) must be apart from 0..5, which are layer 0's, not"
                  " 5"),
    (1, 10, 2, 28, "layer 2: reference (unit 10) must be in 0..27 as in_beats are 5, not 28"),
    (1, 11, 0, 256, "layer 0: threshold (unit 11) must be in 0..255, not 256"),
])
def test_parameters_must_agree(delta, unit, layer, value, rule):
    """A sound frame with one number changed, each in the range of its memory."""
    spec = spec_of(4, 2, rows=16 if delta else 4, delta=bool(delta))
    layers = layers_of(np.random.default_rng(2), spec, (11, 13, 9, 7), density=1)
    words = host_of(spec).program(layers).words
    words = changed(words, blocks(words)[1, unit] + layer, value & 0xFFFFFFFF)
    with refused(SpecError, rule):
        host_of(spec).run(words, np.zeros((1, 11), int), 7, lambda words, frames: 1 / 0)


def test_words_must_be_whole(rng):
    spec = spec_of(4, 2)
    words = host_of(spec).program(network(rng, spec)).words
    with refused(SpecError, f"weights must be whole words of 4 bytes, not {len(words) - 1} bytes"):
        host_of(spec).read(words[:-1])
    with refused(SpecError, f"word {len(words) // 4 - 1}: must be numbers of a block, but weights"
                            " end"):
        host_of(spec).read(words[:-4])


ONE = SparseLayer("fc", np.ones((4, 6), int), np.zeros(4, int), 0, -99, 99)


@pytest.mark.parametrize(("layers", "rule"), [
    ([], "engine 'eie': layers must be 1..4, not 0"),
    ([replace(ONE, weights=np.ones((4, 33), int))],
     "layer 'fc': vector must be at most 32, not 33"),
    ([replace(ONE, weights=np.ones((9, 6), int), bias=np.zeros(9, int))],
     "layer 'fc': rows must be at most 4, not 5"),
    ([replace(ONE, weights=np.full((4, 6), 128))],
     "layer 'fc': weights must be in -128..127, not in 128..128"),
    ([replace(ONE, weights=np.arange(24).reshape(4, 6))],
     "layer 'fc': weights must have at most 16 values, 0 among them where a run of zeros is too"
     " long for 4 bits, not 23; share weights among fewer values"),
    ([replace(ONE, bias=np.full(4, 1 << 23))],
     "layer 'fc': biases must be in -8388608..8388607, not in 8388608..8388608"),
    ([replace(ONE, bias=np.full(4, 8388600))],
     "layer 'fc': sums must fit s24.0, not run from 8388600 to 8390130"),
    ([replace(ONE, shift=24)], "layer 'fc': shift must be below 24, not 24"),
    ([replace(ONE, threshold=1)],
     "layer 'fc': threshold must be 0, as the engine sends all, not 1"),
    ([ONE, ONE], "layer 'fc': low and high must be in 0..255, not in -99..99"),
    ([replace(ONE, low=0), ONE], "layer 'fc': must have 4 inputs, which 'fc' sends, not 6"),
], ids=str)
def test_layers_without_a_place_are_refused(layers, rule):
    spec = spec_of(2, 2, rows=4, columns=32)
    found = rule
    if "sums must fit" in rule:
        found = rule.replace("s24.0", str(spec.accumulator))
    with refused(SpecError, found):
        host_of(spec).program(layers)


@pytest.mark.parametrize(("sizes", "rule"), [
    ({"columns": 6}, "engine 'eie': columns of all layers must be at most 6, not 7"),
    ({"biases": 1}, "engine 'eie': biases of all layers must be at most 1, not 2"),
    ({"entries": 11}, "engine 'eie': entries of element 0 must be at most 11, not 12: [12] of"
                      " ['fc']")])
def test_all_layers_together_need_room(sizes, rule):
    with refused(SpecError, rule):
        host_of(spec_of(2, 2, **sizes)).program([ONE])


def test_a_threshold_beyond_what_activations_can_move_is_refused():
    with refused(SpecError, "layer 'fc': threshold must be at most 255, by which activations can"
                            " move, not 256"):
        host_of(spec_of(2, 2, delta=True)).program([replace(ONE, threshold=256)])


def test_codes_that_the_engine_cannot_decode_are_refused():
    with refused(SpecError, "engine 'eie': entries must be plain, as it decodes no Huffman codes"):
        host_of(spec_of(2, 2)).program([ONE], huffman=True)


@pytest.mark.parametrize(("change", "error", "rule"), [
    ({"weights": np.ones(3, int)}, SpecError,
     "layer 'fc': weights must be a non-empty (n_out, n_in), not (3,)"),
    ({"bias": np.zeros(3, int)}, SpecError, "layer 'fc': bias must be of shape (4,), not (3,)"),
    ({"low": 100}, SpecError, "layer 'fc': low and high must ascend, not be 100 and 99"),
    ({"shift": -1}, SpecError,
     "layer 'fc': shift and threshold must be at least 0, not -1 and 0"),
    ({"weights": np.ones((4, 6))}, TypeError, "layer 'fc': weights must be integers, not float64"),
], ids=str)
def test_a_layer_must_be_one(change, error, rule):
    with refused(error, rule):
        replace(ONE, **change)


@pytest.mark.parametrize(("x", "rule"), [
    (np.zeros(6, int), "x must be of shape (n, n_in), not (6,)"),
    (np.full((1, 6), 256), "x must be in 0..255, not in 256..256"),
    (np.zeros((1, 4), int), "x must be 6 elements, less at most 1, not 4")], ids=str)
def test_vectors_must_fit(x, rule):
    host = host_of(spec_of(2, 2))
    with refused(SpecError, rule):
        host.run(host.program([ONE]).words, x, 4, lambda words, frames: 1 / 0)


def test_results_must_be_of_the_last_layer():
    host = host_of(spec_of(2, 2))
    with refused(SpecError, "results must be 4 elements, less at most 1, not 6"):
        host.run(host.program([ONE]).words, np.zeros((1, 6), int), 6, lambda *_: 1 / 0)
    with refused(SpecError, "frame 1 of results must be 12 bytes, not 9"):
        host.results([bytes(12), bytes(9)], 4)


@pytest.mark.parametrize(("entry", "rule"), [
    ({}, "engine must be 'eie', not None"),
    ({"engine": "eie", "pe": 1}, "engine 'eie': must have the entry 'lanes'")])
def test_a_manifest_of_another_kind_is_refused(entry, rule):
    with refused(SpecError, rule):
        EieHost.from_manifest(entry)
