"""MNIST networks: a float teacher, the binarised family distilled from it; those in fixed point.

Settings were chosen on the last 5,000 training samples, held back (``mnist(validation=True)``); the
figures are of a training on all 60,000. No epoch is selected: the last one is the result, and the
test set is seen once, after it.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import nn

from hwgen.numeric import SpecError, did_you_mean

from .binary import Sign
from .copies import Copies
from .fixed import QuantInput
from .mnist import WHOLE_PIXELS, halved
from .named import BinaryLinear, DoReFaLinear, TernaryLinear
from .normalise import BatchNorm
from .phases import Phases
from .recipes_mnist_fixed import FIXED_RECIPES, FLOAT_NETWORKS, FloatNetwork
from .residual import ResidualSign
from .steps import StepActivation
from .thermometer import ThermometerInput
from .warp import Warp

__all__ = ["MNIST_ORIGINS", "MNIST_RECIPES", "MNIST_TEACHER", "Recipe", "train_mnist",
           "train_mnist_origin"]

MNIST_TEACHER = "mnist-teacher"

PIXELS, CLASSES = 784, 10

TEACHER_HIDDEN, TEACHER_EPOCHS = (1024, 512), 35


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How one network is made: distilled from the teacher, on distorted copies.

    Members
    -------
    text : str          what it is, one line
    build : callable    makes the module
    epochs : int
    copies : int        distorted copies of the training samples
    strength : float    of the distortions, 1 for those of :class:`~hwgen.compress.Warp`
    options : dict      further :class:`~hwgen.compress.Settings`
    minutes : float     that the training took on one core with bfloat16 instructions, others busy
    half_bits : int or None
        The network reads images of 14 x 14, means of 2 x 2 pixels in this many bits
        (:func:`~hwgen.compress.mnist.halved`), rather than 28 x 28 bytes.
    """

    text: str
    build: Callable[[], nn.Module]
    epochs: int
    copies: int = 24
    strength: float = 1.0
    options: dict = field(default_factory=dict)
    minutes: float = 0.0
    half_bits: int | None = None
    origin: ClassVar[str] = MNIST_TEACHER

    @property
    def pixels_text(self) -> str:
        """What the network reads, in words."""
        if self.half_bits is None:
            return WHOLE_PIXELS
        return (f"14 x 14: floor(sum of 2 x 2 pixels / 2**{10 - self.half_bits}),"
                f" {self.half_bits} bits")

    def pixels(self, x):
        """What the network reads of images ``x``, uint8 (n, 784): an array of integers."""
        if self.half_bits is None:
            return x
        return halved(x, self.half_bits)

    def train(self, phases: Phases, teacher):
        """The module, distilled from ``teacher``."""
        module = phases.build(self.build)
        copies = Copies(phases.split, warp=Warp().times(self.strength), count=self.copies,
                        seed=phases.seed, teacher=teacher, folder=phases.folder,
                        reduce=lambda x: torch.from_numpy(self.pixels(x.numpy())))
        options = {"batch": 250, "lr": 1e-2, "integer_products": True} | self.options
        return phases.run("", module, phases.settings(self.epochs, **options), copies=copies)


def train_mnist_origin(name: str, split, *, seed: int = 0, folder=None, progress=None,
                       effort: float = 1.0):
    """The float network that the recipe ``name`` starts from, or of that name itself.

    The teacher, 784-1024-512-10 with batch norm and ReLU, on copies that never repeat; or one of
    :data:`FLOAT_NETWORKS`, which is quantised. Parameters as of
    :func:`~hwgen.compress.train_teacher`; ``split`` is of :func:`~hwgen.compress.mnist`.
    """
    name = name if name in MNIST_ORIGINS else _recipe(name).origin
    return MNIST_ORIGINS[name].train(Phases(name, split, seed, folder, progress, effort))


def train_mnist(name: str, split, origin, *, seed: int = 0, folder=None, progress=None,
                effort: float = 1.0):
    """The network of one of :data:`MNIST_RECIPES`, made from its ``origin``."""
    return _recipe(name).train(Phases(name, split, seed, folder, progress, effort), origin)


def _recipe(name: str):
    if name not in MNIST_RECIPES:
        raise SpecError(f"recipe must be one of {sorted(MNIST_RECIPES)}, not {name!r}"
                        + did_you_mean(name, MNIST_RECIPES))
    return MNIST_RECIPES[name]


class Teacher(FloatNetwork):
    """A float network that sees each image once, distorted."""

    def train(self, phases: Phases):
        """The trained module."""
        module = phases.build(self.build)
        settings = phases.settings(self.epochs, batch=500, lr=2e-3, integer_products=True)
        copies = Copies(phases.split, warp=Warp(), count=settings.epochs,
                        seed=1_000 + phases.seed)
        return phases.run("", module, settings, copies=copies)


