"""Random smooth distortions of images; pixels stay integers 0..255, as the first layer needs."""

from dataclasses import dataclass

import torch
from torch.nn import functional as F

from hwgen.numeric import SpecError

__all__ = ["Warp", "warped"]

COARSE = 5
"""Displacements are drawn on a grid of 5 x 5 and smooth between (after Simard et al., 2003)."""


@dataclass(frozen=True, kw_only=True)
class Warp:
    """How far images are distorted; every amount is drawn evenly from ``-most .. most``.

    Members
    -------
    move : float      pixels, along both axes
    turn : float      degrees
    scale : float     share of the size, each axis on its own
    shear : float     share of the height
    elastic : float   standard deviation of the smooth displacement, pixels
    """

    move: float = 2.0
    turn: float = 10.0
    scale: float = 0.1
    shear: float = 0.1
    elastic: float = 0.7

    def __post_init__(self):
        for name, value in vars(self).items():
            if not isinstance(value, (int, float)) or not 0 <= value < 90:
                raise SpecError(f"warp: {name} must be in 0..90, not {value!r}")

    def times(self, strength: float) -> "Warp":
        """All amounts multiplied by ``strength``."""
        return Warp(**{name: value * strength for name, value in vars(self).items()})


def warped(x, side: int, warp: Warp):
    """Images ``x`` (n, side * side), integers 0..255 of any dtype, distorted: uint8, same shape.

    Bilinear between pixels, zeros come in. The random numbers are torch's.
    """
    grid = _affine(len(x), side, warp)
    if warp.elastic:
        field = torch.randn(len(x), 2, COARSE, COARSE) * (warp.elastic * 2 / side)
        field = F.interpolate(field, (side, side), mode="bicubic", align_corners=True)
        grid = grid + field.permute(0, 2, 3, 1)
    image = F.grid_sample(x.reshape(-1, 1, side, side).float(), grid, align_corners=False)
    return image.round_().clamp_(0, 255).to(torch.uint8).reshape(x.shape)


def _affine(n: int, side: int, warp: Warp):
    """Where each pixel of the result lies in the source, (n, side, side, 2), for grid_sample."""
    turn, sx, sy, shear, dx, dy = (torch.rand(6, n) * 2 - 1).unbind()
    turn = torch.deg2rad(turn * warp.turn)
    sx, sy, shear = 1 + sx * warp.scale, 1 + sy * warp.scale, shear * warp.shear
    cos, sin, step = torch.cos(turn), torch.sin(turn), warp.move * 2 / side
    theta = torch.stack([
        torch.stack([sx * cos, sx * (shear * cos - sin), dx * step], dim=1),
        torch.stack([sy * sin, sy * (shear * sin + cos), dy * step], dim=1),
    ], dim=1)
    return F.affine_grid(theta, [n, 1, side, side], align_corners=False)
