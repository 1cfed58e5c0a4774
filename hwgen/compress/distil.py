"""Distillation loss of Hinton, Vinyals and Dean (arXiv 1503.02531)."""

from torch.nn import functional as F

__all__ = ["distillation_loss"]


def distillation_loss(scores, teacher_scores, labels, *, alpha: float, temperature: float):
    """``alpha T^2 KL(p_teacher^T || p_student^T) + (1 - alpha) CE``, averaged over the batch.

    ``p^T = softmax(scores / T)``; ``T^2`` keeps the size of the soft gradient independent of T.
    """
    hard = F.cross_entropy(scores, labels)
    student = F.log_softmax(scores / temperature, dim=1)
    teacher = F.log_softmax(teacher_scores / temperature, dim=1)
    soft = F.kl_div(student, teacher, log_target=True, reduction="batchmean")
    return alpha * temperature ** 2 * soft + (1 - alpha) * hard
