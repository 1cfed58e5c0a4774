"""A network of the jet tagger's sizes, half of it pruned, on data that every installation has.

The sizes and widths are those of hls4ml's jet tagger, 16-64-32-32-5 and 6 bits (arXiv 1804.06913),
which separates five kinds of particle jets by 16 features. Its data is not at hand; this network
reads scikit-learn's digits instead, 16 sums of 2x2 pixels, and tells five pairs of digits apart: 0
and 1, 2 and 3, and so on. So its accuracy says nothing of jets, and its weights are as those of a
trained and pruned network are.
"""

from collections import OrderedDict

import numpy as np
from torch import nn

from .data import Split, digits
from .fixed import QuantInput
from .phases import Phases
from .prune import GradualPruning
from .quantise import quantise

__all__ = ["PAIRS_BITS", "PAIRS_DENSITY", "PAIRS_SIZES", "pairs", "train_pairs"]

PAIRS_SIZES, PAIRS_BITS, PAIRS_DENSITY = (16, 64, 32, 32, 5), 6, 0.5

POOLED, SIDE = 2, 8


def pairs(*, n_test: int = 500, seed: int = 0) -> Split:
    """The digits as 4x4 sums of 2x2 pixels, clipped to 0..63, labels the pairs 0..4."""
    split = digits(n_test=n_test, seed=seed)
    return Split(_pooled(split.x_train), split.y_train // 2, _pooled(split.x_test),
                 split.y_test // 2)


def _pooled(x):
    parts = SIDE // POOLED
    sums = x.reshape(-1, parts, POOLED, parts, POOLED).sum(axis=(2, 4)).reshape(len(x), -1)
    return np.minimum(sums, (1 << PAIRS_BITS) - 1)


def train_pairs(split: Split, *, seed: int = 0, folder=None, progress=None, effort: float = 1.0):
    """The network in fixed point: trained in float, quantised, then pruned while it trains on.

    No epoch is selected, and the test part is seen once. Parameters as of
    :func:`~hwgen.compress.train_teacher`; ``split`` is of :func:`pairs`.
    """
    phases = Phases("pairs", split, seed, folder, progress, effort)
    module = phases.build(_float_net)
    phases.run("float", module, phases.settings(60, lr=5e-3, mix=0.2))
    module = quantise(module, split.x_train, weight_bits=PAIRS_BITS, activation_bits=PAIRS_BITS)
    settings = phases.settings(60, lr=2e-3, mix=0.2)
    end = max(1, phases.steps(settings) * 6 // 10)
    densities = {f"fc{k}.weight": PAIRS_DENSITY for k in range(1, len(PAIRS_SIZES))}
    pruning = GradualPruning(densities, begin=0, end=end)
    return phases.run("pruned", module, settings, pruning=pruning)


def _float_net() -> nn.Sequential:
    layers = OrderedDict(pixels=QuantInput(bits=PAIRS_BITS, frac=PAIRS_BITS))
    last = len(PAIRS_SIZES) - 1
    for k, (n_in, n_out) in enumerate(zip(PAIRS_SIZES, PAIRS_SIZES[1:], strict=False), 1):
        layers[f"fc{k}"] = nn.Linear(n_in, n_out)
        if k < last:
            layers[f"act{k}"] = nn.ReLU()
    return nn.Sequential(layers)
