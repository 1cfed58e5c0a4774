"""Weights as sums of signed bases: LQ-Nets, alternating multi-bit and ABC-Net."""

from abc import abstractmethod

import torch

from hwgen.numeric import Fixed, Format, Planes, SpecError

from .fitting import integer_bases, least_squares, nearest
from .layer import within
from .straight import passed
from .weights import Weights

__all__ = ["AbcWeights", "AlternatingWeights", "LqWeights"]

ROUNDS = 4
KEEP = 0.9


class _SignBases(Weights):
    """``W = sum_m v_m B_m``, signs ``B_m``, each weight the nearest level of integer bases ``v``.

    Bases are rounded to a common step, the largest being ``2**scale_bits - 1`` steps, and each is
    at least 1. With one set a layer, the M bases are M planes of signs, and the step is left to the
    batch norm that follows. With one set a channel (an output), the step is the channel's scale and
    goes into the thresholds; as the planes of a matrix are common to its rows, integers of bases
    that differ from row to row are stored in two's complement, up to
    ``scale_bits + 1 + ceil(log2(M))`` planes instead of M.

    Parameters
    ----------
    bases : int            M, 1..4
    per_channel : bool
    scale_bits : int       1..8
    """

    def __init__(self, bases: int, *, per_channel: bool = False, scale_bits: int = 4):
        super().__init__()
        name = type(self).__name__
        self.count = within(f"{name}: bases", bases, 1, 4)
        self.per_channel = bool(per_channel)
        self.top = (1 << within(f"{name}: scale_bits", scale_bits, 1, 8)) - 1

    @abstractmethod
    def real_bases(self, weight):
        """Bases of the weights, at least 0, float64 (channels or 1, M)."""

    def rows(self, weight):
        """The weights that share bases: float64 (channels or 1, n)."""
        weight = weight.detach().double()
        return weight if self.per_channel else weight.reshape(1, -1)

    @torch.no_grad()
    def integer_bases(self, weight):
        """``(integers (channels or 1, M), step (channels or 1, 1))``, float64."""
        integers, step = integer_bases(self.real_bases(weight), self.top)
        return integers.clamp_min(1), step

    def format(self, weight) -> Format:
        integers = self.integer_bases(weight)[0].long()
        if bool((integers == integers[0]).all()):
            return Planes.of_bases(integers[0].tolist())
        most = int(integers.sum(dim=1).max())
        return Fixed.covering(-most, most)

    @torch.no_grad()
    def _integers(self, weight):
        integers, step = self.integer_bases(weight)
        codes = nearest(self.rows(weight) / step, integers)
        return (integers[:, :, None] * codes).sum(dim=1).reshape(weight.shape)

    def integers(self, weight):
        return passed(weight, self._integers(weight))

    @torch.no_grad()
    def scale(self, weight):
        if not self.per_channel:
            return None
        return self.integer_bases(weight)[1][:, 0].to(weight.dtype)

    def extra_repr(self):
        return f"{self.count}, per_channel={self.per_channel}, top={self.top}"


class LqWeights(_SignBases):
    """Learned bases of LQ-Nets (arXiv 1807.10029): ``levels v^T b``, found by QEM in training.

    Each forward in training is one round of QEM: the nearest level gives ``b``, least squares the
    bases ``v = (B B^T)^-1 B w``, of which 0.1 is taken with 0.9 of the old ones. The paper has
    bases for each channel: ``per_channel=True``. The gradient passes unchanged.
    """

    def __init__(self, bases: int = 2, **options):
        super().__init__(bases, **options)
        self.register_buffer("bases", torch.zeros(0, self.count))

    def start(self, weight):
        # Even levels on [-1, 1] to begin with, as fits an even distribution.
        rows = len(self.rows(weight))
        self.bases = (2.0 ** -torch.arange(1.0, self.count + 1)).repeat(rows, 1).to(weight)
        for _ in range(ROUNDS):
            self.fit(weight, keep=0.0)

    @torch.no_grad()
    def fit(self, weight, keep: float = KEEP) -> None:
        """One round: assign signs, solve for the bases, keep this share of the old ones."""
        rows = self.rows(weight)
        found = least_squares(rows, nearest(rows, self.bases.double()))
        found = found.abs().sort(dim=1, descending=True).values
        self.bases.mul_(keep).add_((1 - keep) * found.to(self.bases.dtype))

    def real_bases(self, weight):
        return self.bases.double()


