"""A network's numbers in their formats: how they lie, what saturates, how far they are from float.

What is counted comes from golden integers; the errors are those of a compressed module beside the
float one that it was made of.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hwgen.golden.ranges import Ranges, ranges
from hwgen.ir import MatVec, Network
from hwgen.numeric import SpecError, as_int64

__all__ = ["Profile", "profile"]

SAMPLES = 500

AFFINE = "integer-only"
"""The step whose integers are of any scale, as a network's notes name it."""


@dataclass(frozen=True, eq=False)
class Profile:
    """What :func:`profile` finds.

    Members
    -------
    name, digest : str       of the network
    samples : int            that were evaluated
    nodes : tuple of Ranges  of all nodes that make numbers, in order
    stages : dict            node name to a :class:`~hwgen.compress.study.stages.Stage`
    weights : dict           node name to a :class:`~hwgen.compress.study.stages.LayerWeights`
    matrices : dict          node name to counts of its integer weights
    fracs : dict             node name to fraction bits, None where its numbers have no one step, or
                             one of another scale
    scales : dict            node name to what one step is worth; None where that is not known
    """

    name: str
    digest: str
    samples: int
    nodes: tuple[Ranges, ...]
    stages: dict
    weights: dict
    matrices: dict
    fracs: dict
    scales: dict

    @property
    def saturated(self) -> int:
        """Values that saturate; those that a ReLU sets to 0 do not."""
        return sum(saturated(each) for each in self.nodes)

    @property
    def overflows(self) -> int:
        """Values outside of what the network's check proved."""
        return sum(each.overflows for each in self.nodes)

    def to_dict(self) -> dict:
        """Ready for JSON."""
        return {
            "network": self.name, "digest": self.digest, "samples": self.samples,
            "saturated": self.saturated, "overflows": self.overflows,
            "nodes": [each.to_dict() | {
                "frac": self.fracs[each.node],
                "scale": self.scales[each.node],
                "saturated": saturated(each),
                "error": self.stages[each.node].to_dict() if each.node in self.stages else None,
                "weights": self.matrices.get(each.node),
                "rounding": self.weights[each.node].to_dict() if each.node in self.weights
                else None} for each in self.nodes]}

    def save(self, folder, what: str = "profile") -> tuple[Path, Path]:
        """Write ``NAME-WHAT.html`` and ``NAME-WHAT.json`` into ``folder``; their paths."""
        from .page import put_aside
        from .profile_page import render_profile

        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        page, data = (folder / f"{self.name}-{what}.{end}" for end in ("html", "json"))
        put_aside(page, render_profile(self))
        put_aside(data, json.dumps(self.to_dict(), indent=1) + "\n")
        return page, data


def saturated(found: Ranges) -> int:
    """Values of a node that saturate at either end."""
    return found.above + (0 if found.is_rectified else found.below)


def profile(subject, data) -> Profile:
    """Profile a network on samples.

    Parameters
    ----------
    subject : Compressed or Network
        Of a :class:`~hwgen.compress.Compressed` the errors against float are found too.
    data : Split or integers
        The samples; of a Split at most 500 of the training part, spread over it: its test part is
        for the one look at the end. Integers are ``(batch, *shape)`` as the network takes them,
        for a Compressed as the module does: maps channels first.

    Raises
    ------
    TypeError    If ``subject`` is neither, or samples are no integers.
    SpecError    If samples are of another shape, outside the input's format, or none.
    """
    network = getattr(subject, "network", subject)
    if not isinstance(network, Network):
        raise TypeError(f"subject must be a Network or a Compressed, not {subject!r:.80}")
    x = _samples(data)
    if subject is network and hasattr(data, "x_train") and x.ndim == 4:
        x = np.moveaxis(x, 1, -1)
    stages, weights = {}, {}
    if subject is not network:
        stages, weights = _torchs(subject, x)
        x = np.moveaxis(x, 1, -1) if x.ndim == 4 else x
    found = tuple(ranges(network, x).values())
    matrices = {node.name: _matrix(node) for node in network.nodes if isinstance(node, MatVec)}
    fracs = {each.node: _frac(network, stages, each.node) for each in found}
    scales = {name: None if frac is None else 2.0 ** -frac for name, frac in fracs.items()}
    scales |= {name: stage.scale for name, stage in stages.items()}
    return Profile(network.name, network.digest, len(x), found, stages, weights, matrices, fracs,
                   scales)


def _frac(network, stages, name):
    if name in stages:
        return stages[name].frac
    is_affine = AFFINE in (network.meta.get("notes") or {})
    return None if is_affine else getattr(network.edges[name].format, "frac", None)


def _samples(data) -> np.ndarray:
    if not hasattr(data, "x_train"):
        x = as_int64(data, "data")
    else:
        x = data.x_train[::max(1, len(data.x_train) // SAMPLES)][:SAMPLES]
    if x.ndim not in (2, 4) or not len(x):
        raise SpecError(f"data must be samples (batch, features) or maps of 4 axes, at least one,"
                        f" not of shape {x.shape}")
    return x


def _torchs(compressed, x):
    from hwgen.compress.study.stages import layer_weights, stages

    return ({stage.node: stage for stage in stages(compressed, x)},
            {each.node: each for each in layer_weights(compressed, x)})


def _matrix(node: MatVec) -> dict:
    values, fmt = node.weights.to_dense(), node.weights.format
    if hasattr(node.weights, "values"):      # a depthwise one has zeros that nobody stores
        values = node.weights.values
    return {"format": str(fmt), "bits": fmt.bits, "low": int(fmt.min), "high": int(fmt.max),
            "least": int(values.min()), "most": int(values.max()), "count": int(values.size),
            "zeros": int(np.count_nonzero(values == 0)),
            "at_ends": int(np.count_nonzero((values == values.min()) | (values == values.max())))}
