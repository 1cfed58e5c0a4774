"""The PyTorch front end: quantise, binarise, prune, distil, train, and export to a Network.

The only package that imports torch. Every layer here evaluates to integers times a power of two,
so that :func:`export` loses nothing.
"""

from . import reproducible
from .bases import MultiBaseLinear
from .binary import BinaryLinear, ScaledBinaryLinear, Sign
from .calibrate import calibrate
from .checkpoint import load_checkpoint, save_checkpoint
from .conv import BatchNorm2d, BinaryConv2d, Flatten, QuantConv2d, TernaryConv2d
from .copies import Copies
from .data import Split, digits, stratified
from .distil import distillation_loss
from .errors import CheckpointError, ExportError, TrainingError
from .export import export, predict_integers
from .fixed import QuantInput, QuantLinear, QuantReLU
from .kbit import DoReFaLinear, WrpnLinear
from .layer import Layer
from .mnist import mnist, read_idx
from .normalise import BatchNorm, fold_batch_norm
from .products import integer_products
from .prune import GradualPruning, cubic_density
from .quantise import quantise
from .recipes import STUDENTS, accuracy, train_student, train_teacher
from .recipes_mnist import MNIST_RECIPES, train_mnist, train_mnist_teacher
from .residual import ResidualSign
from .settings import Epoch, Settings
from .steps import StepActivation
from .straight import binarise, round_half_even, round_half_up
from .ternary import TernaryLinear, TwoScaleTernaryLinear
from .thermometer import ThermometerInput
from .thresholds import sign_thresholds, step_thresholds
from .topologies import cnv
from .train import density, train
from .warp import Warp, warped

__all__ = [
    "BatchNorm", "BatchNorm2d", "BinaryConv2d", "BinaryLinear", "CheckpointError", "Copies",
    "DoReFaLinear", "Epoch", "ExportError", "Flatten", "GradualPruning", "Layer", "MNIST_RECIPES",
    "MultiBaseLinear", "QuantConv2d", "QuantInput", "QuantLinear", "QuantReLU", "ResidualSign",
    "STUDENTS", "ScaledBinaryLinear", "Settings", "Sign", "Split", "StepActivation",
    "TernaryConv2d", "TernaryLinear", "ThermometerInput", "TrainingError",
    "TwoScaleTernaryLinear", "Warp", "WrpnLinear", "accuracy", "binarise", "calibrate", "cnv",
    "cubic_density", "density", "digits", "distillation_loss", "export", "fold_batch_norm",
    "integer_products", "load_checkpoint", "mnist", "predict_integers", "quantise", "read_idx",
    "reproducible", "round_half_even", "round_half_up", "save_checkpoint", "sign_thresholds",
    "step_thresholds", "stratified", "train", "train_mnist", "train_mnist_teacher",
    "train_student", "train_teacher", "warped",
]
