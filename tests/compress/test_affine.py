"""A network with the integers of TFLite, against its arithmetic in plain Python."""

import math

import numpy as np
import torch
from golden.slow import divide_by_power_of_two, doubling_high
from torch import nn

from hwgen import golden
from hwgen.compress import (
    Flatten,
    QuantAvgPool2d,
    QuantConv2d,
    QuantInput,
    QuantLinear,
    QuantRescale,
    export,
    predict_integers,
)

S, Z = {"x": 0.0078, "w1": 0.0123, "h": 0.031, "w2": 0.0087, "y": 0.19}, {
    "x": 128, "w1": 121, "h": 7, "w2": 0, "y": -11}


def layers(w1, b1, w2, b2):
    """1 x 1 convolution with ReLU6, average pool, dense layer: every fraction at 0."""
    first = QuantConv2d(3, 4, 1, bits=8, zero_point=Z["w1"])
    second = QuantLinear(4, 5, bits=8)
    with torch.no_grad():
        for layer, weight, bias in ((first, w1 - Z["w1"], b1), (second, w2, b2)):
            layer.frac.fill_(0)
            layer.weight.copy_(torch.from_numpy(weight))
            layer.bias.copy_(torch.from_numpy(bias))
    return nn.Sequential(
        QuantInput(bits=8, zero_point=Z["x"]), first,
        QuantRescale(8, S["x"] * S["w1"] / S["h"], zero_point=Z["h"], low=0.0, high=6.0 / S["h"]),
        QuantAvgPool2d(2, bits=8, zero_point=Z["h"]), Flatten(), second,
        QuantRescale(8, S["h"] * S["w2"] / S["y"], signed=True, zero_point=Z["y"]))


def rescaled(value, scale):
    """gemmlowp's: a multiplier in 2**30 .. 2**31, its doubled product's high half, a shift."""
    mantissa, exponent = math.frexp(scale)
    high = doubling_high(value * 2 ** max(exponent, 0), round(mantissa * 2**31))
    return divide_by_power_of_two(high, max(-exponent, 0))


def by_hand(pixels, w1, b1, w2, b2):
    """``pixels`` (4, 3) of one image; int8 results."""
    top = min(255, Z["h"] + math.floor(6.0 / S["h"]))
    hidden = []
    for pixel in pixels:
        sums = [b + sum((w - Z["w1"]) * (x - Z["x"]) for w, x in zip(row, pixel, strict=True))
                for row, b in zip(w1, b1, strict=True)]
        hidden.append([min(max(rescaled(n, S["x"] * S["w1"] / S["h"]) + Z["h"], Z["h"]), top)
                       for n in sums])
    pooled = [(sum(values) + 2) // 4 for values in zip(*hidden, strict=True)]
    sums = [b + sum(w * (x - Z["h"]) for w, x in zip(row, pooled, strict=True))
            for row, b in zip(w2, b2, strict=True)]
    return [min(max(rescaled(n, S["h"] * S["w2"] / S["y"]) + Z["y"], -128), 127) for n in sums]


def test_the_integers_are_those_of_tflite(rng):
    w1, b1 = rng.integers(0, 256, (4, 3)), rng.integers(-3000, 3000, 4)
    w2, b2 = rng.integers(-127, 128, (5, 4)), rng.integers(-3000, 3000, 5)
    x = rng.integers(0, 256, (50, 3, 2, 2))
    x[0], x[1] = 0, 255
    module, maps = layers(w1, b1, w2, b2), np.moveaxis(x, 1, -1)
    network = export(module, x[:1])
    scores = golden.run(network, maps)[network.scores]
    assert np.array_equal(scores, predict_integers(module, x))
    wanted = [by_hand(image.reshape(4, 3).tolist(), w1.tolist(), b1.tolist(), w2.tolist(),
                      b2.tolist()) for image in maps]
    assert (scores + Z["y"]).tolist() == wanted
    assert len(np.unique(scores, axis=0)) > 20
