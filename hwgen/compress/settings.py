"""What a training run is told."""

import math
from dataclasses import dataclass

from hwgen.numeric import SpecError

from .layer import within

__all__ = ["MOST_RATE", "Epoch", "Settings"]

MOST_RATE = 1e30
"""Largest rate and weight decay: Adam divides the rate by 0.1 and less, in floats below 3.4e38."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings of one training run; two runs with equal settings give the same integers.

    Members
    -------
    epochs, batch, seed : int
    lr, lr_end : float
        Adam's learning rate, falling from ``lr`` to ``lr_end`` along half a cosine.
    weight_decay : float
        Rates and this are at most ``MOST_RATE``.
    alpha, temperature : float
        Of :func:`~hwgen.compress.distillation_loss`; used when there is a teacher.
    shift : float
        Share of the training images that are moved by one pixel (square images only).
    mix : float
        Each sample is blended with up to this share of another one.
    integer_products : bool
        Products of integer layers in bfloat16, see :mod:`hwgen.compress.products`; and Adam's fused
        kernel.
    """

    epochs: int
    batch: int = 64
    seed: int = 0
    lr: float = 3e-3
    lr_end: float = 0.0
    weight_decay: float = 0.0
    alpha: float = 0.7
    temperature: float = 4.0
    shift: float = 0.0
    mix: float = 0.0
    integer_products: bool = False

    def __post_init__(self):
        within("settings: epochs", self.epochs, 1)
        within("settings: batch", self.batch, 2)
        within("settings: seed", self.seed, 0, 2 ** 31 - 1)
        for name, low, high in (("lr", 0, MOST_RATE), ("lr_end", 0, MOST_RATE),
                                ("weight_decay", 0, MOST_RATE), ("alpha", 0, 1),
                                ("temperature", 1e-3, math.inf), ("shift", 0, 1),
                                ("mix", 0, 1)):
            value = getattr(self, name)
            if not isinstance(value, (int, float)) or not low <= value <= high:
                raise SpecError(f"settings: {name} must be in {low}..{high}, not {value!r}")


@dataclass(frozen=True)
class Epoch:
    """What is reported after each epoch.

    Members
    -------
    name : str           of the training run
    epoch, epochs : int  this one (from 1), and how many there are
    loss : float         mean over the training samples
    accuracy : float     share of the training samples classified rightly while training
    density : float      share of nonzero weights, over all weight matrices
    bits : int or None   what must be stored, where that is measured
    """

    name: str
    epoch: int
    epochs: int
    loss: float
    accuracy: float
    density: float
    bits: int | None = None
