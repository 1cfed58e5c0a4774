"""The host of a systolic engine: cutting, packing, putting together, against a second reading."""

import numpy as np
import pytest
from cases.errors import refused
from cases.systolic import PRODUCTS, host_of, operands, product, spec_of

from hwgen.host.systolic import SystolicHost
from hwgen.numeric import Fixed, SpecError


def engine_in_python(spec, jobs):
    """What ``docs/systolic.md`` says an engine does with each job, byte by byte."""
    def integers(data, bits, signed):
        size = -(-bits // 8)
        return [int.from_bytes(data[k:k + size], "little", signed=signed)
                for k in range(0, len(data), size)]

    frames = []
    for job in jobs:
        word = int.from_bytes(job.weights[:4], "little")
        vectors, tiles = (word & 0xFFFF) + 1, (word >> 16) + 1
        begin = spec.command_beats * spec.weight_bytes
        assert len(job.weights) == begin + tiles * spec.rows * spec.weight_bytes
        assert len(job.x) == tiles * vectors * spec.x_bytes
        w = integers(job.weights[begin:], spec.weights.bits, spec.weights.is_signed)
        x = integers(job.x, spec.x.bits, spec.x.is_signed)
        sums = [[0] * spec.columns for _ in range(vectors)]
        for tile in range(tiles):
            for vector in range(vectors):
                for row in range(spec.rows):
                    value = x[(tile * vectors + vector) * spec.rows + row]
                    line = (tile + 1) * spec.rows - 1 - row     # the last row comes first
                    for column in range(spec.columns):
                        sums[vector][column] += value * w[line * spec.columns + column]
        size = -(-spec.accumulator.bits // 8)
        frames.append(b"".join(value.to_bytes(size, "little", signed=spec.accumulator.is_signed)
                               for line in sums for value in line))
        assert len(frames[-1]) == job.result_bytes
    return frames


@pytest.mark.parametrize(("sizes", "shape"), PRODUCTS, ids=str)
def test_products_are_cut_and_put_together(rng, sizes, shape):
    for formats in ((Fixed(8), Fixed(8)), (Fixed(9), Fixed(3, signed=False)),
                    (Fixed(5, signed=False), Fixed(12, signed=False))):
        spec = spec_of(sizes, *formats)
        host = host_of(spec)
        a, b = operands(rng, spec, *shape)
        found = host.multiply(a, b, lambda jobs, spec=spec: engine_in_python(spec, jobs))
        assert found.dtype == np.int64
        np.testing.assert_array_equal(found, product(a, b))
        assert len(host.frames(a, b)) == len(spec.jobs(*shape))


@pytest.mark.parametrize(("a", "b", "rule"), [
    (np.zeros((2, 9), int), np.zeros((9, 1), int),
     "k must be at most 8 (2 rows times 4 tiles), not 9"),
    (np.full((2, 3), 128), np.zeros((3, 1), int),
     "a must be in -128..127, which the engine multiplies, not in 128..128"),
    (np.zeros((2, 3), int), np.array([[0], [-9], [7]]),
     "b must be in -8..7, which the engine multiplies, not in -9..7"),
    (np.zeros((2, 3), int), np.zeros((2, 3), int),
     "a and b must be of shapes (m, k) and (k, n), not (2, 3) and (2, 3)"),
    (np.zeros((0, 3), int), np.zeros((3, 3), int),
     "a and b must be of shapes (m, k) and (k, n), not (0, 3) and (3, 3)")], ids=str)
def test_what_the_engine_cannot_multiply_is_refused(a, b, rule):
    with refused(SpecError, rule):
        host_of(spec_of((2, 2, 4, 4), weights=Fixed(4))).frames(a, b)


def test_floats_are_refused():
    with refused(TypeError, "a must be integers, not float64"):
        host_of(spec_of((2, 2, 4, 4))).frames(np.zeros((1, 1)), np.zeros((1, 1), int))


def test_results_must_be_those_of_the_jobs():
    host = host_of(spec_of((2, 2, 4, 4)))       # 20-bit results, two of three bytes a beat
    with refused(SpecError, "results must be 2 frames of [6, 24] bytes, not 1 of [6]"):
        host.results([b"123456"], 5, 2)


@pytest.mark.parametrize(("entry", "rule"), [
    ({}, "engine must be 'systolic', not None"),
    ({"engine": "systolic", "rows": 1}, "engine 'systolic': must have the entry 'columns'")])
def test_a_manifest_of_another_kind_is_refused(entry, rule):
    with refused(SpecError, rule):
        SystolicHost.from_manifest(entry)
