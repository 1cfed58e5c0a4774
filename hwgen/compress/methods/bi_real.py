"""Bi-Real: convolutions become binary, each beside a shortcut of the real values that it reads."""

import copy
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from hwgen.numeric import SpecError

from ..add import QuantAdd
from ..between import Between
from ..bi_real import BiRealConv2d
from ..channels import inputs_of
from ..form import forms_of, maker_of
from ..frame.marks import FIXED
from ..frame.prepare import matrices
from ..frame.step import TrainingStep, named
from ..graph import layer_of
from ..twin import LEFT_OUT, NORMS

__all__ = ["BiReal", "with_shortcuts"]

CARRIERS = (nn.MaxPool2d, nn.AvgPool2d, *LEFT_OUT)
"""What may stand between an activation and a binary convolution."""

SIGNED = (nn.Conv2d, *NORMS, QuantAdd, BiRealConv2d)
"""Layers whose results have signs, and are not rounded yet."""


def with_shortcuts(model, names, scale_bits: int):
    """A copy of ``model`` whose convolutions ``names`` are binary, each beside a shortcut.

    ``A = BN(conv(sign(a))) + a`` of what it reads, ``a``; the batch norm behind is taken in, or a
    new one is made. ReLUs in front and behind become places where real values are only rounded.

    Raises
    ------
    SpecError    For a convolution that has no such form: its name and the reason.
    """
    model = copy.deepcopy(model)
    for name in names:
        try:
            _replace(model, name, scale_bits)
        except SpecError as error:
            raise SpecError(f"layer '{name}' {error}") from error
    model.graph.lint()
    model.recompile()
    return model


def _node(model, name):
    return next(node for node in model.graph.nodes if node.target == name)


def _replace(model, name, scale_bits):
    node, norm = _node(model, name), None
    conv = layer_of(model, node)
    _round_in_front(model, node)
    behind = _norm_of(model, node)
    if behind is not None:
        norm = layer_of(model, behind)
        if norm.weight is None or norm.running_var is None:
            raise SpecError(f"must have a batch norm with scales and running statistics, not"
                            f" {norm}")
        behind.replace_all_uses_with(node)
        model.graph.erase_node(behind)
        model.delete_submodule(behind.target)
    norm = nn.BatchNorm2d(conv.out_channels).train(conv.training) if norm is None else norm
    model.set_submodule(name, BiRealConv2d(conv, norm, scale_bits))
    total = _sum_of(model, node)
    if total is None:
        total = _insert(model, node, "shortcut", QuantAdd(), (node, node.args[0]))
    elif all(isinstance(layer_of(model, each), BiRealConv2d) for each in total.args):
        raise SpecError(f"must be added to real values in '{total.target}', not to other binary"
                        f" convolutions alone: leave one of them out")
    _round_behind(model, total)


def _reader(model, node, kinds):
    """The one node that reads ``node``, if its layer is of ``kinds``; else None."""
    readers = list(node.users)
    return readers[0] if len(readers) == 1 and isinstance(layer_of(model, readers[0]),
                                                          kinds) else None


def _norm_of(model, node):
    return _reader(model, node, NORMS)


def _sum_of(model, node):
    """The sum that alone reads a node, which is its shortcut then; None where there is none."""
    return _reader(model, node, QuantAdd)


def _insert(model, node, what, layer, args):
    """Put ``layer`` behind a node, whose readers read it from now on."""
    name = f"{node.target}_{what}".replace(".", "_")
    model.add_submodule(name, layer)
    readers = [*node.users]
    with model.graph.inserting_after(node):
        made = model.graph.call_module(name, args)
    for reader in readers:
        reader.replace_input_with(node, made)
    return made


def _round_behind(model, node):
    """Let the ReLU behind only round, or put such a place there."""
    reader = _reader(model, node, (nn.ReLU, Between))
    if reader is not None:
        model.set_submodule(reader.target, Between())
    else:
        _insert(model, node, "rounded", Between(), (node,))


