"""Weights as sums of signed bases (ABC-Net, NIPS 2017; LQ-Nets, arXiv 1807.10029)."""

import torch

from hwgen.numeric import Format, Planes

from .layer import within
from .linear import IntegerLinear

__all__ = ["MultiBaseLinear"]

TOP = 15
"""Largest integer base."""

ROUNDS = 4


class _Nearest(torch.autograd.Function):
    """Nearest of the ascending ``levels``, ties down; the gradient passes unchanged."""

    @staticmethod
    def forward(ctx, weight, levels, step):
        middles = (levels[1:] + levels[:-1]) * (step / 2)
        return levels[torch.bucketize(weight, middles)]

    @staticmethod
    def backward(ctx, grad):
        return grad, None, None


class MultiBaseLinear(IntegerLinear):
    """``W = sum_m v_m B_m``, signs ``B_m``, M bases ``v_m`` fitted to the weights: integers.

    The fit alternates as in LQ-Nets' QEM: nearest level for each weight, then the bases of least
    squares ``v = (B B^T)^-1 B w``. It is done once a forward in training, one round, starting from
    the bases before; bases move slowly (0.9 of the old). Bases are per layer and rounded to a
    common step, the largest being 15 steps; the step is left to the batch norm that follows. (The
    papers keep real bases, LQ-Nets per output.)

    Parameters
    ----------
    bases : int     M, 1..4
    """

    def __init__(self, n_in: int, n_out: int, *, bases: int = 2, **options):
        super().__init__(n_in, n_out, **options)
        self.count = within("MultiBaseLinear: bases", bases, 1, 4)
        # Even levels on [-1, 1] to begin with, as fits an even distribution.
        self.register_buffer("bases", 2.0 ** -torch.arange(1.0, self.count + 1))
        for _ in range(ROUNDS):
            self.fit(0.0)

    @torch.no_grad()
    def fit(self, keep: float = 0.9) -> None:
        """One round: assign signs, solve for the bases, keep this share of the old ones."""
        signs = self._signs()
        w = self.weight.flatten().double()
        gram = signs @ signs.T + 1e-6 * len(w) * torch.eye(self.count, dtype=torch.float64)
        found = torch.linalg.solve(gram, signs @ w).abs().sort(descending=True).values
        self.bases.mul_(keep).add_((1 - keep) * found.to(self.bases.dtype))

    def _signs(self):
        """Signs of the nearest level of each weight, float64 (M, n_out * n_in)."""
        codes = torch.cartesian_prod(*[torch.tensor([-1.0, 1.0])] * self.count).reshape(
            -1, self.count).double()
        levels, order = torch.sort(codes @ self.bases.double())
        nearest = torch.bucketize(self.weight.flatten().double(), (levels[1:] + levels[:-1]) / 2)
        return codes[order][nearest].T

    @property
    def step(self) -> float:
        """Real value of 1 of the integers."""
        return float(self.bases.max()) / TOP

    def integer_bases(self) -> list[int]:
        """The bases in steps, descending, each at least 1."""
        return [max(1, round(base / self.step)) for base in self.bases.tolist()]

    @property
    def format(self) -> Format:
        return Planes.of_bases(self.integer_bases())

    def forward(self, x):
        if self.training:
            self.fit()
        return super().forward(x)

    def integer_weight(self):
        levels = torch.from_numpy(self.format.levels).to(self.weight.dtype)
        return _Nearest.apply(self.weight, levels, self.step)

    def extra_repr(self):
        return f"{super().extra_repr()}, bases={self.count}"