class AlternatingWeights(_SignBases):
    """Alternating multi-bit quantisation (arXiv 1802.00150, algorithm 2): ``w ~ sum a_m b_m``.

    Computed from the weights at each forward: bases ``a`` by greedy residuals (``b = sign(r)``,
    ``a = mean |r|``), then ``rounds`` times signs of the nearest level by binary search and bases
    of least squares, by turns; the paper takes 2. Its bases are of each row: ``per_channel=True``.
    The gradient passes unchanged.
    """

    def __init__(self, bases: int = 2, *, rounds: int = 2, **options):
        super().__init__(bases, **options)
        self.rounds = within("AlternatingWeights: rounds", rounds, 0)

    @torch.no_grad()
    def real_bases(self, weight):
        rows = self.rows(weight)
        rest, found = rows.clone(), []
        for _ in range(self.count):
            found.append(rest.abs().mean(dim=1, keepdim=True))
            rest = rest - found[-1] * torch.where(rest >= 0, 1.0, -1.0).double()
        bases = torch.cat(found, dim=1)
        for _ in range(self.rounds):
            # A base below 0 is its opposite with all signs turned.
            bases = least_squares(rows, nearest(rows, bases)).abs()
        return bases

    def extra_repr(self):
        return f"{super().extra_repr()}, rounds={self.rounds}"


class AbcWeights(Weights):
    """Bases of ABC-Net (Lin, Zhao and Pan, NIPS 2017): ``B_i = sign(w - mean + u_i std)``.

    ``u_i = -1 + 2 (i - 1) / (M - 1)``, and 0 where M is 1; mean and standard deviation are of the
    layer. The alphas minimise ``|w - sum alpha_i B_i|**2``; they may
    be negative. Rounded to a common step, the largest ``2**scale_bits - 1`` steps, they are the
    gains of M planes of signs; one that rounds to 0 is left out. The step is left to the batch norm
    that follows. The gradient passes unchanged: the paper's is that times a constant of the layer.

    Parameters
    ----------
    bases : int            M, 1..8
    scale_bits : int       1..8
    """

    def __init__(self, bases: int = 3, *, scale_bits: int = 4):
        super().__init__()
        self.count = within("AbcWeights: bases", bases, 1, 8)
        self.top = (1 << within("AbcWeights: scale_bits", scale_bits, 1, 8)) - 1

    @torch.no_grad()
    def signs(self, weight):
        """The bases ``B``, float64 (M, n_out * n_in)."""
        w = weight.detach().double().flatten()
        shifts = torch.linspace(-1, 1, self.count).double() if self.count > 1 else torch.zeros(1)
        shifts = shifts.to(w.device)
        shifted = w - w.mean() + shifts[:, None] * w.std(correction=0)
        return torch.where(shifted >= 0, 1.0, -1.0).double()

    @torch.no_grad()
    def alphas(self, weight):
        """The real alphas of least squares, float64 (M,)."""
        return least_squares(weight.detach().double().reshape(1, -1), self.signs(weight)[None])[0]

    @torch.no_grad()
    def integer_alphas(self, weight):
        """The alphas in steps, float64 (M,)."""
        return integer_bases(self.alphas(weight)[None], self.top)[0][0]

    def format(self, weight) -> Format:
        gains = [gain for gain in self.integer_alphas(weight).long().tolist() if gain]
        if not gains:
            raise SpecError("AbcWeights: weights must not all be 0, for which every alpha is 0")
        return Planes.of_bases(gains)

    def integers(self, weight):
        integers = self.integer_alphas(weight) @ self.signs(weight)
        return passed(weight, integers.reshape(weight.shape))

    def extra_repr(self):
        return f"{self.count}, top={self.top}"
