"""Batch normalisation with an evaluation defined to the last bit, and its folding."""

import torch
from torch import nn

from hwgen.numeric import SpecError

from .layer import Layer, within

__all__ = ["BatchNorm", "fold_batch_norm"]


class BatchNorm(Layer, nn.BatchNorm1d):
    """Batch normalisation evaluated as ``(x - mean) * (gamma / sqrt(var + eps)) + beta``.

    Each operation is rounded on its own, in this order. The kernel of ``torch.nn.BatchNorm1d`` may
    fuse or reorder them depending on the processor and the batch, which can flip a sign that
    follows when the sum is nearly zero. Training, parameters and state_dict are those of torch.
    """

    def __init__(self, n: int, *, eps: float = 1e-5, momentum: float = 0.1):
        super().__init__(within("BatchNorm: n", n, 1), eps=eps, momentum=momentum)

    def forward(self, x):
        if self.training:
            return super().forward(x)
        return (x - self.running_mean) * self.scale() + self.bias

    def scale(self):
        """``gamma / sqrt(var + eps)``, shape (n,)."""
        return self.weight / torch.sqrt(self.running_var + self.eps)


@torch.no_grad()
def fold_batch_norm(weight, bias, norm):
    """Weight and bias (float64) of the linear layer equal to ``norm(weight @ x + bias)``.

    Or of a convolution, whose filters are the rows of ``weight``.

    Done before quantisation-aware training: ``W' = s W``, ``b' = s (b - mean) + beta`` with
    ``s = gamma / sqrt(var + eps)``, one per output (arXiv 1712.05877, section 3.2).

    Parameters
    ----------
    weight : Tensor (n_out, n_in)
    bias : Tensor (n_out,) or None
    norm : torch.nn.BatchNorm1d or BatchNorm2d over n_out features, with its running statistics
    """
    if not isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d):
        raise TypeError(f"fold_batch_norm: norm must be a BatchNorm1d or BatchNorm2d, not"
                        f" {norm!r}")
    if norm.running_var is None or norm.num_features != len(weight):
        raise SpecError(f"fold_batch_norm: norm must have running statistics of {len(weight)}"
                        f" features, not {norm!r}")
    n = norm.num_features
    gamma = torch.ones(n) if norm.weight is None else norm.weight
    beta = torch.zeros(n) if norm.bias is None else norm.bias
    scale = gamma.double() / torch.sqrt(norm.running_var.double() + norm.eps)
    shift = torch.zeros(n).double() if bias is None else bias.double()
    folded = scale * (shift - norm.running_mean.double()) + beta.double()
    return scale[:, None] * weight.double(), folded
