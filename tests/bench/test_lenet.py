"""LeNet-300-100 as Deep Compression makes it: the account, the engine and the pipeline agree."""

import numpy as np
import pytest

from hwgen.bench.frame import trained
from hwgen.bench.sparse_parts.lenet import (
    DENSITIES,
    FORMS,
    bits,
    design_of,
    matrices_of,
    network_of,
    spec_of,
)
from hwgen.compress import Recipe


@pytest.mark.parametrize("form", FORMS)
def test_what_is_claimed_is_what_is_stored(form):
    """Every bit of entries, pointers and codebooks, on chip and as it is sent."""
    code_bits, index_bits = FORMS[form]
    network = network_of(code_bits, index_bits)
    for name, values in matrices_of(network).items():
        assert np.count_nonzero(values) <= DENSITIES[name] * values.size // 100
        assert len(np.union1d(values, [0])) <= 1 << code_bits
    spec, design = spec_of(network, code_bits, index_bits), design_of(network, index_bits)
    assert (spec.code_bits, spec.index_bits) == (code_bits, index_bits)
    rows = {row.metric: row for row in bits({"work": form}, network, spec, design)}
    held = [row for row in rows.values() if row.must]
    assert len(held) == 8
    assert all(row.met for row in held)
    plain, coded = (rows[f"weights, indices and padding{what}, as the account claims"].value
                    for what in ("", " as Huffman codes"))
    assert coded < plain == rows["entries"].value * (code_bits + index_bits)
    compression = network.meta["compression"]["by_part"]
    assert plain == sum(compression.get(part, 0) for part in ("weights", "index", "padding"))
    for part, metric in (("pointers", "pointers"), ("codebook", "codebooks")):
        assert rows[f"{metric}, as the account claims"].value == compression[part]


@pytest.mark.parametrize("form", FORMS)
def test_the_recipe_beside_a_network_is_the_one_that_made_it(form):
    code_bits, index_bits = FORMS[form]
    path = trained.NETWORKS / "deep" / f"lenet300-{code_bits}-{index_bits}.toml"
    assert Recipe.load(path).to_dict() == network_of(code_bits, index_bits).meta["recipe"]
