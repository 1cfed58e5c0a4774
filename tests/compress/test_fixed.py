import itertools

import numpy as np
import pytest
import torch
from cases.errors import refused

from hwgen.compress import QuantInput, QuantLinear, QuantReLU, calibrate
from hwgen.numeric import SpecError


def filled(layer, weight, bias=None):
    layer.weight.data = torch.tensor(weight)
    if bias is not None:
        layer.bias.data = torch.tensor(bias)
    return layer


def test_input_saturates_and_scales():
    layer = QuantInput(bits=3, frac=2)
    assert layer(torch.tensor([-1.0, 0.0, 3.0, 9.0])).tolist() == [0, 0, 0.75, 1.75]
    signed = QuantInput(bits=3, frac=0, signed=True)
    assert signed(torch.tensor([-9.0, 9.0])).tolist() == [-4, 3]


def test_relu_is_the_grid_with_ties_up_and_saturation():
    layer = QuantReLU(bits=2, frac=1)
    x = torch.tensor([-5.0, -0.25, 0.2, 0.25, 0.74, 0.75, 1.5, 1.76, 9.0])
    assert layer(x).tolist() == [0, 0, 0, 0.5, 0.5, 1, 1.5, 1.5, 1.5]


def test_relu_passes_the_gradient_only_inside_the_range():
    x = torch.tensor([-1.0, 0.3, 1.4, 9.0], requires_grad=True)
    QuantReLU(bits=2, frac=1)(x).sum().backward()
    assert x.grad.tolist() == [0, 1, 1, 0]


def test_weights_are_symmetric_integers_of_the_step():
    layer = filled(QuantLinear(4, 1, bits=3, bias=False), [[-9.0, -0.4, 0.375, 9.0]])
    layer.frac.fill_(2)
    assert layer.integer_weight().tolist() == [[-3, -2, 2, 3]]  # 1.5 goes to the even 2
    assert layer(torch.eye(4)).flatten().tolist() == [-0.75, -0.5, 0.5, 0.75]


def test_bias_is_on_the_step_of_the_accumulator():
    layer = filled(QuantLinear(1, 1, bits=3, in_frac=1), [[0.0]], [0.3])
    layer.frac.fill_(2)
    assert layer.out_frac == 3
    assert layer.integer_bias().tolist() == [2]
    assert layer(torch.zeros(1, 1)).item() == 0.25


def test_constrain_keeps_latent_weights_in_the_range():
    layer = filled(QuantLinear(2, 1, bits=3), [[-9.0, 0.1]])
    layer.frac.fill_(1)
    layer.constrain()
    assert layer.weight[0].tolist() == pytest.approx([-1.5, 0.1])


def test_calibration_is_the_best_power_of_two(rng):
    weight = rng.normal(0, 0.3, (16, 16))
    layer = filled(QuantLinear(16, 16, bits=4, bias=False), weight)
    layer.calibrate()
    errors = {f: np.sum((np.clip(np.rint(weight * 2.0 ** f), -7, 7) / 2.0 ** f - weight) ** 2)
              for f in range(-4, 12)}
    assert int(layer.frac) == min(errors, key=errors.get)


def test_calibration_of_activations_is_the_best_power_of_two(rng):
    x = rng.normal(0, 30, 1000)
    layer = QuantReLU(bits=4)
    layer.calibrate(torch.from_numpy(x))
    y = np.maximum(x, 0)
    errors = {f: np.sum((np.clip(np.floor(y * 2.0 ** f + 0.5), 0, 15) / 2.0 ** f - y) ** 2)
              for f in range(-8, 8)}
    assert int(layer.frac) == min(errors, key=errors.get)


def test_calibration_of_zeros_is_finite():
    layer = filled(QuantLinear(2, 1, bits=4), [[0.0, 0.0]])
    layer.calibrate()
    assert int(layer.frac) == 3


def test_calibrate_joins_the_fractions():
    torch.manual_seed(0)
    net = torch.nn.Sequential(QuantInput(bits=5, frac=4), QuantLinear(8, 4, bits=4),
                              torch.nn.Dropout(), QuantReLU(bits=4), QuantLinear(4, 2, bits=4))
    assert calibrate(net, np.arange(32).reshape(4, 8)) is net
    assert int(net[1].in_frac) == 4
    assert int(net[4].in_frac) == int(net[3].frac)


def test_calibrate_refuses_bare_operations():
    class Doubled(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = QuantInput(bits=4)

        def forward(self, x):
            return self.layer(x) * 2

    with refused(SpecError, "calibrate: 'mul' must be a layer with one input, not a bare"
                            " operation"):
        calibrate(Doubled(), np.zeros((1, 2), dtype=int))


def test_fractions_are_saved_with_the_weights():
    layer = QuantLinear(1, 1, bits=4, in_frac=3)
    assert {"frac", "in_frac"} <= set(layer.state_dict())


@pytest.mark.parametrize(("make", "message"), [
    (lambda: QuantInput(bits=0), "QuantInput: bits must be in 1..16, not 0"),
    (lambda: QuantReLU(bits=17), "QuantReLU: bits must be in 1..16, not 17"),
    (lambda: QuantLinear(1, 1, bits=1), "QuantLinear: bits must be in 2..16, not 1"),
    (lambda: QuantLinear(0, 1, bits=4), "QuantLinear: n_in must be at least 1, not 0"),
    (lambda: QuantLinear(1, 0, bits=4), "QuantLinear: n_out must be at least 1, not 0"),
])
def test_sizes_are_checked(make, message):
    with refused(SpecError, message):
        make()


def test_types_are_checked():
    makers = {
        "QuantInput": lambda v: QuantInput(bits=4, frac=v),
        "QuantReLU": lambda v: QuantReLU(bits=4, frac=v),
    }
    for (kind, make), value in itertools.product(makers.items(), (0.5, True, "1")):
        with refused(TypeError, f"{kind}: frac must be an int, not {value!r}"):
            make(value)
    with refused(TypeError, "QuantLinear: in_frac must be an int, not 0.5"):
        QuantLinear(1, 1, bits=4, in_frac=0.5)
