# amaranth: UnusedElaboratable=no
"""The folder of an EIE engine: what it says, and what its vectors are of."""

import numpy as np
import pytest
from cases.eie import host_of, layers_of, results_of, spec_of, vectors_of
from cases.errors import refused

from hwgen.emit import read_manifest, write_engine
from hwgen.emit.engine import sample_products, spec_from, write_jobs
from hwgen.emit.engines.eie import EieWork, stored
from hwgen.numeric import Fixed, SpecError

SPECS = (spec_of(4, 2), spec_of(3, 1, x=Fixed(6), huffman=True, code_bits=2, layers=1),
         spec_of(2, 2, delta=True, rows=30, index_bits=2), spec_of(4, 2, columns=27, biases=9),
         # Hardly room for sums, and for a layer.
         spec_of(4, 2, accumulator_bits=12), spec_of(6, 1, accumulator_bits=8),
         spec_of(4, 4, biases=1), spec_of(5, 1, delta=True, rows=2), spec_of(4, 4, columns=9))


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_sample_has_results_of_integers(tmp_path, spec):
    (work,) = sample_products(spec)
    done = write_jobs(tmp_path / "v.npz", spec, [work])
    with np.load(tmp_path / "v.npz") as arrays:
        (again,) = stored(arrays)
        assert arrays["weights"].tobytes() == host_of(spec).program(
            work.layers, huffman=spec.huffman).words
        assert arrays["cycles"] == done.cycles > 0
    np.testing.assert_array_equal(again.x, work.x)
    for layer, kept in zip(work.layers, again.layers, strict=True):
        np.testing.assert_array_equal(layer.weights, kept.weights)
        assert (layer.shift, layer.low, layer.high) == (kept.shift, kept.low, kept.high)
    # A threshold of nothing: a delta network gives the same.
    np.testing.assert_array_equal(done.answers[0], results_of(work.layers, work.x))
    values = np.concatenate([host_of(spec).results([frame], done.answers[0].shape[1])
                             for frame in done.results])
    np.testing.assert_array_equal(values, done.answers[0])
    assert len(np.unique(done.answers[0])) > 3


def test_there_is_one_network(tmp_path, rng):
    spec = SPECS[0]
    layers = layers_of(rng, spec, (5, 3))
    work = EieWork(tuple(layers), vectors_of(rng, spec, 2, 5))
    with refused(SpecError, "engine 'eie': there must be one network and its vectors, not 2"):
        write_jobs(tmp_path / "v.npz", spec, [work, work])


@pytest.mark.synth
def test_folder_says_what_its_host_needs(tmp_path):
    spec = SPECS[0]
    folder = write_engine(spec, tmp_path / "core")
    manifest = read_manifest(folder, "engine")
    assert spec_from(manifest["engine"]) == spec
    assert host_of(spec) == type(host_of(spec)).from_manifest(manifest["engine"])
    assert manifest["weights"] == {"port": "s_axis_weights", "beat_bytes": 4}
    assert manifest["output"] == {"port": "m_axis", "beat_bytes": 6}
    text = (folder / "README.txt").read_text()
    assert "entries are 4 bits of\n                code and above them 4 bits of zeros" in text
    assert "Element k holds the rows i of each layer with i % 4 == k" in text
