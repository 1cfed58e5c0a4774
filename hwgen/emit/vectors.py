"""Inputs and what must come out, computed by the golden model."""

from pathlib import Path

import numpy as np

from ..golden import run
from ..ir import Argmax, Network
from ..numeric import Fixed, SpecError, as_array

__all__ = ["EDGE_FRAMES", "require_frames", "sample_inputs", "write_vectors"]

EDGE_FRAMES = 16
"""Frames of which every edge is stored, not only the outputs."""

SAMPLE_FRAMES = 64
WRONG_FRAMES = 12


def sample_inputs(network: Network, count: int = SAMPLE_FRAMES, *, seed: int = 0) -> np.ndarray:
    """int64 ``(count, *shape)``: all least, all most, then random values of the input's format."""
    fmt, shape = network.input.format, (count, *network.input.shape)
    rng = np.random.default_rng(seed)
    if isinstance(fmt, Fixed):
        x = rng.integers(fmt.min, fmt.max, shape, endpoint=True)
    else:
        every = np.arange(fmt.min, fmt.max + 1)
        x = rng.choice(every[fmt.allowed(every)], shape)
    x[:1], x[1:2] = fmt.min, fmt.max
    return x


def require_frames(network: Network, x) -> np.ndarray:
    """``x`` as an array; SpecError unless it is of shape ``(n, *shape)`` with n at least 1."""
    x = as_array(x, "x")
    if x.shape[1:] != network.input.shape or not len(x):
        raise SpecError(f"x must be of shape (n, {', '.join(map(str, network.input.shape))})"
                        f" with n at least 1, not {x.shape}")
    return x


def write_vectors(path, network: Network, x, *, lanes: int, edge_frames: int = EDGE_FRAMES,
                  loaded=()) -> None:
    """Write ``path`` (npz) for the bench.

    Parameters
    ----------
    path : path
    network : Network
    x : integers ``(n, *shape)``
    lanes : int           input elements a beat
    edge_frames : int     so many frames get every edge as well
    loaded : sequence of (Network, uint32 (words,))
        Where weights are loaded: the sets, one after another, and what is computed with each. All
        of ``x`` is sent with every one of them.

    ``x`` (n, elements), ``scores`` (n, outputs), ``classes`` where the network has a class: (n,),
    of the k best (n, k); ``edge_NODE`` for the first frames. ``wrong_*`` is the same for frames of
    a wrong length: ``wrong_beats`` are sent, and the rest is as if zeros had been; all have their
    edges. int64. Where weights are loaded: ``weights`` uint32 (sets, words), and ``weights_of``
    (n,), the number of the set that each frame is computed with.
    """
    x = require_frames(network, x)
    results = [run(member, x) for member, _ in loaded or [(network, None)]]
    values = {name: np.concatenate([each[name] for each in results]) for name in results[0]}
    arrays = _outputs(network, np.concatenate([x] * len(results)), values)
    arrays |= {f"edge_{name}": value[:edge_frames] for name, value in values.items()}
    wrong, beats = _wrong_lengths(network, lanes)
    values = run(loaded[0][0] if loaded else network, wrong)
    wrong_arrays = _outputs(network, wrong, values)
    wrong_arrays |= {f"edge_{name}": value for name, value in values.items()}
    arrays |= {f"wrong_{key}": value for key, value in wrong_arrays.items()}
    if loaded:
        arrays["weights"] = np.stack([words for _, words in loaded])
        arrays["weights_of"] = np.repeat(np.arange(len(loaded)), len(x))
    with Path(path).open("wb") as file:
        np.savez_compressed(file, **arrays, wrong_beats=beats)


def _outputs(network, x, values) -> dict[str, np.ndarray]:
    arrays = {"x": x.reshape(len(x), -1).astype(np.int64), "scores": values[network.scores]}
    if isinstance(network.nodes[-1], Argmax):
        classes = values[network.nodes[-1].name]
        arrays["classes"] = classes[:, 0] if classes.shape[1] == 1 else classes
    return arrays


def _wrong_lengths(network, lanes):
    """Frames too short and too long between sound ones, and how many beats of each are sent."""
    beats = -(-int(np.prod(network.input.shape)) // lanes)
    cycle = [beats, 1, beats, beats + 1, beats, max(1, beats // 2), max(1, beats - 1), beats,
             2 * beats + 3, beats + 2, 1, beats]
    counts = np.array(cycle[:WRONG_FRAMES], np.int64)
    x = sample_inputs(network, len(counts), seed=1).reshape(len(counts), -1)
    zero = int(network.input.format.decode(np.zeros(1, np.int64))[0])
    for row, count in zip(x, counts.tolist(), strict=True):
        row[count * lanes:] = zero
    return x.reshape(-1, *network.input.shape), counts
