"""From a trained module to the exact integer network, and torch's own integers."""

import re

import numpy as np
import torch

from hwgen.ir import Argmax, Network, Node
from hwgen.numeric import SpecError, as_array, as_int64

from .add import QuantAdd
from .centre import without_zero_point
from .convert import CONVERTERS
from .errors import ExportError
from .frozen import in_double
from .refusals import refusal
from .tracing import INPUT, Step, check_module, trace
from .value import Value

__all__ = ["export", "node_name", "predict_integers", "values_of"]


def export(module, sample, *, name: str = "network", argmax: bool = True, k: int = 1,
           meta=None) -> Network:
    """The exact integer network of a trained ``module``.

    Exact by construction: each layer hands over the integers that its own forward multiplies, and
    each batch norm with sign is bisected on torch's own evaluation in float64. (In float32 a batch
    norm rounds: a sum within its last bits of a threshold may fall on the other side.)

    Parameters
    ----------
    module : torch.nn.Module
        Of QuantInput or ThermometerInput first, then QuantLinear, QuantReLU, BinaryLinear,
        BatchNorm + Sign, their likes for maps, Dropout, Identity, and sums ``a + b`` of values in
        fixed point; traceable by torch.fx. It is not changed.
    sample : integers (batch, n_in) or (batch, c, h, w)
        Gives the size of the input, and is evaluated once as a check. Maps are channels first, as
        ``module`` takes them; the network's are ``(h, w, c)``, so it reads
        ``np.moveaxis(sample, 1, -1)``.
    name : str
    argmax : bool
        Append the class as a second output.
    k : int
        Append the ``k`` best classes, best first, instead of the one.
    meta : mapping, optional
        JSON-ready notes; ``score_frac`` is added: score = integer * 2**-score_frac.

    Raises
    ------
    ExportError   With all faults: the path, the line of the user's code where there is one, the
                  type, the reason and what to do.
    CheckError    If ``k`` is not in 1 to the number of scores.
    SpecError     If it is not 1 without ``argmax``.
    TypeError     If ``module`` is no torch module or ``sample`` holds no integers.
    """
    if not argmax and k != 1:
        raise SpecError(f"{name}: k must be 1 without argmax, not {k}; leave argmax=True")
    walk = _Walk(name, module, _batch(sample, "sample"))
    walk.evaluate(sample, "sample")
    outputs = [walk.value.node]
    nodes = list(walk.nodes)
    if argmax:
        nodes.append(Argmax(walk.unused("argmax"), (walk.value.node,), k))
        outputs.append(nodes[-1].name)
    return Network(name, tuple(nodes), tuple(outputs),
                   {**(meta or {}), "score_frac": walk.value.frac})


def predict_integers(module, x) -> np.ndarray:
    """Scores of torch's own float64 evaluation of ``module``, as integers, int64 (batch, n_out).

    ``x`` is as ``module`` takes it, maps channels first; a map that it returns has channels last.
    The forward is the module's; only its result is divided by its step ``2**-frac``.

    Raises
    ------
    SpecError     If a score is not exactly on that grid, or ``x`` is outside the input's format.
    ExportError   If the module has no exact export.
    """
    return _Walk("predict_integers", module, _batch(x, "x")).evaluate(x, "x")


def values_of(module, sample) -> list[tuple[Step, Value]]:
    """Each use of a layer, in order, and which node of the export holds what it returns.

    The layers are those of a copy of ``module`` in float64, whose forward gives exactly
    ``(integer - zero) * 2**-frac``, unless something in ``pending`` waits.

    Raises
    ------
    ExportError   If the module has no exact export.
    """
    walk = _Walk("values_of", module, _batch(sample, "sample"))
    return [(step, walk.values[step.node]) for step in walk.steps]


def _batch(x, what: str) -> np.ndarray:
    x = x.detach().cpu().numpy() if isinstance(x, torch.Tensor) else as_array(x, what)
    if x.dtype.kind not in "iu":
        raise TypeError(f"{what} must be an array of integers, not of {x.dtype}")
    if x.ndim not in (2, 4) or 0 in x.shape:
        raise SpecError(f"{what} must be of shape (batch, n_in) or (batch, c, h, w), all at least"
                        f" 1, not {x.shape}")
    return as_int64(x, what)


