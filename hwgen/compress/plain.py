"""What layers must be to stand in a graph: of weights of their own, finite, of one result."""

import torch
from torch import nn
from torch.nn.utils import parametrize

from hwgen.numeric import SpecError

from .form import Form
from .tracing import place_of

__all__ = ["require_finite", "require_one", "require_own"]

SEVERAL = (nn.RNNBase, nn.LSTMCell, nn.MultiheadAttention, nn.AdaptiveLogSoftmaxWithLoss)
"""Layers of torch that return several things."""

REMOVERS = {"WeightNorm": "remove_weight_norm(layer)",
            "SpectralNorm": "remove_spectral_norm(layer)"}
"""Hook of ``torch.nn.utils`` that computes a weight: what takes it away; others are of pruning."""


def require_own(module) -> None:
    """Raise SpecError for a layer whose weights torch makes of others, such as ``weight_norm``.

    Forms of ours are left: they are put there by steps, and exported as they are.
    """
    for path, layer in module.named_modules():
        for name, maker, remove in _made(layer):
            where = f"module '{path}'" if path else f"module {type(layer).__name__}"
            raise SpecError(f"{where}: {name} must be a parameter of its own, not made of others by"
                            f" {maker}: torch.nn.utils.{remove} before, which keeps its value")


def _made(layer):
    """Of each tensor that torch makes: its name, by what, and the call that takes that away."""
    if parametrize.is_parametrized(layer):
        for name, makers in layer.parametrizations.items():
            for maker in makers:
                if not isinstance(maker, Form):
                    yield (name, type(maker).__name__.lstrip("_"),
                           f"parametrize.remove_parametrizations(layer, {name!r})")
    for hook in layer._forward_pre_hooks.values():
        if type(hook).__module__.startswith("torch.nn.utils"):
            kind = type(hook).__name__
            name = getattr(hook, "name", None) or getattr(hook, "_tensor_name", "weight")
            yield name, kind, REMOVERS.get(kind, f"prune.remove(layer, {name!r})")


def require_finite(whole) -> None:
    """Raise SpecError unless all numbers of the layers that a graph calls are finite."""
    for node in whole.graph.nodes:
        if node.op != "call_module":
            continue
        for name, value in whole.get_submodule(node.target).state_dict().items():
            bad = ~torch.isfinite(value)
            if bool(bad.any()):
                place = tuple(bad.nonzero()[0].tolist())
                raise SpecError(f"module '{node.target}'{place_of(node)}: {name} must be finite,"
                                f" not {float(value[place])} at {list(place)}, one of"
                                f" {int(bad.sum())} that are not: train it anew, or load it again")


def require_one(node, layer) -> None:
    """Raise SpecError for the layer of ``node`` if it returns several things, used or not."""
    if isinstance(layer, SEVERAL) or getattr(layer, "return_indices", False) is True:
        raise SpecError(f"module '{node.target}'{place_of(node)}: must return one tensor, not"
                        f" several as {type(layer).__name__} does: it has no exact form here")
