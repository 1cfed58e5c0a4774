"""Random changes of training samples; they stay integers, as the first layer needs."""

import torch
from torch.nn import functional as F

__all__ = ["mixed", "shifted"]

MOVES = ((0, 1), (2, 1), (1, 0), (1, 2), (1, 1))
"""First row and column, in an image padded by one pixel, after each move; the last is none."""


def shifted(x, share: float, side: int):
    """Each image of ``x`` moved by one pixel with probability ``share``, all channels alike.

    Up, down, left or right; zeros come in. Images are vectors (n, side * side) or maps
    (n, c, side, side).
    """
    n = len(x)
    padded = F.pad(x.reshape(n, -1, side, side), (1, 1, 1, 1))
    choice = torch.where(torch.rand(n) < share, torch.randint(0, 4, (n,)), 4)
    start = torch.tensor(MOVES)[choice]
    rows = start[:, 0, None, None] + torch.arange(side)[None, :, None]
    columns = start[:, 1, None, None] + torch.arange(side)[None, None, :]
    # Indices around a slice: the channels go to the end.
    moved = padded[torch.arange(n)[:, None, None], :, rows, columns]
    return moved.permute(0, 3, 1, 2).reshape(x.shape)


def mixed(x, most: float):
    """Each sample blended with another: ``round((1 - t) x + t other)``, ``t`` up to ``most``.

    The blend of mixup (arXiv 1710.09412), for students: the teacher labels the blend, and below
    ``most = 1/2`` the sample's own label remains the likelier one.
    """
    t = torch.rand(len(x), 1) * most
    return torch.round(x * (1 - t) + x[torch.randperm(len(x))] * t)
