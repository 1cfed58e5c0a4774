"""The networks of the parts: random weights of the published sizes."""

import numpy as np

from hwgen.ir import Argmax, Dense, Input, MatVec, Network, Threshold
from hwgen.numeric import Bipolar
from hwgen.plan import Design, Target
from hwgen.plan.planner import plan

__all__ = ["binary_mlp", "folded"]


def binary_mlp(sizes, *, seed: int, name: str, argmax: bool = False) -> Network:
    """Bipolar layers of random weights, thresholds around the middle, half of them inverted."""
    rng = np.random.default_rng(seed)
    nodes = [Input("x", (), (sizes[0],), Bipolar())]
    for k, (n_in, n_out) in enumerate(zip(sizes, sizes[1:], strict=False), 1):
        weights = rng.choice([-1, 1], (n_out, n_in))
        nodes.append(MatVec(f"fc{k}", (nodes[-1].name,), Dense(weights, Bipolar())))
        if k < len(sizes) - 1:
            spread = int(n_in ** 0.5)
            nodes.append(Threshold(f"act{k}", (f"fc{k}",), rng.integers(-spread, spread + 1, n_out),
                                   rng.random(n_out) < 0.5))
    outputs = [nodes[-1].name]
    if argmax:
        nodes.append(Argmax("argmax", (outputs[0],)))
        outputs.append("argmax")
    return Network(name, nodes, outputs)


def folded(network: Network, target: Target, foldings, *, clk_hz: int,
           memory: str = "auto") -> Design:
    """The design with ``(pe, simd)`` of each layer as given."""
    cores = {f"fc{k}": {"pe": pe, "simd": simd, "memory": memory}
             for k, (pe, simd) in enumerate(foldings, 1)}
    slowest = max(node.weights.shape[0] * node.weights.shape[1] // (pe * simd)
                  for node, (pe, simd) in zip(
                      (n for n in network.nodes if isinstance(n, MatVec)), foldings, strict=True))
    return plan(network, target, interval_cycles=slowest, clk_hz=clk_hz, cores=cores)
