"""The PyTorch front end: quantise, binarise, prune, distil, train, and export to a Network.

The only package that imports torch. Every layer here evaluates to integers times a power of two,
so that :func:`export` loses nothing. :func:`compress` runs a whole recipe, and so does the package
itself when it is called.
"""

from . import reproducible
from .activation import QuantActivation
from .add import QuantAdd
from .adopt import adopt
from .average import QuantAvgPool2d
from .bases import AbcWeights, AlternatingWeights, LqWeights
from .basis_steps import AbcActivation, LqActivation
from .binary import BinaryWeights, Sign, XnorWeights
from .bitwise import BitwiseSign, BitwiseWeights, compress_signals, train_bitwise
from .calibrate import calibrate
from .checkpoint import load_checkpoint, save_checkpoint
from .conv import BatchNorm2d, Flatten, IntegerConv2d, QuantConv2d, QuantDepthwiseConv2d
from .copies import Copies
from .data import Split, digits, stratified
from .distil import distillation_loss
from .dynamic import DynamicQuantConv2d, DynamicQuantLinear
from .errors import CheckpointError, ExportError, TrainingError
from .export import export, predict_integers
from .fixed import QuantInput, QuantLinear, QuantReLU
from .form import Form
from .frame.account import Account, account_of
from .frame.recipe import Budget, Recipe
from .frame.result import BudgetError, Compressed
from .frame.step import Step, TrainingStep
from .hook import Hook
from .kbit import DoReFaWeights, LinearQuantWeights, WrpnWeights
from .layer import Layer
from .linear import IntegerLinear
from .log_steps import LogActivation
from .lookup import QuantExp, QuantSigmoid, QuantTanh
from .methods import METHODS
from .mnist import mnist, read_idx
from .named import (
    BinaryConv2d,
    BinaryLinear,
    DoReFaLinear,
    MultiBaseLinear,
    ScaledBinaryLinear,
    TernaryConv2d,
    TernaryLinear,
    TwoScaleTernaryLinear,
    WrpnLinear,
)
from .normalise import BatchNorm, fold_batch_norm
from .phases import Phases
from .powers import PowerWeights, ShiftSumWeights
from .products import integer_products
from .prune import GradualPruning, cubic_density
from .quantise import quantise
from .recipes import STUDENTS, accuracy, train_student, train_teacher
from .recipes_mnist import MNIST_ORIGINS, MNIST_RECIPES, train_mnist, train_mnist_origin
from .rescale import QuantRescale
from .residual import HorqSign, ResidualSign
from .settings import Epoch, Settings
from .shared import SharedWeights
from .shift_norm import ShiftBatchNorm, ShiftBatchNorm2d, ap2
from .steps import StepActivation
from .straight import binarise, round_half_even, round_half_up
from .ternary import FixedTernaryWeights, TtqWeights, TwnWeights
from .thermometer import ThermometerInput
from .thresholds import sign_thresholds, step_thresholds
from .topologies import cnv
from .train import density, train
from .verb import compress
from .warp import Warp, warped
from .weights import Weights

__all__ = [
    "AbcActivation", "AbcWeights", "Account", "AlternatingWeights", "BatchNorm", "BatchNorm2d",
    "BinaryConv2d", "BinaryLinear", "BinaryWeights", "BitwiseSign", "BitwiseWeights", "Budget",
    "BudgetError", "CheckpointError", "Compressed", "Copies", "DoReFaLinear", "DoReFaWeights",
    "DynamicQuantConv2d", "DynamicQuantLinear", "Epoch", "ExportError", "FixedTernaryWeights",
    "Flatten", "Form", "GradualPruning", "Hook", "HorqSign", "IntegerConv2d", "IntegerLinear",
    "Layer", "LinearQuantWeights", "LogActivation", "LqActivation", "LqWeights", "METHODS",
    "MNIST_ORIGINS", "MNIST_RECIPES", "MultiBaseLinear", "Phases", "PowerWeights",
    "QuantActivation", "QuantAdd", "QuantAvgPool2d", "QuantConv2d", "QuantDepthwiseConv2d",
    "QuantExp", "QuantInput", "QuantLinear", "QuantReLU", "QuantRescale", "QuantSigmoid",
    "QuantTanh", "Recipe", "ResidualSign", "STUDENTS", "ScaledBinaryLinear", "Settings",
    "SharedWeights", "ShiftBatchNorm", "ShiftBatchNorm2d", "ShiftSumWeights", "Sign", "Split",
    "Step", "StepActivation", "TernaryConv2d", "TernaryLinear", "ThermometerInput", "TrainingError",
    "TrainingStep", "TtqWeights", "TwnWeights", "TwoScaleTernaryLinear", "Warp", "Weights",
    "WrpnLinear", "WrpnWeights", "XnorWeights", "account_of", "accuracy", "adopt", "ap2",
    "binarise", "calibrate", "cnv", "compress", "compress_signals", "cubic_density", "density",
    "digits", "distillation_loss", "export", "fold_batch_norm", "integer_products",
    "load_checkpoint", "mnist", "predict_integers", "quantise", "read_idx", "reproducible",
    "round_half_even", "round_half_up", "save_checkpoint", "sign_thresholds", "step_thresholds",
    "stratified", "train", "train_bitwise", "train_mnist", "train_mnist_origin", "train_student",
    "train_teacher", "warped",
]