def node_name(name: str) -> str:
    """What the node of a module ``name`` is called, unless another one has that name."""
    name = re.sub(r"[^A-Za-z0-9_]", "_", name)
    return name if name[:1].isalpha() else f"layer{name}"


class _Walk:
    """The module, layer by layer, in float64: its nodes and the value that it returns."""

    @torch.no_grad()
    def __init__(self, name: str, module, x: np.ndarray):
        check_module(module)
        self.module = in_double(module)
        steps, returned = trace(self.module)
        self.name, self.nodes, self.faults = name, [], []
        self.taken = {INPUT}
        values = {INPUT: Value(INPUT, None, x.shape[1], spatial=x.shape[2:] or None)}
        for step in steps:
            values[step.node] = self._convert(step, [values[name] for name in step.sources])
        self.steps, self.values, self.value = steps, values, values[returned]
        if self.value is not None:
            self._check_result()
        if self.faults:
            raise ExportError(name, self.faults)
        if self.value.zero:
            self._leave_out_zero()

    def _leave_out_zero(self):
        """Take the zero point off the result; all uses of its node have that value then."""
        self.nodes, self.value = without_zero_point(self.nodes, self.value, self.unused("scores"))
        self.values = {name: self.value if value.node == self.value.node else value
                       for name, value in self.values.items()}

    def unused(self, name: str) -> str:
        """A node name made of ``name`` that no other node has."""
        name = node_name(name)
        base, count = name, 1
        while name in self.taken:
            count += 1
            name = f"{base}_{count}"
        self.taken.add(name)
        return name

    def _convert(self, step: Step, read: list[Value | None]) -> Value | None:
        """The value after ``step``; None, with the faults noted, where it has none."""
        converter, module = CONVERTERS.get(type(step.layer)), f"module '{step.path}'{step.place}"
        if converter is None:
            self.faults.append(refusal(step.path, step.layer, step.place))
        wrong = [] if step.layer is None else _not_finite(step.layer)
        is_sum = isinstance(step.layer, QuantAdd)
        if converter is not None and not is_sum and len(read) != 1:
            wrong.append(f"must read one value, not {len(read)}")
        self.faults += [f"{module}: {fault}" for fault in wrong]
        if converter is None or wrong or None in read:
            return None
        try:
            nodes, result = converter(step.layer, tuple(read) if is_sum else read[0],
                                      self.unused(step.node))
        except SpecError as error:
            self.faults.append(f"{module}: {error}")
            return None
        self.nodes += nodes
        return result

    def _check_result(self):
        if self.value.channel_frac is not None:
            self.faults.append(
                "result: must be in one unit, not with fraction bits of each group of channels: end"
                " with QuantActivation or QuantLinear")
        if self.value.edge is None or self.value.pending:
            self.faults.append(
                "result: must be the integers of a layer, not the module's input, a BatchNorm's"
                " output or sums that a kind of weights scales: end with BinaryLinear, QuantLinear,"
                " QuantReLU or Sign")

    @torch.no_grad()
    def evaluate(self, x, what: str) -> np.ndarray:
        x = _batch(x, what)
        first: Node = self.nodes[0]
        first.format.require(x, what)
        scaled = self.module(torch.from_numpy(x).double()).numpy() * 2.0 ** self.value.frac
        bad = np.argwhere(scaled != np.rint(scaled))
        if len(bad):
            index = tuple(int(i) for i in bad[0])
            raise SpecError(f"{self.name}: scores must be multiples of 2**-{self.value.frac}, not"
                            f" {float(scaled[index])} of them at index {list(index)}")
        if self.value.spatial is not None:
            scaled = np.moveaxis(scaled, 1, -1)
        return scaled.astype(np.int64)


def _not_finite(layer) -> list[str]:
    faults = []
    for name, tensor in layer.state_dict().items():
        bad = np.argwhere(~np.isfinite(tensor.numpy()))
        if len(bad):
            index = tuple(int(i) for i in bad[0])
            faults.append(f"{name} must be finite, not {float(tensor[index])} at index"
                          f" {list(index)} ({len(bad)} of {tensor.numel()} are not)")
    return faults
