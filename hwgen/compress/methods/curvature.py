"""How much the loss depends on each weight: the Hessian's diagonal, Adam's second moments."""

import torch
from torch.nn import functional as F

from ..form import latent

__all__ = ["hessian_diagonal", "second_moments"]


def hessian_diagonal(model, layers, x) -> dict:
    """``{name: mean of d2 loss / dw2}`` over samples ``x``, in the shape of each layer's weights.

    Of the cross entropy: ``sum_c p_c (d log p_c / dw)**2``, the diagonal of
    ``J' (diag p - p p') J``. That is the Hessian's own diagonal where the model is piecewise
    linear in each weight, as with ReLU and max pools, and never below 0 anywhere. Rounding is
    passed straight through.

    Parameters
    ----------
    model : torch.nn.Module    returns scores (batch, classes)
    layers : dict              those of the model that are asked for, by name
    x : float tensor (n, ...)
    """
    model.eval()
    weights = [latent(layer) for layer in layers.values()]
    found = [torch.zeros_like(weight) for weight in weights]
    for sample in x:
        logs = F.log_softmax(model(sample[None])[0], 0)
        for c, log in enumerate(logs):
            gradients = torch.autograd.grad(log, weights, retain_graph=c + 1 < len(logs))
            for total, gradient in zip(found, gradients, strict=True):
                total.add_(log.detach().exp() * gradient.square() / len(x))
    return dict(zip(layers, found, strict=True))


def second_moments(model, layers, x, labels, batch: int) -> dict:
    """``{name: mean of g**2}`` of the cross entropy's gradients, of batches one behind another.

    What Adam's second moment estimates at weights that stay; arguments as those of
    :func:`hessian_diagonal`, ``labels`` int64 (n,).
    """
    model.eval()
    weights = [latent(layer) for layer in layers.values()]
    found, count = [torch.zeros_like(weight) for weight in weights], -(-len(x) // batch)
    for samples, right in zip(x.split(batch), labels.split(batch), strict=True):
        gradients = torch.autograd.grad(F.cross_entropy(model(samples), right), weights)
        for total, gradient in zip(found, gradients, strict=True):
            total.add_(gradient.square() / count)
    return dict(zip(layers, found, strict=True))
