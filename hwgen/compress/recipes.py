"""The networks of the demo: a float teacher and three students for cheap boards.

No run is selected on the test part: every training has a fixed number of epochs and its last one is
the result. Sizes and settings were chosen on validation parts of the training samples.
"""

from collections import OrderedDict

import numpy as np
import torch
from torch import nn

from hwgen.numeric import SpecError, did_you_mean

from .binary import Sign
from .data import PIXEL_BITS, Split
from .fixed import QuantInput
from .named import BinaryLinear
from .normalise import BatchNorm
from .phases import Phases
from .prune import GradualPruning
from .quantise import quantise
from .thermometer import ThermometerInput

__all__ = ["STUDENTS", "accuracy", "float_scores", "train_student", "train_teacher"]

BINARY_LEVELS = (3, 6, 9, 13)
BINARY_HIDDEN = (128, 128)
FIXED_HIDDEN, FIXED_BITS = (64, 64), 4
SPARSE_HIDDEN, SPARSE_BITS = (128, 64), 6
SPARSE_DENSITIES = {"fc1.weight": 0.13, "fc2.weight": 0.13, "fc3.weight": 0.3}


def accuracy(scores, labels) -> float:
    """Share of rows whose largest score (the first of equals) is at the label."""
    return float(np.mean(np.argmax(np.asarray(scores), axis=1) == np.asarray(labels)))


@torch.no_grad()
def float_scores(module, x) -> np.ndarray:
    """Scores of a float module for integers ``x`` (batch, n_in), float32 (batch, classes)."""
    return module(torch.tensor(np.asarray(x), dtype=torch.float32)).numpy()


def train_teacher(split: Split, *, seed: int = 0, folder=None, progress=None, effort: float = 1.0):
    """The float teacher, 64-128-128-10 with batch norm and ReLU.

    Parameters
    ----------
    split : Split
        The digits; see :func:`~hwgen.compress.digits`.
    seed : int
        Decides the initial weights, the order of the samples and their shifts.
    folder : path, optional
        Where the checkpoint is kept, and from where an interrupted training goes on.
    progress : callable of Epoch, optional
    effort : float
        Share of the epochs to train, for a quick look.
    """
    phases = Phases("digits-teacher", split, seed, folder, progress, effort)
    module = phases.build(lambda: _float_net((128, 128)))
    return phases.run("", module, phases.settings(60, shift=0.5, weight_decay=1e-4))


def train_student(name: str, split: Split, teacher, *, seed: int = 0, folder=None, progress=None,
                  effort: float = 1.0):
    """One of :data:`STUDENTS`, distilled from ``teacher``; parameters as :func:`train_teacher`."""
    if name not in STUDENTS:
        raise SpecError(f"student must be one of {sorted(STUDENTS)}, not {name!r}"
                        + did_you_mean(name, STUDENTS))
    phases = Phases(name, split, seed, folder, progress, effort, teacher)
    return STUDENTS[name](phases)


def _float_net(hidden: tuple[int, int]) -> nn.Sequential:
    """Float network for pixels 0..16, read as 0..1."""
    return nn.Sequential(OrderedDict(
        pixels=QuantInput(bits=PIXEL_BITS, frac=4),
        fc1=nn.Linear(64, hidden[0]), bn1=nn.BatchNorm1d(hidden[0]), act1=nn.ReLU(),
        fc2=nn.Linear(hidden[0], hidden[1]), bn2=nn.BatchNorm1d(hidden[1]), act2=nn.ReLU(),
        fc3=nn.Linear(hidden[1], 10),
    ))


def _binary_net() -> nn.Sequential:
    n_in, (h1, h2) = 64 * len(BINARY_LEVELS), BINARY_HIDDEN
    return nn.Sequential(OrderedDict(
        thermometer=ThermometerInput(BINARY_LEVELS, bits=PIXEL_BITS),
        fc1=BinaryLinear(n_in, h1), bn1=BatchNorm(h1), act1=Sign(),
        fc2=BinaryLinear(h1, h2), bn2=BatchNorm(h2), act2=Sign(),
        fc3=BinaryLinear(h2, 10, bias=True, out_shift=3),
    ))


def _binary(phases: Phases):
    """64 pixels x 4 levels, 256-128-128-10, all weights and hidden activations of one bit."""
    module = phases.build(_binary_net)
    return phases.run("", module, phases.settings(250, lr=2e-2, mix=0.4, shift=0.1))


def _float_then_quantised(phases: Phases, hidden, bits, activation_bits):
    module = phases.build(lambda: _float_net(hidden))
    phases.run("float", module, phases.settings(40, lr=5e-3, mix=0.5))
    return quantise(module, phases.split.x_train, weight_bits=bits,
                    activation_bits=activation_bits)


def _fixed(phases: Phases):
    """64-64-64-10 with 4-bit weights and 4-bit unsigned activations."""
    module = _float_then_quantised(phases, FIXED_HIDDEN, FIXED_BITS, FIXED_BITS)
    return phases.run("quantised", module, phases.settings(60, lr=2e-3, mix=0.5))


def _sparse(phases: Phases):
    """64-128-64-10 with 6-bit weights and activations, pruned to 13.6 % of the weights."""
    module = _float_then_quantised(phases, SPARSE_HIDDEN, SPARSE_BITS, SPARSE_BITS)
    settings = phases.settings(100, lr=5e-3, mix=0.5)
    end = max(1, phases.steps(settings) * 6 // 10)
    pruning = GradualPruning(SPARSE_DENSITIES, begin=0, end=end, every=10)
    return phases.run("pruned", module, settings, pruning=pruning)


STUDENTS = {"digits-binary": _binary, "digits-fixed": _fixed, "digits-sparse": _sparse}
"""The recipes by network name."""
