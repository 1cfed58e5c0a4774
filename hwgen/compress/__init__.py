"""The PyTorch front end: quantise, binarise, prune, distil, train, and export to a Network.

The only package that imports torch. Every layer here evaluates to integers times a power of two,
so that :func:`export` loses nothing.
"""

from . import reproducible
from .binary import BinaryLinear, Sign
from .calibrate import calibrate
from .checkpoint import load_checkpoint, save_checkpoint
from .data import Split, digits, stratified
from .distil import distillation_loss
from .errors import CheckpointError, ExportError, TrainingError
from .export import export, predict_integers
from .fixed import QuantInput, QuantLinear, QuantReLU
from .layer import Layer
from .normalise import BatchNorm, fold_batch_norm
from .prune import GradualPruning, cubic_density
from .quantise import quantise
from .recipes import STUDENTS, accuracy, train_student, train_teacher
from .settings import Epoch, Settings
from .straight import binarise, round_half_even, round_half_up
from .thermometer import ThermometerInput
from .thresholds import sign_thresholds
from .train import density, train

__all__ = [
    "BatchNorm", "BinaryLinear", "CheckpointError", "Epoch", "ExportError", "GradualPruning",
    "Layer", "QuantInput", "QuantLinear", "QuantReLU", "STUDENTS", "Settings", "Sign", "Split",
    "ThermometerInput", "TrainingError", "accuracy", "binarise", "calibrate", "cubic_density",
    "density", "digits", "distillation_loss", "export", "fold_batch_norm", "load_checkpoint",
    "predict_integers", "quantise", "reproducible", "round_half_even", "round_half_up",
    "save_checkpoint",
    "sign_thresholds", "stratified", "train", "train_student", "train_teacher",
]
