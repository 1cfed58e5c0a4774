"""Compression methods: each is one file here with one step or a few, and a line in the table."""

from .admm import Admm
from .bases import ALL as BASES
from .bi_real import BiReal
from .code import Code
from .cp import Cp
from .distil import Distil
from .fastfood import Fastfood, LowDisplacement
from .group_lasso import GroupLasso
from .hgq import Hgq
from .hidden import Attention, Hints
from .hold_back import HoldBack
from .inq import Inq
from .integer_only import IntegerOnly
from .integers import ALL as SMALL_INTEGERS
from .l0 import L0
from .log_net import LogNet
from .loss_aware import LossAware
from .lottery import Lottery
from .low_rank import LowRank, Tucker
from .powers import ALL as POWERS
from .product_quantise import ProductQuantise
from .prune import Prune
from .prune_filters import PruneFilters, TaylorFilters
from .prune_iterative import PruneIterative
from .prune_lamp import PruneLamp
from .prune_obs_full import PruneOBSFull
from .prune_patterns import PruneBalanced, PruneBlock, PruneNM
from .prune_saliency import PruneOBD, PruneOBS, PruneTaylor
from .quantise import Quantise
from .ristretto import Ristretto
from .share import Share
from .slimming import Slimming
from .soft_share import SoftShare
from .splice import Splice
from .sqnr import Sqnr
from .stochastic_round import StochasticRound
from .tensor_train import TensorTrain
from .thinet import Thinet
from .tied import Circulant, Hashed
from .train import Train
from .variational import Variational

__all__ = [
    "INTEGERS",
    "L0",
    "METHODS",
    "Admm",
    "Attention",
    "BiReal",
    "Hints",
    "Lottery",
    "Thinet",
    "Variational",
    "Circulant",
    "Code",
    "Cp",
    "Distil",
    "Fastfood",
    "GroupLasso",
    "Hashed",
    "Hgq",
    "HoldBack",
    "Inq",
    "IntegerOnly",
    "LogNet",
    "LossAware",
    "LowDisplacement",
    "LowRank",
    "ProductQuantise",
    "Prune",
    "PruneBalanced",
    "PruneBlock",
    "PruneFilters",
    "PruneIterative",
    "PruneLamp",
    "PruneNM",
    "PruneOBD",
    "PruneOBS",
    "PruneOBSFull",
    "PruneTaylor",
    "Quantise",
    "Ristretto",
    "Share",
    "Slimming",
    "SoftShare",
    "Splice",
    "StochasticRound",
    "Sqnr",
    "TaylorFilters",
    "TensorTrain",
    "Train",
    "Tucker",
]

INTEGERS = (*SMALL_INTEGERS, *BASES, *POWERS)
"""Steps that make small integers of latent weights, all of one kind."""

METHODS = {step.kind: step for step in (
    HoldBack,
    Train,
    Distil,
    Hints,
    Attention,
    LowRank,
    Tucker,
    Cp,
    TensorTrain,
    Fastfood,
    LowDisplacement,
    Circulant,
    Hashed,
    Prune,
    PruneIterative,
    PruneLamp,
    PruneNM,
    PruneBlock,
    PruneBalanced,
    PruneOBD,
    PruneTaylor,
    PruneOBS,
    PruneOBSFull,
    PruneFilters,
    TaylorFilters,
    Thinet,
    Slimming,
    GroupLasso,
    Splice,
    Lottery,
    L0,
    Variational,
    Admm,
    Quantise,
    Sqnr,
    Ristretto,
    IntegerOnly,
    Hgq,
    StochasticRound,
    *INTEGERS,
    LogNet,
    LossAware,
    BiReal,
    Inq,
    Share,
    SoftShare,
    ProductQuantise,
    Code,
)}
"""``METHODS[kind]``; a new method is one file, its import above and its place here."""
