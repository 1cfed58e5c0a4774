# amaranth: UnusedElaboratable=no
"""The EIE engine against integers: layers on one core, cycles, stalls, resets, damaged weights."""

from dataclasses import replace

import numpy as np
import pytest
from cases.eie import (
    host_of,
    layers_of,
    results_of,
    sent_of,
    spec_of,
    timing_of,
    vectors_of,
)
from cases.errors import refused
from sim.eie_bench import STREAMS, run_engine, run_script
from sim.engine_streams import beats_of

from hwgen.host.eie_words import Words
from hwgen.numeric import Fixed
from hwgen.rtl.eie import EieEngine

S6 = Fixed(6)

ENGINES = {
    "one element, one layer": (spec_of(1, 1, queue_depth=1, rows=8), (5, 7), {}),
    "three layers, short queues": (spec_of(4, 2, queue_depth=1, rows=4), (13, 10, 7, 3), {}),
    "signed, padding, codes": (spec_of(2, 2, x=S6, weights=Fixed(5), index_bits=1, code_bits=3,
                                       huffman=True), (9, 20, 5), {"density": 0.2}),
    "nothing is a power of two": (spec_of(3, 3, x=Fixed(5, signed=False), vector=13, rows=4,
                                          entries=70, columns=40, biases=9), (11, 10, 4),
                                  {"density": 1}),
}


def prepared(rng, spec, sizes, *, vectors=3, **more):
    """Layers, their program, vectors and what must come out."""
    layers = layers_of(rng, spec, sizes, **more)
    x = vectors_of(rng, spec, vectors, sizes[0])
    return layers, host_of(spec).program(layers, huffman=spec.huffman), x, results_of(layers, x)


