import numpy as np
import pytest
import torch
from cases.errors import refused
from cases.plain import Plain
from torch import nn

from hwgen.compress import Recipe, compress
from hwgen.compress.form import latent, put
from hwgen.compress.frame.step import Context
from hwgen.compress.methods import Code, Prune, Quantise, Share, Train
from hwgen.compress.methods.share import STARTS, Codebook, kmeans, started
from hwgen.ir import Shared
from hwgen.numeric import SpecError
from hwgen.plan.stages import SparseStage


def sorted_normals(n=200):
    return torch.from_numpy(np.random.default_rng(3).normal(size=n)).sort().values


def test_starts_are_those_of_the_paper():
    values = torch.tensor([0.0, 1, 2, 3, 4, 5, 6, 100], dtype=torch.float64)
    assert started(values, 3, "linear", None).tolist() == [0, 50, 100]
    assert started(values, 4, "density", None).tolist() == [1, 3, 5, 100]
    drawn = started(values, 5, "random", torch.Generator().manual_seed(1))
    assert set(drawn.tolist()) <= set(values.tolist())
    assert drawn.tolist() == sorted(drawn.tolist())


@pytest.mark.parametrize("start", STARTS)
def test_kmeans_ends_where_each_centroid_is_the_mean_of_its_nearest(start):
    values = sorted_normals()
    centroids, numbers = kmeans(values, started(values, 6, start,
                                                torch.Generator().manual_seed(0)), 500)
    distance = (values[:, None] - centroids[None]).abs()
    assert torch.equal(distance.argmin(1), numbers)
    for k in numbers.unique():
        assert torch.isclose(centroids[k], values[numbers == k].mean())


def test_the_gradient_of_a_centroid_is_the_sum_of_those_of_its_weights():
    layer = nn.Linear(4, 1, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.0, 1.2, -3.0, 0.0]]))
    form = put(layer, Codebook(layer.weight, 2, "linear", None))
    assert torch.allclose(layer.weight, torch.tensor([[1.1, 1.1, -3.0, 0.0]]))
    layer(torch.tensor([[2.0, 5.0, 7.0, 11.0]])).sum().backward()
    assert form.centroids.grad.tolist() == [7.0, 7.0]       # of -3; and 2 + 5 of 1.1; none of 0
    assert latent(layer).grad is None


def test_a_layer_without_weights_stays_so():
    layer = nn.Linear(2, 2, bias=False)
    with torch.no_grad():
        layer.weight.zero_()
    put(layer, Codebook(layer.weight, 4, "linear", None))
    assert layer.weight.abs().sum() == 0


@pytest.mark.parametrize("steps", [
    (Quantise(weight_bits=8), Share(bits={"fc1": 2, "fc2": 3, "fc3": 0}, epochs=1)),
    (Share(bits={"fc1": 2, "fc2": 3}, epochs=1, start="density"), Quantise(weight_bits=8))])
def test_deep_compression_in_both_orders(split, steps):
    torch.manual_seed(0)
    recipe = Recipe((Train(epochs=2, lr=1e-2), Prune(density=0.3), *steps, Code()), name="deep")
    result = compress(Plain(), recipe, split)
    found = {node.name: node.weights for node in result.network.nodes if hasattr(node, "weights")}
    for name, most in (("fc1", 4), ("fc2", 8)):
        assert isinstance(found[name], Shared)
        assert len(np.setdiff1d(found[name].centroids, [0])) <= most
        assert found[name].nonzeros <= round(0.3 * found[name].to_dense().size)
    assert not isinstance(found["fc3"], Shared)
    assert set(result.account.to_dict()["storage"].values()) == {"huffman"}
    assert result.notes["share"] == {"centroids": {"fc1": 4, "fc2": 8}}


def context(norms=()):
    found = Context(None, {"fc": nn.Linear(2, 2)}, norms, None)
    found.enter("step 1 'quantise'")
    return found


def test_norms_must_be_folded_before():
    with refused(SpecError, "must come after 'quantise' where a batch norm follows, as behind 'fc':"
                            " folded into the weights it gives each output a factor"):
        Share().validate(context(("fc",)))
    folded = context(("fc",))
    folded.mark("quantised")
    Share().validate(folded)
    with refused(SpecError, "must not come after step 1 'quantise', which lets weights"
                            " share values: leave one of the two out"):
        Share().validate(folded)


def test_codes_are_of_integers_and_known():
    with refused(SpecError, "must come after a step that makes all numbers integers, such as"
                            " 'quantise': floats have no exact size"):
        Code().validate(context())
    with refused(SpecError, "code: storage of 'fc' must be one of ['plain', 'codes', 'columns',"
                            " 'gaps', 'huffman', 'fewest'], not 'zip'"):
        Code(storage={"fc": "zip"})


def test_the_fewest_of_all_storages(split):
    def bits(kind):
        torch.manual_seed(0)
        steps = (Prune(density=0.2), Quantise(weight_bits=8), Share(bits=3), Code(storage=kind))
        return compress(Plain(), Recipe(steps), split).account.bits

    sizes = {kind: bits(kind) for kind in ("fewest", "huffman", "plain")}
    assert sizes["fewest"] <= sizes["huffman"] < sizes["plain"]


def test_the_account_of_elements_is_what_sparse_stages_hold(split):
    """Codes of ``bits`` say 0 as well; no stage has more elements than rows."""
    torch.manual_seed(0)
    code = Code(storage={"*": "columns", "fc1": "plain"}, pe={"*": 16, "fc1": 0}, index_bits=2)
    steps = (Prune(density=0.2), Quantise(weight_bits=8), Share(bits=3, zero=True), code)
    result = compress(Plain(), Recipe(steps), split)
    assert set(result.notes["share"]["centroids"].values()) == {7}
    for name, entry in result.account.to_dict()["storage"].items():
        node = result.network.node(name)
        pe = min(16, node.weights.shape[0])
        if name == "fc1":
            assert entry == "plain"
            continue
        assert entry == f"columns of {pe}"
        stage = SparseStage(node, result.network.edges[node.inputs[0]], None, pe, 8,
                            index="relative", index_bits=2, values="codes")
        parts = {each.part: each.bits for each in result.account.entries if each.node == name}
        held = dict(stage.memory_bits)
        assert sum(parts.get(part, 0) for part in ("weights", "index", "padding")) == held.pop(
            "weights") + held.pop("index")
        held.pop("bias")            # of the stage a format for the whole accumulator
        assert {part: parts[part] for part in held} == held


def test_elements_that_cannot_be_are_refused():
    with refused(SpecError, "code: index_bits must be 1..8 where there are elements, not 0"):
        Code(pe=16)
    with refused(SpecError, "code: lanes must divide pe, which is one for all layers of an engine,"
                            " 16, not be 3"):
        Code(pe=16, index_bits=4, lanes=3)
    found = context()
    found.mark("fixed")
    with refused(SpecError, "storage of 'fc' must be one of ['columns', 'huffman'], which elements"
                            " have, not 'gaps'"):
        Code(storage="gaps", pe=16, index_bits=4).validate(found)
