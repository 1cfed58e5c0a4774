"""The networks and devices of the parts: random weights of the published sizes."""

import numpy as np

from hwgen.ir import Argmax, Dense, Input, MatVec, Network, Threshold
from hwgen.numeric import Bipolar
from hwgen.plan import Design, Target
from hwgen.plan.planner import plan
from hwgen.synth import Device

__all__ = ["ECP5", "GW2A", "HX8K", "Z020", "Z045", "binary_mlp", "ecp5_target", "folded",
           "xilinx_target"]

Z045 = Device(family="xc7", size="7z045", package="ffg900")
Z020 = Device(family="xc7", size="7z020", package="clg400")
ECP5 = Device(family="ecp5", size="85k", package="CABGA381", speed=6)
GW2A = Device(family="gowin", size="gw2a-55", package="PG484")
HX8K = Device(family="ice40", size="hx8k", package="ct256")


def xilinx_target(device: Device, clk_hz: int) -> Target:
    """A Xilinx FPGA as the planner sees it."""
    totals = device.totals
    return Target(device.size, device.family, device.size, device.package, "", totals["LUT6"],
                  totals["FF"], totals["RAMB18E1"], 18432, totals["DSP48E1"], clk_hz)


def ecp5_target(clk_hz: int) -> Target:
    """An ECP5-85 alone, as the planner sees it."""
    return Target("ecp5-85k", "ecp5", "85k", "CABGA381", "6", 83640, 83640, 208, 18432, 156, clk_hz)


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
