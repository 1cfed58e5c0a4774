"""What Deep Compression makes of a module, on the EIE engine: scores are golden's, bits counted."""

import numpy as np
import torch
from cases.eie import host_of, results_of
from torch import nn

from hwgen.compress import Recipe, compress, digits
from hwgen.compress.methods import Code, Prune, Quantise, Share, Train
from hwgen.flow.eie import parts_of, run_network
from hwgen.flow.eie_fit import fitted_spec
from hwgen.golden import run
from hwgen.host.engine_bytes import pack_elements, unpack_elements
from hwgen.ir import MatVec

RECIPE = Recipe((Train(epochs=1, lr=1e-2, batch=50), Prune(density=0.2, epochs=1),
                 Quantise(weight_bits=8, activation_bits=8), Share(bits=4, zero=True),
                 Code(pe=6, lanes=2, index_bits=1, code_bits=4)), name="deep", seed=1)


def test_every_score_of_a_compressed_module_is_goldens():
    split = digits()
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 24), nn.ReLU(), nn.Linear(24, 16), nn.ReLU(),
                          nn.Linear(16, 10))
    result = compress(model, RECIPE, split)
    network = result.network
    spec = fitted_spec(network, pe=6, lanes=2, index_bits=1, huffman=True)
    host = host_of(spec)

    def exchange(words, frames):
        layers = host.read(words)
        vectors = unpack_elements(b"".join(frames), spec.x).reshape(len(frames), -1)
        return [pack_elements(row, spec.accumulator) for row in results_of(layers, vectors)], False

    x = split.x_test[:20]
    found, golden = run_network(network, x, host, exchange, huffman=True), run(network, x)
    for name in network.outputs:
        np.testing.assert_array_equal(found[name], golden[name])
    assert spec.code_bits <= 4
    program = host.program(parts_of(network).layers, huffman=True)
    weights = [node.weights.to_dense() for node in network.nodes if isinstance(node, MatVec)]
    assert program.entries - program.padding == sum(map(np.count_nonzero, weights))
    account, held = result.account.by_part, host.stored_bits(program)
    assert account["weights"] + account["index"] + account["padding"] == program.coded_bits
    assert (account["pointers"], 6 * account["codebook"]) == (held["pointers"], held["codebook"])
    assert set(result.account.to_dict()["storage"].values()) == {"huffman of 6"}
