"""Widths of layers by their signal-to-quantisation-noise ratios."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch

from ..calibrate import calibrate
from ..fixed import MAX_BITS, QuantLinear
from ..frame.prepare import activations, matrices
from ..frame.step import per_layer
from ..quantise import quantise
from .quantise import as_it_is
from .widths import Widths

__all__ = ["Sqnr", "activation_noise", "allocated", "weight_noise"]


def allocated(noise: Mapping, sizes: Mapping, mean: float, least: int, most: int) -> dict:
    """Bits of each layer, ``mean`` of them over all elements at most, of the least noise in all.

    What the result sees is ``1 / SQNR = sum over layers of 1 / SQNR of the layer`` (arXiv
    1511.06393), and that sum is the least that any widths within the budget have. Where a bit
    divides all noises by one factor ``10**(kappa / 10)``, this is the paper's closed form but for
    the rounding, ``beta_i - beta_j = 10 log10(rho_j / rho_i) / kappa``: large layers get fewer.

    Parameters
    ----------
    noise : mapping of layer to ``{bits: 1 / SQNR}``, of ``least`` to ``most`` bits
    sizes : mapping of layer to its number of elements, rho
    """
    budget, rest = mean * sum(sizes.values()), sum(sizes.values()) * least
    front = [(0, 0.0, ())]      # bits that are stored, noise, widths: none better in both
    for name, size in sizes.items():
        rest -= size * least
        front = _best(sorted((stored + bits * size, total + noise[name][bits], (*widths, bits))
                             for stored, total, widths in front
                             for bits in range(least, most + 1)
                             if stored + bits * size + rest <= budget))
    return dict(zip(sizes, front[-1][2], strict=True))


def _best(states: list) -> list:
    """Those of ascending size that have less noise than all before."""
    found, least = [], float("inf")
    for state in states:
        if state[1] < least:
            found.append(state)
            least = state[1]
    return found


def weight_noise(layer: QuantLinear, widths, rule: str) -> dict[int, float]:
    """``{bits: 1 / SQNR}`` of a layer's weights, each width with the step of ``rule``."""
    weight, found = layer.weight.detach(), {}
    for bits in widths:
        probe = QuantLinear(1, 1, bits=bits)
        step = 2.0 ** -probe.best_frac(weight, rule)
        rounded = (weight / step).round().clamp(*probe.limits) * step
        found[bits] = _ratio(rounded, weight)
    return found


@torch.no_grad()
def activation_noise(model, samples, widths, rule: str) -> tuple[dict, dict]:
    """``{layer: {bits: 1 / SQNR}}`` of each activation, and ``{layer: values of a sample}``.

    Each reads what it does where all have 16 bits, whose results stand for the real ones.
    """
    names = list(activations(model))

    def twin(bits, calibrator):
        return quantise(model, samples, weight_bits=MAX_BITS, activation_bits=bits,
                        calibrator=calibrator)

    fine = twin(MAX_BITS, lambda module, x: calibrate(module, x, rule=rule)).eval()
    seen, handles = {}, []
    for name in names:
        handles.append(fine.get_submodule(name).register_forward_hook(
            lambda _, read, y, name=name: seen.update({name: (read[0], y)})))
    fine(torch.tensor(samples).float())
    found: dict[str, dict] = {name: {} for name in names}
    for bits in widths:
        coarse = twin(bits, as_it_is)
        for name in names:
            layer, (x, wanted) = copy.deepcopy(coarse.get_submodule(name)), seen[name]
            if isinstance(getattr(layer, "in_frac", None), torch.Tensor):
                layer.in_frac.copy_(fine.get_submodule(name).in_frac)
            if hasattr(layer, "calibrate"):
                layer.calibrate(x, rule)
            found[name][bits] = _ratio(layer(x), wanted)
    return found, {name: seen[name][1][0].numel() for name in names}


def _ratio(rounded, real) -> float:
    """1 / SQNR; 0 where there is no signal."""
    signal = float(real.double().square().sum())
    return float((rounded.double() - real.double()).square().sum()) / signal if signal else 0.0


@dataclass(frozen=True, kw_only=True)
class Sqnr(Widths):
    """Give each layer the bits with which the noise of all roundings together is least.

    Noise is measured, on the weights and on training samples; nothing is trained for it. Weights
    share a budget of bits; so do activations, each as many as a sample has values, where
    ``mean_activation_bits`` is given.

    Parameters
    ----------
    mean_bits : float                        of all weights, at most
    mean_activation_bits : float, optional   of all activations of a sample, at most
    activation_bits : int, or mapping        without that: as of ``quantise``
    """

    kind: ClassVar[str] = "quantise-sqnr"
    text: ClassVar[str] = "fixed point, bits dealt out to layers by their noise (SQNR)"
    source: ClassVar[str] = "arXiv 1511.06393"
    mean_bits: float = 4.0
    mean_activation_bits: float | None = None
    activation_bits: int | Mapping[str, int] = 8

    def check(self):
        super().check()
        self.require_real("mean_bits", self.least, self.most)
        if self.mean_activation_bits is not None:
            self.require_real("mean_activation_bits", self.least, self.most)

    def widths(self, run):
        """Measure, and deal out."""
        model, samples = run.model.eval(), run.samples()
        choices = range(self.least, self.most + 1)
        folded = matrices(quantise(model, samples, weight_bits=self.most,
                                   activation_bits=self.most, calibrator=as_it_is))
        noise = {name: weight_noise(layer, choices, self.rule) for name, layer in folded.items()}
        sizes = {name: layer.weight.numel() for name, layer in folded.items()}
        weight_bits = allocated(noise, sizes, self.mean_bits, self.least, self.most)
        if self.mean_activation_bits is None:
            return weight_bits, per_layer("activation_bits", self.activation_bits,
                                          activations(model))
        return weight_bits, allocated(*activation_noise(model, samples, choices, self.rule),
                                      self.mean_activation_bits, self.least, self.most)
