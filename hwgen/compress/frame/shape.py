"""Whether a model takes the samples that there are, and makes scores of them."""

import torch

from hwgen.numeric import SpecError

from ..running import run_through

__all__ = ["require_scores"]


@torch.no_grad()
def require_scores(whole, data) -> None:
    """SpecError unless a graph of layers makes scores of a sample, one for each class."""
    sample = torch.from_numpy(data.x_train[:1].astype("float32"))
    training = whole.training
    try:
        scores = run_through(whole.eval(), sample)
    except SpecError as error:
        raise SpecError(f"model must take samples of shape {tuple(data.x_train.shape[1:])}, and"
                        f" does not: {error}") from error
    finally:
        whole.train(training)
    if not isinstance(scores, torch.Tensor):
        raise SpecError(f"model must return scores (batch, {data.classes}), not a"
                        f" {type(scores).__name__}")
    if scores.dim() != 2 or scores.shape[1] < data.classes:
        raise SpecError(f"model must return scores (batch, {data.classes}), not"
                        f" {tuple(scores.shape)}")
