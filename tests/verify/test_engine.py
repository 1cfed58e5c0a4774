# amaranth: UnusedElaboratable=no
"""The emitted Verilog of an engine against numpy, under stalls; a network on it, layer by layer."""

import hashlib
import json
import shutil

import numpy as np
import pytest
from cases.errors import refused
from cases.networks import NETWORKS, inputs
from cases.systolic import host_of, operands, spec_of

from hwgen import golden
from hwgen.emit import read_manifest, write_engine
from hwgen.flow.engine import layer_cycles, run_layers
from hwgen.numeric import Fixed, SpecError
from hwgen.plan.engines.systolic import Job
from hwgen.verify import EngineMismatchError, simulate_engine

pytestmark = pytest.mark.cosim

SPEC = spec_of((4, 5, 24, 12))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_engine(SPEC, tmp_path_factory.mktemp("engine") / "array")


@pytest.mark.parametrize("stalls", ["none", "input", "output", "both", "random"])
def test_stored_products_under_stalls(folder, stalls):
    result = simulate_engine(folder, stalls=stalls, seed=3)
    with np.load(folder / "vectors.npz") as arrays:
        for number, product in enumerate(result.products):
            np.testing.assert_array_equal(product, arrays[f"c{number}"])
        assert len(result.products) == 5
        assert result.cycles == (int(arrays["cycles"]) if stalls == "none" else None)
    assert result.compared == sum(part.size for part in result.products) + _padding(result)


def _padding(result):
    return sum(len(part) * (-part.shape[1] % SPEC.columns) for part in result.products)


def test_given_products_take_the_cycles_of_the_formula(folder, rng):
    shapes = [(50, 48, 12), (1, 5, 1), (24, 4, 5)]
    for shape in shapes:
        a, b = operands(rng, SPEC, *shape)
        result = simulate_engine(folder, [(a, b)])
        np.testing.assert_array_equal(result.products[0], a @ b)
        assert result.cycles == SPEC.cycles(*shape)


@pytest.mark.parametrize("name", ["fixed", "convolution-fixed"])
def test_network_runs_layer_by_layer(folder, name):
    network = NETWORKS[name]()
    x, counts, sent = inputs(network, 3), [], []

    def exchange(jobs):
        """What the simulated Verilog sends for these jobs: their matrices are read back."""
        products = [_matrices(job) for job in jobs]
        result = simulate_engine(folder, products, stalls="both", seed=len(counts))
        counts.append(len(jobs))
        sent.append(SPEC.cycles_of([Job(len(a), len(b) // SPEC.rows) for a, b in products]))
        size = SPEC.result_bytes // SPEC.columns
        return [np.ascontiguousarray(part, "<i8").view(np.uint8).reshape(-1, 8)[:, :size].tobytes()
                for part in result.products]

    found = run_layers(network, x, host_of(SPEC), exchange)
    expected = golden.run(network, x)
    assert found.keys() == expected.keys()
    for node, values in expected.items():
        np.testing.assert_array_equal(found[node], values)
    assert sum(counts) > 2
    assert sent == list(layer_cycles(network, SPEC, len(x)).values())


def _matrices(job):
    """The operands of one job, padding included."""
    begin = SPEC.command_beats * SPEC.weight_bytes
    w = np.frombuffer(job.weights[begin:], np.int8).reshape(-1, SPEC.rows, SPEC.columns)[:, ::-1]
    x = np.frombuffer(job.x, np.int8).reshape(len(w), -1, SPEC.rows)
    return (np.moveaxis(x, 0, 1).reshape(x.shape[1], -1).astype(np.int64),
            w.reshape(-1, SPEC.columns).astype(np.int64))


def test_a_network_that_does_not_fit_is_refused_before_anything_is_sent():
    host = host_of(spec_of((2, 2, 4, 1)))
    network = NETWORKS["fixed"]()
    first = next(node for node in network.nodes if node.kind == "mat_vec")
    k = first.weights.shape[1]
    with refused(SpecError, f"{first.path}: k must be at most 2 (2 rows times 1 tiles), not {k}"):
        run_layers(network, inputs(network, 1), host, None)
    narrow = host_of(spec_of((4, 4, 4, 9), weights=Fixed(2)))
    low, high = (int(getattr(first.weights.to_dense(), end)()) for end in ("min", "max"))
    with refused(SpecError, f"{first.path}: b must be in -2..1, which the engine multiplies,"
                            f" not in {low}..{high}"):
        run_layers(network, inputs(network, 1), narrow, None)


def test_a_wrong_sum_is_found(folder, tmp_path):
    broken = shutil.copytree(folder, tmp_path / "array", ignore=shutil.ignore_patterns("sim"))
    manifest = read_manifest(broken, "engine")
    path = broken / manifest["verilog"][0]
    text = path.read_text()
    wrong = text.replace("y <= ra * rb", "y <= ra * rb + 1")
    assert wrong != text
    path.write_text(wrong)
    manifest["sha256"][path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    (broken / "manifest.json").write_text(json.dumps(manifest))
    rule = r"array: results must be those of numpy, but \d+ of \d+ differ \(stalls both, seed 0\)"
    with pytest.raises(EngineMismatchError, match=rf"{rule}\n  result 0, beat 0, element 0: "):
        simulate_engine(broken, stalls="both")


def test_what_is_no_engine_is_refused(folder, tmp_path):
    with refused(SpecError, f"{tmp_path}: must be an artefact folder (with manifest.json)"):
        simulate_engine(tmp_path)
    with refused(SpecError, f"{folder / 'manifest.json'}: must be of a network's artefact, not of"
                            f" an engine, of which there is no report, synthesis or run on a board:"
                            f" hwgen simulate {folder} runs it"):
        read_manifest(folder)
    with refused(SpecError, "simulator must be one of ['verilator', 'icarus'], not 'x'"):
        simulate_engine(folder, simulator="x")