def beats(spec, expected):
    """Beats of results."""
    return len(expected) * -(-expected.shape[1] // spec.lanes)


@pytest.mark.parametrize("name", ENGINES)
def test_layers_take_the_cycles_that_are_stated(rng, name):
    spec, sizes, more = ENGINES[name]
    layers, program, x, expected = prepared(rng, spec, sizes, **more)
    record = run_engine(spec, program.words, host_of(spec).frames(x), beats(spec, expected))
    found = host_of(spec).results(record.frames, expected.shape[1])
    np.testing.assert_array_equal(found, expected)
    assert record.cycles == timing_of(spec, program).cycles(sent_of(layers, x), program.steps)
    assert not record.error
    assert len(np.unique(expected)) > 3


@pytest.mark.parametrize("name", ["no weight but 0", "every weight", "one dense row",
                                  "empty rows and columns", "no activation but 0"])
def test_extreme_layers_take_the_cycles_that_are_stated(rng, name):
    """More rows than elements by no multiple of them, runs longer than the index can say."""
    spec = spec_of(4, 2, rows=8, index_bits=1, entries=256)
    host, layers = host_of(spec), layers_of(rng, spec, (15, 30, 7))
    kept = {"no weight but 0": np.zeros((30, 15)), "every weight": np.ones((30, 15)),
            "one dense row": np.arange(30)[:, None] == 17 * np.ones((1, 15)),
            "empty rows and columns": np.outer(np.arange(30) % 9 == 8, np.arange(15) % 4 == 1),
            "no activation but 0": rng.random((30, 15)) < 0.3}[name].astype(np.int64)
    layers[0] = replace(layers[0], weights=rng.choice((-3, 2, 5), (30, 15)) * kept)
    x = vectors_of(rng, spec, 3, 15)
    if name == "no activation but 0":
        x[1:] = 0
    program, expected = host.program(layers), results_of(layers, x)
    assert program.padding or name not in ("one dense row", "empty rows and columns")
    record = run_engine(spec, program.words, host.frames(x), beats(spec, expected))
    np.testing.assert_array_equal(host.results(record.frames, 7), expected)
    assert record.cycles == timing_of(spec, program).cycles(sent_of(layers, x), program.steps)
    assert not record.error


def test_stalls_and_a_reset_in_the_middle(rng):
    spec, sizes, _more = ENGINES["three layers, short queues"]
    _layers, program, x, expected = prepared(rng, spec, sizes)
    record = run_engine(spec, program.words, host_of(spec).frames(x), beats(spec, expected),
                        stalls=STREAMS, reset_after=430, limit=4000)
    np.testing.assert_array_equal(
        host_of(spec).results(record.frames, expected.shape[1]), expected)


def test_weights_are_exchanged_between_vectors(rng):
    """Of other sizes, and other numbers of layers, while a vector is under way."""
    spec, host = spec_of(2, 1, rows=8), host_of(spec_of(2, 1, rows=8))
    steps, wanted = [], []
    for sizes in ((6, 5, 4), (3, 9), (8, 4, 6, 2)):
        _layers, program, x, expected = prepared(rng, spec, sizes, vectors=2)
        sent = [beat for frame in host.frames(x) for beat in beats_of(frame, spec.x_bytes)]
        steps += [program.words, ("vectors", sent, 2)]
        wanted += [None, expected]
    for answer, expected in zip(run_script(spec, steps), wanted, strict=True):
        assert (answer.loaded, answer.weights_error, answer.frame_error) == (True, False, False)
        if expected is not None:
            np.testing.assert_array_equal(
                host.results(answer.frames, expected.shape[1]), expected)


def damaged(words, spec):
    """Name -> words of a frame that must be refused as it comes, as beats."""
    sound = beats_of(words, 4)
    numbers = [word for word, _last in sound]

    def changed(at, value):
        return [(value if k == at else word, last) for k, (word, last) in enumerate(sound)]

    yield "no block begins so", changed(0, numbers[0] ^ 1 << 20)
    yield "no such kind", changed(0, numbers[0] | 15)
    yield "no such memory", changed(0, numbers[0] | 0xFF00)
    yield "beyond the memory", changed(1, numbers[1] | spec.layers)
    yield "far beyond the memory", changed(0, numbers[0] | 1 << 4)
    yield "a parameter too large", changed(2, spec.beats)
    yield "ends in a header", [(numbers[0], 1)]
    yield "ends in the second word", [*sound[:1], (numbers[1], 1)]
    yield "ends in a block", [*sound[:-2], (numbers[-2], 1)]
    yield "goes on", [*sound[:-1], (numbers[-1], 0), (0, 1)]


def test_damaged_weights_are_told_and_the_next_ones_work(rng):
    spec = spec_of(2, 1, rows=4, entries=32, columns=16, biases=16)
    host = host_of(spec)
    _layers, program, x, expected = prepared(rng, spec, (5, 6, 3), vectors=1)
    names, frames = zip(*damaged(program.words, spec), strict=True)
    vector = ("vectors", beats_of(host.frames(x)[0], spec.x_bytes), 1)
    answers = run_script(spec, [*frames, program.words, vector], after=40)
    for name, answer in zip(names, answers, strict=False):
        assert (answer.loaded, answer.weights_error) == (False, True), name
    assert [(answer.loaded, answer.weights_error) for answer in answers[-2:]] == [(True, False)] * 2
    np.testing.assert_array_equal(host.results(answers[-1].frames, 3), expected)


def inconsistent(spec, program):
    """Name -> a frame that is sound by itself, but one of whose numbers cannot be; and what fails.

    Pointers are element 0's of the first layer's five columns, and what follows them.
    """
    changes = {
        "a column ends before it begins": ("pointers", 0, 0, [9, 3, 3, 3, 3, 3], 6),
        "beyond the entries": ("pointers", 0, 0, [35, 38, 38, 38, 38, 38], 6),
        "more entries than rows": ("pointers", 0, 0, [0, 5, 5, 5, 5, 5], 6),
        "a row beyond the layer": ("entries", 1, 0, [0x40], 8),
        "no last layer": ("layers", 8, 1, [0], 32)}
    for name, change in changes.items():
        words = Words(host_of(spec).sizes, spec.weights, spec.accumulator)
        words.block(*change)
        yield name, program.words + words.frame()


def test_what_is_found_to_be_damaged_in_use_is_told_and_adds_nothing(rng):
    """Nothing hangs either, and the next weights work."""
    spec = spec_of(2, 1, rows=4, entries=36, columns=16, biases=16, layers=2)
    host = host_of(spec)
    layers = layers_of(rng, spec, (5, 6, 3), density=1)
    layers[0] = replace(layers[0], bias=np.full(6, 100), shift=0)       # nothing is clipped
    program, x = host.program(layers), np.ones((1, 5), np.int64)
    names, frames = zip(*inconsistent(spec, program), strict=True)
    vector = ("vectors", beats_of(host.frames(x)[0], spec.x_bytes), 1)
    steps = [step for frame in frames for step in (frame, vector)]
    answers = run_script(spec, [*steps, program.words, vector], after=40)
    for name, loaded, used in zip(names, answers[::2], answers[1::2], strict=False):
        assert (loaded.loaded, loaded.weights_error) == (True, False), name
        assert (used.loaded, used.weights_error, len(used.frames)) == (True, True, 1), name
    assert (answers[-1].loaded, answers[-1].weights_error) == (True, False)
    np.testing.assert_array_equal(host.results(answers[-1].frames, 3), results_of(layers, x))
    # What cannot be counts as nothing: no column of element 0, the first one of element 1.
    nothing = slice(0, None, 2), slice(None)
    for number, (rows, columns) in enumerate((nothing, nothing, nothing, (slice(1, None, 2), 0))):
        weights = layers[0].weights.copy()
        weights[rows, columns] = 0
        expected = results_of([replace(layers[0], weights=weights), layers[1]], x)
        np.testing.assert_array_equal(host.results(answers[2 * number + 1].frames, 3), expected)


def undecodable(spec):
    """Name -> a frame with bits that begin no code of its tables, and what follows them."""
    lone, none, ones = [0, 1], [0] * 16, [1] * 32
    cases = {
        "a code that no table has": (lone, lone, ones, False),
        "a run that no table has": (lone, lone, [0, *ones[1:]], False),
        "the same, and more behind it": (lone, lone, [0, 0, 0, *ones[3:]], True),
        "tables without codes": (none, none, [0] * 32, True)}
    for name, (codes, runs, bits, goes_on) in cases.items():
        words = Words(host_of(spec).sizes, spec.weights, spec.accumulator)
        for unit, lengths in enumerate((codes, runs)):
            words.block("lengths", unit, 0, lengths, spec.code_bits + 1)
            words.block("symbols", unit, 0, [1], spec.code_bits)
        words.block("coded", 0, 0, bits, 1)
        if goes_on:
            words.block("biases", 0, 0, [3, 3], spec.accumulator_bits)
        yield name, words.frame()


def test_huffman_codes_that_no_table_has_are_told_and_the_next_weights_work(rng):
    spec = spec_of(2, 1, rows=4, entries=32, columns=16, biases=16, huffman=True)
    host = host_of(spec)
    _layers, program, x, expected = prepared(rng, spec, (5, 6, 3), vectors=1)
    names, frames = zip(*undecodable(spec), strict=True)
    vector = ("vectors", beats_of(host.frames(x)[0], spec.x_bytes), 1)
    answers = run_script(spec, [*frames, program.words, vector])
    for name, answer in zip(names, answers, strict=False):
        assert (answer.loaded, answer.weights_error) == (False, True), name
    assert [(answer.loaded, answer.weights_error) for answer in answers[-2:]] == [(True, False)] * 2
    np.testing.assert_array_equal(host.results(answers[-1].frames, 3), expected)


def test_vectors_of_a_wrong_length_are_told_and_the_next_one_is_unharmed(rng):
    spec = spec_of(2, 2, rows=8, biases=8, layers=1, x=Fixed(7, signed=False))
    host = host_of(spec)
    _layers, program, x, expected = prepared(rng, spec, (7, 5), vectors=1)
    sound = beats_of(host.frames(x)[0], spec.x_bytes)
    wrong = {"short": [*sound[:1], (sound[1][0], 1)],
             "long": [*sound[:-1], (sound[-1][0], 0), (0, 0), (0, 1)],
             "out of range": [(0x8080, 0), *sound[1:]]}
    steps = [step for frame in wrong.values() for step in (
        program.words, ("vectors", [*frame, *sound], 2))]
    answers = run_script(spec, [program.words, ("vectors", sound, 1), *steps], after=40)
    assert not answers[1].frame_error
    for name, answer in zip(wrong, answers[3::2], strict=True):
        assert (answer.frame_error, answer.weights_error) == (True, False), name
        np.testing.assert_array_equal(host.results(answer.frames[1:], 5), expected)


def test_spec_must_be_one():
    with refused(TypeError, "spec must be an EieSpec, not 8"):
        EieEngine(8)


def held(layers, x):
    """Results of each step, and what is sent, if every layer sees what was sent last."""
    shown = [np.zeros(layer.n_in, np.int64) for layer in layers]
    results, sent = [], [[] for _ in layers]
    for value in x:
        step = value
        for number, layer in enumerate(layers):
            moved = abs(step - shown[number]) > layer.threshold
            sent[number].append(moved)
            shown[number] = np.where(moved, step, shown[number])
            step = results_of([layer], [shown[number]])[0]
        results.append(step)
    return np.array(results), [np.array(rows) for rows in sent]


def test_delta_sends_what_moved_and_keeps_the_sums(rng):
    spec = spec_of(2, 2, delta=True, rows=16, x=Fixed(6), queue_depth=2)
    layers = [replace(layer, threshold=limit) for layer, limit in zip(
        layers_of(rng, spec, (9, 7, 5)), (2, 1), strict=True)]
    program = host_of(spec).program(layers)
    x = np.clip(np.cumsum(rng.integers(-3, 4, (7, 9)), axis=0), spec.x.min, spec.x.max)
    expected, sent = held(layers, x)
    record = run_engine(spec, program.words, host_of(spec).frames(x), beats(spec, expected))
    np.testing.assert_array_equal(host_of(spec).results(record.frames, 5), expected)
    assert record.cycles == timing_of(spec, program).cycles(sent, program.steps)
    assert 0 < sent[0][1:].mean() < 0.8
    assert (expected != results_of(layers, x)).any()
