"""Frames for folded cores of integers, and what plain numpy makes of them."""

import numpy as np

from hwgen.numeric import Bipolar, Logarithmic, round_shift


def frames_of(rng, stage, count):
    """Codes of ``count`` inputs, the extremes among them, and the outputs of their values."""
    fmt = stage.x.format
    x = rng.choice(fmt.levels, (count, stage.n_in))
    x[0], x[1] = fmt.max, fmt.min
    y = x @ stage.mat_vec.weights.to_dense().T + stage.mat_vec.bias_or_zero
    if stage.post is not None:
        node = stage.post
        y = np.clip(round_shift(y * node.multiplier, node.shift, node.rounding),
                    node.format.min, node.format.max)
    sent = fmt.encode(x) if isinstance(fmt, Bipolar | Logarithmic) else x
    return sent.tolist(), y.tolist()
