"""MNIST networks in fixed point: trained in float, quantised, and trained further.

Settings are common ones, not searched for; no epoch is selected, and the test set is seen once,
after the last one.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from torch import nn

from .data import Split
from .fixed import QuantInput
from .mnist import SIDE, WHOLE_PIXELS
from .phases import Phases
from .quantise import quantise

__all__ = ["FIXED_RECIPES", "FLOAT_NETWORKS", "FloatNetwork", "QuantisedRecipe"]

SAMPLES = 2_000
"""Training samples on which the steps are chosen."""


@dataclass(frozen=True, kw_only=True)
class FloatNetwork:
    """A network in float, and how it is trained.

    Members
    -------
    build : callable    makes the module
    epochs : int
    reads_maps : bool   ``(n, 1, 28, 28)``, else ``(n, 784)``
    """

    build: Callable[[], nn.Module]
    epochs: int
    reads_maps: bool = False

    def pixels(self, x):
        """Images ``x``, uint8 (n, 784), as the module takes them."""
        return np.asarray(x).reshape(-1, 1, SIDE, SIDE) if self.reads_maps else x

    def split(self, split: Split) -> Split:
        """MNIST as the module takes it."""
        return replace(split, x_train=self.pixels(split.x_train),
                       x_test=self.pixels(split.x_test),
                       side=None if self.reads_maps else split.side)

    def train(self, phases: Phases):
        """The trained module."""
        phases.split = self.split(phases.split)
        settings = phases.settings(self.epochs, batch=100, lr=1e-3)
        return phases.run("", phases.build(self.build), settings)


@dataclass(frozen=True, kw_only=True)
class QuantisedRecipe:
    """How a float network becomes one in fixed point.

    Members
    -------
    text : str         what it is, one line
    origin : str       the float network, one of :data:`FLOAT_NETWORKS`
    bits : int         of weights and of activations
    epochs : int       of the training behind :func:`~hwgen.compress.quantise`
    minutes : float    of one core that both trainings took
    """

    text: str
    origin: str
    bits: int
    epochs: int
    minutes: float = 0.0
    half_bits: ClassVar[None] = None
    pixels_text: ClassVar[str] = WHOLE_PIXELS

    def pixels(self, x):
        """Images ``x``, uint8 (n, 784), as the module takes them."""
        return FLOAT_NETWORKS[self.origin].pixels(x)

    def train(self, phases: Phases, origin):
        """The module in fixed point, distilled from the float one that it was."""
        phases.split, phases.teacher = FLOAT_NETWORKS[self.origin].split(phases.split), origin
        module = quantise(origin, phases.split.x_train[:SAMPLES], weight_bits=self.bits,
                          activation_bits=self.bits)
        return phases.run("", module, phases.settings(self.epochs, batch=100, lr=5e-4))


def _lenet300() -> nn.Sequential:
    return nn.Sequential(OrderedDict(
        pixels=QuantInput(bits=8, frac=8), fc1=nn.Linear(SIDE * SIDE, 300), act1=nn.ReLU(),
        fc2=nn.Linear(300, 100), act2=nn.ReLU(), fc3=nn.Linear(100, 10)))


def _cnn() -> nn.Sequential:
    return nn.Sequential(OrderedDict(
        pixels=QuantInput(bits=8, frac=8),
        conv1=nn.Conv2d(1, 8, 3), act1=nn.ReLU(), pool1=nn.MaxPool2d(2),
        conv2=nn.Conv2d(8, 16, 3), act2=nn.ReLU(), pool2=nn.MaxPool2d(2),
        flat=nn.Flatten(), fc=nn.Linear(5 * 5 * 16, 10)))


FLOAT_NETWORKS = {
    "mnist-lenet300": FloatNetwork(build=_lenet300, epochs=20),
    "mnist-cnn": FloatNetwork(build=_cnn, epochs=10, reads_maps=True),
}
"""The float networks by name."""

LENET300 = "LeNet-300-100, 784-300-100-10"
CNN = "CNN 28x28, conv 3x3x8, pool, conv 3x3x16, pool, 10"

FIXED_RECIPES = {
    f"{origin}-w{bits}a{bits}": QuantisedRecipe(
        text=f"{text}, weights and activations of {bits} bits, pixels of 8", origin=origin,
        bits=bits, epochs=epochs, minutes=minutes)
    for origin, text, epochs, minutes in (
        ("mnist-lenet300", LENET300, 10, 2), ("mnist-cnn", CNN, 5, 3))
    for bits in (8, 4)
}
"""The recipes by network name."""
