"""LeNet-300-100 on the EIE engine: the pipeline of sparse stages stores the same bits."""

import numpy as np
import pytest

from hwgen.bench.sparse_parts.eie_engine import (
    DENSITIES,
    FORMS,
    _stored,
    lenet,
    vectors,
)
from hwgen.flow.eie import fitted_spec, network_cycles
from hwgen.ir import MatVec


@pytest.mark.parametrize("form", FORMS)
def test_engine_and_stages_store_the_same(form):
    code_bits, index_bits = FORMS[form]
    network = lenet(code_bits)
    found = [node.weights.density for node in network.nodes if isinstance(node, MatVec)]
    np.testing.assert_allclose(found, DENSITIES, atol=1e-3)
    spec = fitted_spec(network, pe=16, lanes=16, code_bits=code_bits, index_bits=index_bits,
                       huffman=True)
    rows = {row.metric: row for row in _stored({"work": form}, spec, network, index_bits)}
    assert rows["weights and indices"].met
    assert rows["the same as Huffman codes"].value < 0.9 * rows["weights and indices"].value
    ends = network_cycles(spec, network, vectors()[:2])
    assert 400 < ends[1] - ends[0] < 900
