"""What is held of a sequence, against golden's sums of differences."""

import numpy as np
import pytest
import torch
from cases.errors import refused
from cases.networks import fixed

from hwgen.compress.delta import Held
from hwgen.golden.delta import run_delta
from hwgen.numeric import SpecError


@pytest.mark.parametrize("threshold", [0, 1, 5])
def test_sums_of_what_is_held_are_goldens(rng, threshold):
    net = fixed(sizes=(6, 4))
    x = np.clip(np.cumsum(rng.integers(-9, 10, (15, 6)), axis=0), -128, 127)
    node, held = net.node("fc1"), Held(threshold)
    golden = run_delta(net, x, threshold)
    weights, bias = (torch.from_numpy(np.array(v)).double()
                     for v in (node.weights.to_dense(), node.bias_or_zero))
    seen = torch.from_numpy(x).double()
    np.testing.assert_array_equal((held(seen) @ weights.T + bias).numpy(), golden.values["fc1"])
    np.testing.assert_array_equal(held.sent(seen).numpy(), golden.sent["fc1"])


def test_the_gradient_goes_to_what_was_sent():
    x = torch.tensor([[1.0], [1.4], [3.0]], requires_grad=True)
    y = Held(0.5)(x)
    assert y.flatten().tolist() == [1.0, 1.0, 3.0]
    y.sum().backward()
    assert x.grad.flatten().tolist() == [2.0, 0.0, 1.0]


def test_a_threshold_below_0_is_refused():
    with refused(SpecError, "Held: threshold must be at least 0, not -1"):
        Held(-1)