def _teacher() -> nn.Sequential:
    n1, n2 = TEACHER_HIDDEN
    return nn.Sequential(OrderedDict(
        pixels=QuantInput(bits=8, frac=8),
        fc1=nn.Linear(PIXELS, n1), bn1=nn.BatchNorm1d(n1), act1=nn.ReLU(),
        fc2=nn.Linear(n1, n2), bn2=nn.BatchNorm1d(n2), act2=nn.ReLU(), drop=nn.Dropout(0.2),
        fc3=nn.Linear(n2, CLASSES),
    ))


def _net(hidden, *, first, linear=BinaryLinear, activation=Sign, n_in=PIXELS, out_shift=3):
    """Dense layers of one kind with batch norm and one activation; the last gives raw scores."""
    layers = OrderedDict(first=first())
    for k, n_out in enumerate(hidden, 1):
        layers |= {f"fc{k}": linear(n_in, n_out), f"bn{k}": BatchNorm(n_out),
                   f"act{k}": activation()}
        n_in = n_out
    layers[f"fc{len(hidden) + 1}"] = linear(n_in, CLASSES, bias=True, out_shift=out_shift)
    return nn.Sequential(layers)


def _black_white():
    """Pixels of one bit: +1 from 128 on."""
    return ThermometerInput((128,), bits=8)


def _two_bits():
    return StepActivation.dorefa(2)


def _two_bit_weights(n_in, n_out, **options):
    return DoReFaLinear(n_in, n_out, bits=2, **options)


SFC = (256, 256, 256)

MNIST_RECIPES = {
    "mnist-tfc-w1a1": Recipe(
        text="TFC 784-64-64-64-10, all weights and activations of one bit",
        build=lambda: _net((64,) * 3, first=_black_white), strength=0.2,
        minutes=3, epochs=200, copies=12, options={"lr": 2e-2}),
    "mnist-sfc-w1a1": Recipe(
        text="SFC 784-256-256-256-10, all weights and activations of one bit",
        build=lambda: _net(SFC, first=_black_white, out_shift=4), strength=0.5,
        minutes=6, epochs=120),
    "mnist-lfc-w1a1": Recipe(
        text="LFC 784-1024-1024-1024-10, all weights and activations of one bit",
        build=lambda: _net((1024,) * 3, first=_black_white, out_shift=5), strength=0.75,
        minutes=13, epochs=80),
    "mnist-sfc-w1a2": Recipe(
        text="SFC with weights of one bit and activations of two (DoReFa)",
        build=lambda: _net(SFC, first=_black_white, activation=_two_bits, out_shift=5),
        strength=0.5, minutes=3, epochs=60),
    "mnist-sfc-w2a2": Recipe(
        text="SFC with weights -3, -1, 1, 3 and activations of two bits (DoReFa)",
        build=lambda: _net(SFC, first=_black_white, activation=_two_bits, linear=_two_bit_weights,
                           out_shift=6),
        strength=0.5, minutes=13, epochs=120, options={"lr": 5e-3}),
    "mnist-sfc-ternary": Recipe(
        text="SFC with ternary weights (TWN) and activations of two bits (DoReFa)",
        build=lambda: _net(SFC, first=_black_white, activation=_two_bits, linear=TernaryLinear,
                           out_shift=5),
        strength=0.5, minutes=6, epochs=60),
    "mnist-sfc-residual": Recipe(
        text="SFC with weights of one bit and residual activations of two levels (ReBNet)",
        build=lambda: _net(SFC, first=_black_white, activation=ResidualSign, out_shift=7),
        strength=0.5, minutes=5, epochs=60),
    "mnist-up5k": Recipe(
        text="196-256-128-10 on 14 x 14 pixels of 4 bits, the rest of one bit",
        build=lambda: _net((256, 128), first=lambda: QuantInput(bits=4), n_in=196),
        strength=0.5, half_bits=4, minutes=9, epochs=120),
    "mnist-up5k-w1a2": Recipe(
        text="196-256-128-10 on 14 x 14 pixels of 4 bits, weights of one bit, activations of two",
        build=lambda: _net((256, 128), first=lambda: QuantInput(bits=4), n_in=196,
                           activation=_two_bits, out_shift=3),
        strength=0.5, half_bits=4, minutes=3, epochs=60),
    **FIXED_RECIPES,
}
"""The recipes by network name."""

MNIST_ORIGINS = {MNIST_TEACHER: Teacher(build=_teacher, epochs=TEACHER_EPOCHS), **FLOAT_NETWORKS}
"""Float networks by name."""
