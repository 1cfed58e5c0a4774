"""Affine numbers ``real = S (q - Z)`` of any scale: float layers to train, then their integers."""

import torch
from torch import nn

from hwgen.numeric import SpecError

from .between import Between
from .conv import Flatten
from .fixed import QuantInput
from .form import Form, baked, form_of, forms_of, latent, put
from .graph import as_graph, layer_of
from .layer import Layer, within
from .normalise import fold_batch_norm
from .quantise import TWINS as FIXED_TWINS
from .rescale import QuantRescale
from .straight import passed
from .twin import PLAIN, flattened, twin_of, unchanged

__all__ = ["WEIGHTS", "AffineRange", "AffineWeights", "affine", "as_integers", "ranges_of"]

WEIGHTS = ("affine", "symmetric", "channel")
"""Grids of weights: of the layer with a zero point or without, of each output without."""

SCORES = "scores"
"""Name of the layer that is put behind the last matrix."""


class AffineWeights(Form):
    """Weights on an affine grid: ``S (clamp(round(w / S) + Z, 1, 2**bits - 1) - Z)``.

    Of Jacob et al. (arXiv 1712.05877, eq. 12): ``S`` and ``Z`` follow from the least and the
    largest weight at each forward, the ends moved so that 0 is met exactly; the lowest code is
    left out, so that as int8 no weight is -128. The gradient passes the rounding.

    Parameters
    ----------
    bits : int     2..8
    kind : str     one of :data:`WEIGHTS`
    """

    made_by = "integer-only"

    def __init__(self, bits: int, kind: str):
        super().__init__()
        self.bits = within("AffineWeights: bits", bits, 2, 8)
        if kind not in WEIGHTS:
            raise SpecError(f"AffineWeights: kind must be one of {list(WEIGHTS)}, not {kind!r}")
        self.kind = kind

    @torch.no_grad()
    def grid(self, weight):
        """``(S, Z)``: the scale, (n_out,) or (1,), and the code of 0 of all, an int."""
        rows, half = weight.detach().flatten(1), (1 << self.bits - 1) - 1
        if self.kind != "affine":
            peak = rows.abs().amax(1) if self.kind == "channel" else rows.abs().max()[None]
            return torch.where(peak > 0, peak / half, 1.0), half + 1
        low, high = rows.min().clamp_max(0), rows.max().clamp_min(0)
        scale = (high - low)[None] / (2 * half)
        scale = torch.where(scale > 0, scale, 1.0)
        return scale, int(torch.round(1 - low / scale).clamp(1, 2 * half + 1))

    @torch.no_grad()
    def integers(self, weight):
        """``q - Z`` of each weight, in its shape and dtype, and the grid."""
        scale, zero = self.grid(weight)
        found = torch.round(weight / _along(scale, weight))
        return found.clamp(1 - zero, (1 << self.bits) - 1 - zero), scale, zero

    def forward(self, weight):
        integers, scale, _ = self.integers(weight)
        return passed(weight, integers * _along(scale, weight))

    def extra_repr(self):
        return f"{self.bits}, {self.kind!r}"


class AffineRange(Layer):
    """``S (clamp(round(x / S) + Z, 0, 2**bits - 1) - Z)`` within a running range of ``x``.

    The ends ``a``, ``b`` are exponential moving averages of the least and the largest value of each
    batch in training (arXiv 1712.05877, section 3.1), moved so that they hold 0 and meet it
    exactly: ``S = (b - a) / (2**bits - 1)``, ``Z = round(-a / S)``. In training nothing is rounded
    before ``start`` batches. With ``relu`` what is below 0 becomes 0, so ``a`` and ``Z`` are 0. The
    gradient is that of the real function within the range.

    Parameters
    ----------
    bits : int           1..16
    relu : bool
    momentum : float     share of the old ends that stays with each batch

    Members
    -------
    start : int          batches that training leaves unrounded; of the training, not of the state
    """

    def __init__(self, bits: int, *, relu: bool, momentum: float):
        super().__init__()
        self.bits, self.relu = within("AffineRange: bits", bits, 1, 16), bool(relu)
        self.momentum, self.start = float(momentum), 0
        for name in ("low", "high"):
            self.register_buffer(name, torch.tensor(0.0))
        self.register_buffer("seen", torch.tensor(0))

    @torch.no_grad()
    def observe(self, x, momentum: float) -> None:
        """Move the ends towards those of ``x``, keeping this share of the old ones."""
        for end, found in ((self.low, x.min().clamp_max(0)), (self.high, x.max().clamp_min(0))):
            end.mul_(momentum).add_((1 - momentum) * found)

    def grid(self) -> tuple[float, int]:
        """``S`` and ``Z``; S is 1 where there is no range."""
        low, high, top = float(self.low), float(self.high), (1 << self.bits) - 1
        scale = (high - low) / top or 1.0
        return scale, min(max(round(-low / scale), 0), top)

    def forward(self, x):
        x = torch.relu(x) if self.relu else x
        if self.training:
            self.observe(x, self.momentum)
            self.seen += 1
            if int(self.seen) <= self.start:
                return x
        scale, zero = self.grid()
        least, most = -zero * scale, ((1 << self.bits) - 1 - zero) * scale
        bounded = torch.clamp(x, least, most)
        return passed(bounded, torch.round(bounded.detach() / scale) * scale)

    def extra_repr(self):
        return f"{self.bits}, relu={self.relu}, momentum={self.momentum}"


