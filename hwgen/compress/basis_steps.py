"""Activations that are sums of scaled bits: ABC-Net's shifted ones and LQ-Nets' learned ones."""

import torch
from torch import nn

from hwgen.numeric import Format, Planes, SpecError

from .fitting import integer_bases, least_squares, nearest
from .layer import within
from .steps import StepLayer
from .straight import round_half_even

__all__ = ["AbcActivation", "LqActivation"]

FRAC = 3
"""Fraction bits of ABC-Net's betas."""

EVEN_STEPS = {1: 1.596, 2: 1.224, 3: 0.996, 4: 0.843}
"""Distance of N + 1 even levels that lose least of a Gaussian, by N (Max, 1960)."""

MOST = 4.0
"""Largest beta."""

TOP = 15
"""Largest basis of LQ-Nets, in steps."""

KEEP = 0.9


class _Shifted(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, shift):
        clipped = (x + shift).clamp(0, 1)
        ctx.save_for_backward((x + shift >= 0) & (x + shift <= 1))
        return 2 * (clipped >= 0.5).to(x.dtype) - 1

    @staticmethod
    def backward(ctx, grad):
        (inside,) = ctx.saved_tensors
        return grad * inside, (grad * inside).sum()


class AbcActivation(StepLayer):
    """``sum_n beta_n A_n`` with ``A_n = 2 1[clip(x + v_n, 0, 1) >= 1/2] - 1``; v, beta trained.

    Of ABC-Net (Lin, Zhao and Pan, NIPS 2017): N bases of signs. The shifts
    ``v`` are real and end in the thresholds; the betas are integers on the common step 1/8, in
    which the result is given. They are kept at one step and more, so that the result never falls
    with ``x`` (the paper does not bound them). The gradient of each ``A_n`` passes where
    ``0 <= x + v_n <= 1``.

    Parameters
    ----------
    bases : int     N, 1..4
    """

    def __init__(self, bases: int = 2):
        super().__init__()
        self.count = within("AbcActivation: bases", bases, 1, 4)
        # Thresholds are 1/2 - v; levels are 2 beta apart.
        places, step = torch.arange(self.count) - (self.count - 1) / 2, EVEN_STEPS[self.count]
        self.shifts = nn.Parameter(0.5 - places * step)
        self.betas = nn.Parameter(torch.full((self.count,), step / 2))
        self.constrain()

    def bases(self):
        """The betas in steps of 1/8: integers, shape (N,); the gradient passes the rounding."""
        return round_half_even(self.betas * 2.0 ** FRAC)

    @property
    def format(self) -> Format:
        bases = self.bases().detach().long().tolist()
        if min(bases) < 1:
            raise SpecError(f"AbcActivation: betas must be at least one step, not {bases} steps:"
                            f" call constrain()")
        return Planes.of_bases(bases)

    @torch.no_grad()
    def index(self, x):
        levels = torch.from_numpy(self.format.levels).to(x)
        return torch.searchsorted(levels, self.forward(x).contiguous())

    def forward(self, x):
        return sum(beta * _Shifted.apply(x, shift)
                   for beta, shift in zip(self.bases(), self.shifts, strict=True))

    @torch.no_grad()
    def constrain(self) -> None:
        self.betas.clamp_(2.0 ** -FRAC, MOST)

    def extra_repr(self):
        return f"{self.count}"


class _NearestLevel(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, index, levels, step):
        ctx.save_for_backward(x)
        ctx.low, ctx.high, ctx.step = float(levels[0]) * step, float(levels[-1]) * step, step
        return levels.to(x.dtype)[index]

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad * ((x >= ctx.low) & (x <= ctx.high)) / ctx.step, None, None, None


class LqActivation(StepLayer):
    """Nearest of the levels ``v^T b`` of a learned basis ``v``, one for the layer (LQ-Nets).

    Of arXiv 1807.10029: in training each forward is one round of QEM on the batch, nearest level,
    then least squares, of which 0.1 is taken with 0.9 of the old basis; the basis is
    constant afterwards. Bits are 0 and 1, for the positive half, as in the authors' program, or
    signs as in the paper's text. The basis is rounded to integers on a common step, the largest 15
    steps, each at least 1; the result is in these steps, which the batch norm that follows takes
    up. The gradient passes between the lowest and the highest level.

    Parameters
    ----------
    bits : int      K, 1..4
    signs : bool
    """

    def __init__(self, bits: int = 2, *, signs: bool = False):
        super().__init__()
        self.bits = within("LqActivation: bits", bits, 1, 4)
        self.signs = bool(signs)
        # The start of the authors' program: the upper quartile of a normal x in the middle.
        start = 0.6745 * 2 / ((1 << self.bits) - 1) * 2.0 ** torch.arange(float(self.bits))
        self.register_buffer("basis", start)

    @property
    def _low(self) -> float:
        return -1.0 if self.signs else 0.0

    @torch.no_grad()
    def fit(self, x, keep: float = KEEP) -> None:
        """One round of QEM on ``x``, keeping this share of the old basis."""
        values, basis = x.detach().double().reshape(1, -1), self.basis.double()[None]
        found = least_squares(values, nearest(values, basis, self._low))[0]
        found = (found.abs() if self.signs else found.clamp_min(0)).sort().values
        self.basis.mul_(keep).add_((1 - keep) * found.to(self.basis.dtype))

    def integer_basis(self) -> tuple[list[int], float]:
        """The basis in steps, ascending, and the step."""
        integers, step = integer_bases(self.basis.double()[None], TOP)
        return integers[0].clamp_min(1).long().tolist(), float(step)

    @property
    def format(self) -> Format:
        integers, _ = self.integer_basis()
        return Planes.of_bases(integers) if self.signs else Planes(integers)

    @torch.no_grad()
    def index(self, x):
        levels = torch.from_numpy(self.format.levels).double()
        middles = (levels[1:] + levels[:-1]) / 2 * self.integer_basis()[1]
        return torch.bucketize(x.detach().contiguous(), middles.to(x))

    def forward(self, x):
        if self.training:
            self.fit(x)
        levels = torch.from_numpy(self.format.levels).to(x.device)
        return _NearestLevel.apply(x, self.index(x), levels, self.integer_basis()[1])

    def extra_repr(self):
        return f"{self.bits}, signs={self.signs}"
