import numpy as np
import pytest
import torch
from cases.errors import refused
from cases.plain import Plain, PlainMaps, as_maps, weights_of

from hwgen.compress import Recipe, compress
from hwgen.compress.methods import ProductQuantise, Quantise, Train
from hwgen.compress.methods.product_quantise import (
    ProductCodes,
    ProductStorage,
    kmeans_of_rows,
    product_codes,
)
from hwgen.numeric import SpecError


def seeded():
    return torch.Generator().manual_seed(1)


def test_kmeans_ends_where_each_centroid_is_the_mean_of_its_nearest():
    rows = torch.randn(60, 3, generator=seeded(), dtype=torch.float64)
    centroids, numbers = kmeans_of_rows(rows, 5, seeded())
    distances = (rows[:, None] - centroids).square().sum(2)
    assert torch.equal(distances.argmin(1), numbers)
    for k in numbers.unique():
        assert torch.allclose(centroids[k], rows[numbers == k].mean(0))


def test_each_group_of_columns_has_a_codebook_of_its_own():
    weight = torch.randn(9, 10, generator=seeded())
    books, codes = product_codes(weight, 4, 3, seeded())
    assert (books.shape, codes.shape) == ((3, 3, 4), (9, 3))
    form = ProductCodes(weight, 4, 3, seeded())
    for row in range(9):
        made = torch.cat([books[k, codes[row, k]] for k in range(3)])[:10]
        assert torch.allclose(form(weight)[row].double(), made)


def test_as_many_codes_as_rows_lose_nothing():
    weight = torch.randn(6, 8, generator=seeded())
    assert torch.allclose(ProductCodes(weight, 4, 6, seeded())(weight), weight)


@pytest.mark.parametrize(("model", "is_first"), [(Plain, True), (Plain, False), (PlainMaps, True)])
def test_the_account_counts_codes_and_codebooks(split, model, is_first):
    torch.manual_seed(0)
    step = (ProductQuantise(length={"fc1": 4, "fc2": 6}, count=8, epochs=1) if model is Plain else
            ProductQuantise(length={"conv2": 5, "fc": 4}, count={"conv2": 4, "fc": 8}))
    steps = (step, Quantise(weight_bits=6)) if is_first else (Quantise(weight_bits=6), step)
    data = split if model is Plain else as_maps(split)
    result = compress(model(), Recipe((Train(epochs=1), *steps)), data)
    entries = {(e.node, e.part): e for e in result.account.entries}
    sizes = ({"fc1": (24 * 16, 3, 16 * 8 * 4), "fc2": (24 * 4, 3, 4 * 8 * 6)} if model is Plain
             else {"conv2": (6 * 8, 2, 36 * 4), "fc": (10 * 6, 3, 6 * 8 * 4)})
    for name, (codes, bits, book) in sizes.items():
        weights, codebook = entries[name, "weights"], entries[name, "codebook"]
        assert (weights.bits, codebook.storage) == (codes * bits, "product")
        assert codebook.bits == 6 * book
    values = weights_of(result.network)
    if model is Plain:
        for k in range(0, 64, 4):
            assert len(np.unique(values["fc1"][:, k:k + 4], axis=0)) <= 8


def test_storage_of_pieces_that_differ_is_refused():
    storage = ProductStorage([[0, 1], [2, 3], [0, 1]], 2, 2)
    assert storage.parts(np.array([[5, 6], [7, 8], [5, 6]]), 4) == {"weights": 3, "codebook": 16}
    with refused(SpecError, "pieces of a code must be equal to be stored as one, and are not"):
        storage.parts(np.array([[5, 6], [7, 8], [5, 7]]), 4)


@pytest.mark.parametrize(("step", "message"), [
    (ProductQuantise(length={"fc3": 4}, count=16),
     "layer 'fc3': length and count must be at most its 24 inputs and 10 outputs, not 4 and 16"),
    (ProductQuantise(length={"fc1": 4, "fc2": 4}, count={"fc1": 4}),
     "count must be given for 'fc2', which length names"),
])
def test_what_does_not_fit_is_refused(split, plain, step, message):
    with refused(SpecError, f"recipe 'recipe': step 1 'product-quantise': {message}"):
        compress(plain, Recipe((step, Quantise())), split)


def test_norms_must_be_folded_before(split):
    with refused(SpecError, "recipe 'recipe': step 1 'product-quantise': must come after 'quantise'"
                            " where a batch norm follows, as behind 'conv1': folded into the"
                            " weights it gives each output a factor"):
        compress(PlainMaps(), Recipe((ProductQuantise(length={"conv1": 3}, count=2), Quantise())),
                 as_maps(split))