def _along(scale, weight):
    """A scale of outputs in front of the other axes of ``weight``."""
    return scale.view(-1, *[1] * (weight.dim() - 1))


def ranges_of(module) -> dict:
    """The ranges of a module by name."""
    return {name: layer for name, layer in module.named_modules()
            if isinstance(layer, AffineRange)}


@torch.no_grad()
def affine(module, samples, *, weight_bits, activation_bits, weights: str, momentum: float):
    """The float twin of ``module`` that rounds to affine grids, to be trained; ranges are measured.

    Batch norms are folded, weights get :class:`AffineWeights` behind their forms, each ``ReLU`` and
    the scores an :class:`AffineRange`, whose ends are those of ``samples`` in the float module.

    Parameters
    ----------
    module : torch.nn.Module            begins with QuantInput; not changed
    samples : integers (batch, ...)
    weight_bits : mapping of layer name to int
    activation_bits : int
    weights : str                       one of :data:`WEIGHTS`
    momentum : float                    of the ranges

    Raises
    ------
    SpecError    For a layer that has no such twin.
    """
    def options(name):
        return {"bits": weight_bits.get(name), "kind": weights,
                "range": lambda relu: AffineRange(activation_bits, relu=relu, momentum=momentum)}

    whole = as_graph(twin_of(module, samples, TWINS, options, verb="integer-only", **PLAIN))
    _put_scores(whole, AffineRange(activation_bits, relu=False, momentum=momentum))
    parts = ranges_of(whole).values()
    for part in parts:
        part.start, part.momentum = 1, 0.0              # the one batch that is all samples
    whole.train()(torch.tensor(samples).float())
    for part in parts:
        part.start, part.momentum = 0, momentum
        part.seen.zero_()
    return whole.eval()


def _put_scores(whole, layer):
    """Put ``layer`` in front of the output, unless one of its kind is there."""
    output = next(node for node in whole.graph.nodes if node.op == "output")
    (last,) = output.all_input_nodes
    if isinstance(layer_of(whole, last), AffineRange):
        return
    name = SCORES
    while hasattr(whole, name):
        name += "_"
    whole.add_module(name, layer)
    with whole.graph.inserting_after(last):
        scores = whole.graph.call_module(name, (last,))
    output.replace_input_with(last, scores)
    whole.recompile()


def _matrix(layer, state):
    if state.is_open:
        raise SpecError("must have an activation between it and the matrix before it")
    state.is_open = True
    made = baked(layer)
    weight, factor = latent(layer).detach(), None
    if state.norm is not None:
        rows, bias = fold_batch_norm(weight.flatten(1), layer.bias, state.norm)
        factor = fold_batch_norm(torch.ones(len(weight), 1), None, state.norm)[0][:, 0]
        weight, made.bias = rows.view_as(weight).float(), nn.Parameter(bias.float())
    made.weight = nn.Parameter(weight.clone())
    for form in forms_of(layer):
        put(made, form.moved(lambda w: w, factor))
    put(made, AffineWeights(state.options["bits"], state.options["kind"]))
    return made


def _range(layer, state):
    if not state.is_open:
        raise SpecError("must follow a matrix")
    state.is_open = False
    return state.options["range"](isinstance(layer, nn.ReLU))


TWINS = {
    QuantInput: unchanged, nn.Linear: _matrix, nn.Conv2d: _matrix, nn.ReLU: _range,
    Between: _range, nn.MaxPool2d: unchanged, nn.Flatten: unchanged, Flatten: unchanged,
}
"""``TWINS[kind](layer, state)`` of the module to train."""


@torch.no_grad()
def as_integers(module, samples):
    """The integer layers of what :func:`affine` gave: every fraction at 0, scales in rescales."""
    return as_graph(twin_of(module, samples, INTEGER_TWINS, lambda name: {},
                            verb="integer-only", **PLAIN))


def _input_integers(layer: QuantInput, state):
    state.scale = torch.tensor([2.0 ** -int(layer.frac)]).double()
    return QuantInput(bits=layer.bits, signed=layer.signed, zero_point=layer.zero_point)


def _matrix_integers(layer, state):
    form, plain = form_of(layer, AffineWeights), baked(layer)
    integers, scale, zero = form.integers(_behind(layer, form))
    state.scale = state.scale * scale.double()
    plain.weight.copy_(integers)
    if plain.bias is not None:
        plain.bias.copy_(torch.round(plain.bias.double() / state.scale))
    state.options = {"weight_bits": form.bits}
    made = next(convert for kind, convert in FIXED_TWINS.items() if isinstance(layer, kind))(
        plain, state)
    made.frac.fill_(0)
    made.zero_point = zero if form.kind == "affine" else None
    return made


def _behind(layer, last):
    """The weights behind all forms of a layer but ``last``."""
    weight = latent(layer).detach()
    for form in forms_of(layer):
        weight = weight if form is last else form(weight)
    return weight


def _range_integers(layer: AffineRange, state):
    scale, zero = layer.grid()
    made = QuantRescale(layer.bits, (state.scale / scale).tolist(), zero_point=zero)
    state.scale = torch.tensor([scale]).double()
    return made


INTEGER_TWINS = {
    QuantInput: _input_integers, nn.Linear: _matrix_integers, nn.Conv2d: _matrix_integers,
    AffineRange: _range_integers, nn.MaxPool2d: unchanged, nn.Flatten: flattened,
    Flatten: unchanged,
}
"""The same of the integer layers."""