def _round_in_front(model, node):
    """The same of what a convolution reads, through pools."""
    source = node.args[0]
    while isinstance(layer_of(model, source), CARRIERS):
        source = source.args[0]
    layer = layer_of(model, source)
    if isinstance(layer, nn.ReLU):
        model.set_submodule(source.target, Between())
    elif isinstance(layer, SIGNED):
        _insert(model, source, "rounded", Between(), (source,))
    elif not isinstance(layer, Between):
        raise SpecError(f"must read a convolution, a batch norm, a sum or a ReLU, which becomes"
                        f" linear, not {type(layer).__name__}: signs of others say too little, and"
                        f" the first convolution stays as it is")


@torch.no_grad()
def fault(model, name, sample):
    """Why a layer cannot become binary beside a shortcut; None where it can."""
    layer, node = model.get_submodule(name), _node(model, name)
    if not isinstance(layer, nn.Conv2d):
        return f"must be a Conv2d, not {layer}"
    if forms_of(layer):
        return f"must have weights of their own, not those of {maker_of(layer)}"
    read, _ = inputs_of(model, [name], sample)
    before, after = tuple(read[name].shape[1:]), tuple(layer(read[name]).shape[1:])
    if before != after and _sum_of(model, _norm_of(model, node) or node) is None:
        return (f"must make maps of the shape that it reads, {before}, not {after}, since both are"
                f" added: leave it out, or add a shortcut of its own to the model, such as an"
                f" average pool and a convolution of 1 x 1")
    return None


@dataclass(frozen=True, kw_only=True)
class BiReal(TrainingStep):
    """Make convolutions binary, with shortcuts of real values, and train; then comes ``quantise``.

    Activations become signs in front of these convolutions alone, with the gradient of a piecewise
    polynomial; weights signs with the magnitude-aware gradient. What the shortcut carries is
    rounded to the activation bits of ``quantise``, signed, and the sums are exact; all other layers
    become fixed point there. The paper starts from a network whose ReLUs are clips; here from the
    model as it is. Later steps leave the signs alone, and a training's count of bits does too; the
    account has them.

    Parameters
    ----------
    layers : list of str, optional
        Convolutions. Unless given, all larger than 1 x 1, but for the first and last matrix, whose
        maps keep their shape or are added to others by the model itself.
    scale_bits : int    2..16, of the factor of each of their outputs
    """

    kind: ClassVar[str] = "bi-real"
    text: ClassVar[str] = "binary convolutions beside shortcuts of real values (Bi-Real)"
    source: ClassVar[str] = "arXiv 1808.00278"
    needs_sizes: ClassVar[bool] = True
    layers: tuple[str, ...] | list[str] | None = None
    scale_bits: int = 8
    epochs: int = 1

    def check(self):
        self.require_int("scale_bits", 2, 16)
        self.require_int("epochs", 1)
        if self.layers is not None:
            self.require_names("layers")

    def validate(self, context):
        """Of floats, each weight of its own."""
        context.refuse(FIXED, "take 'bi-real' before 'quantise'")
        for mark in ("pruned", "shared", "tied", "structured"):
            context.refuse(mark, "signs follow from all latent weights: take 'bi-real' first")
        sample = torch.tensor(context.split.x_train[:1]).float()
        context.model = self._made(context.model, sample)
        context.layers = matrices(context.model)
        context.norms = context.norms & context.layers.keys()
        context.mark("signs")

    def apply(self, run):
        """Put the blocks in the places of the convolutions, then train."""
        before = set(run.matrices)
        run.model = self._made(run.model, run.labelled(1)[0])
        run.notes[self.kind] = {"layers": sorted(before - set(run.matrices))}
        run.train(self)

    def _made(self, model, sample):
        return with_shortcuts(model, self._chosen(model, sample), self.scale_bits)

    def _chosen(self, model, sample):
        known = matrices(model)
        if self.layers is None:
            found = [name for name in [*known][1:-1] if fault(model, name, sample) is None
                     and known[name].kernel_size != (1, 1)]
            if not found:
                raise SpecError("model must have a convolution larger than 1 x 1, not the first or"
                                " last layer, whose maps keep their shape, and has none")
            return found
        names = named(self.layers, known)
        for name in names:
            if reason := fault(model, name, sample):
                raise SpecError(f"layer '{name}' {reason}")
        return names
