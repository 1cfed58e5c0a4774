# amaranth: UnusedElaboratable=no
"""Residual networks from torch to Verilog: a skip, one with a convolution on it, one of vectors."""

import pytest
from cases.residual import dense_block
from cases.targets import ECP5
from torch import nn
from verify.broken import break_artefact
from verify.exact import check_every_score

from hwgen.compress import Flatten, QuantActivation, QuantConv2d, QuantInput, QuantLinear, QuantReLU
from hwgen.emit import write_artefact
from hwgen.plan import plan
from hwgen.verify import MismatchError, simulate

pytestmark = pytest.mark.cosim


class Block(nn.Module):
    """``relu(main(x) + skip(x))``."""

    def __init__(self, main, skip):
        super().__init__()
        self.main, self.skip, self.relu = main, skip, QuantReLU(bits=5)

    def forward(self, x):
        return self.relu(self.main(x) + self.skip(x))


def convolutions(n, skip):
    """Conv - relu - conv beside ``skip``, behind a first layer; then relu - pool - dense."""
    main = nn.Sequential(QuantConv2d(3, 4, 3, bits=5, padding=1), QuantReLU(bits=5),
                         QuantConv2d(4, n, 3, bits=5, padding=1), QuantActivation(6))
    return nn.Sequential(
        QuantInput(bits=5, frac=2, signed=True), QuantConv2d(2, 3, 3, bits=5), QuantReLU(bits=5),
        Block(main, skip), nn.MaxPool2d(2), Flatten(), QuantLinear(n * 6, 5, bits=6))


def plain():
    return convolutions(3, nn.Identity())


def projection():
    return convolutions(5, nn.Sequential(QuantConv2d(3, 5, 1, bits=5), QuantActivation(5)))


def dense():
    def layers():
        return nn.Sequential(QuantLinear(12, 6, bits=5), QuantReLU(bits=5),
                             QuantLinear(6, 12, bits=5), QuantActivation(6))

    return nn.Sequential(
        QuantInput(bits=5, frac=2, signed=True), QuantLinear(10, 12, bits=5), QuantReLU(bits=5),
        Block(layers(), nn.Identity()), Block(layers(), nn.Identity()), QuantLinear(12, 5, bits=6))


CONVOLUTIONS = ["window_wide", "fixed", "window_wide", "fixed", "window_wide", "fixed"]


@pytest.mark.parametrize(("module", "shape", "interval", "cores"), [
    (plain, (2, 8, 6), 150, [*CONVOLUTIONS, "add", "requantise", "pool", "fixed", "argmax"]),
    (projection, (2, 8, 6), 150,
     [*CONVOLUTIONS, "window", "fixed-unrolled", "add", "requantise", "pool", "fixed", "argmax"]),
    (dense, (10,), 24, ["fixed", *["fixed", "fixed", "add", "requantise"] * 2, "fixed", "argmax"]),
], ids=["plain", "projection", "dense"])
def test_every_score_is_torch_s_own(module, shape, interval, cores, tmp_path):
    check_every_score(module, shape, ECP5, tmp_path, name=module.__name__,
                      interval_cycles=interval, seed=5, cores=cores)




def test_a_wrong_sum_is_found_at_its_node(tmp_path):
    """Not in front of the fork, nor behind the sum: the probes name the first wrong value."""
    whole = write_artefact(plan(dense_block(), ECP5, interval_cycles=24), tmp_path / "whole")
    broken = break_artefact(whole, tmp_path / "broken",
                            lambda verilog: verilog.replace("= x0_0 + x0_1;", "= x0_0 ^ x0_1;"))
    with pytest.raises(MismatchError, match=r"^case-branches: node 'sum' of image \d+, index "):
        simulate(broken)
