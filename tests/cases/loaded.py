"""Networks of one structure with other weights, for cores that load them."""

from dataclasses import replace

import numpy as np
from cases.networks import fixed, weights

from hwgen.ir import MatVec, Network
from hwgen.numeric import Fixed

__all__ = ["other_weights", "two_networks"]


def other_weights(network, *, seed=1, fill="random", bias=100):
    """``network`` with other weights, and biases of at most ``bias``, in every matrix node."""
    rng = np.random.default_rng(seed)

    def changed(node):
        if not isinstance(node, MatVec):
            return node
        shape = node.weights.shape
        biases = None if node.bias is None else rng.integers(-bias, bias + 1, shape[0])
        return replace(node, weights=weights(rng, shape, node.weights.format, fill=fill),
                       bias=biases)

    return Network(network.name, tuple(map(changed, network.nodes)), network.outputs)


def two_networks(**options):
    """8-bit weights unless told otherwise, with biases behind the first and the third matrix."""
    network = fixed(**{"fmt": Fixed(8), "sizes": (6, 8, 4, 4)} | options)
    return network, other_weights(network)
