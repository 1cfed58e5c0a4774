"""The settings that make a training give the same integers on other processors."""

import os
import subprocess
import sys

from hwgen.compress import reproducible

PROBE = """
import os, hwgen.compress
print(os.environ["MKL_CBWR"], os.environ["ATEN_CPU_CAPABILITY"])
"""


def probe(**extra):
    plain = {k: v for k, v in os.environ.items() if k not in reproducible.SETTINGS}
    return subprocess.run([sys.executable, "-c", PROBE], env=plain | extra, text=True,
                          capture_output=True, check=True).stdout.split()


def test_settings_are_made_before_torch_runs():
    assert probe() == ["COMPATIBLE", "avx2"]


def test_settings_of_the_user_stay():
    assert probe(MKL_CBWR="AUTO", ATEN_CPU_CAPABILITY="default") == ["AUTO", "default"]


TRAINING = """
import torch
from torch import nn
from hwgen.compress import (BatchNorm, DoReFaLinear, Settings, Sign, StepActivation,
                            ThermometerInput, BinaryLinear, digits, export, train)
torch.manual_seed(0)
net = nn.Sequential(ThermometerInput((4, 10), bits=5), BinaryLinear(128, 96), BatchNorm(96),
                    StepActivation.dorefa(2), DoReFaLinear(96, 64, bits=2), BatchNorm(64), Sign(),
                    BinaryLinear(64, 10, bias=True, out_shift=3))
split = digits()
train(net, split, settings=Settings(epochs=4, lr=1e-2, integer_products=True))
print(export(net, split.x_test).digest)
"""


def test_integer_products_train_the_same_network_with_other_kernels():
    """Kernels for processors without bfloat16, and of another order, give every bit again."""
    def trained(**extra):
        return subprocess.run([sys.executable, "-c", TRAINING], env=dict(os.environ) | extra,
                              text=True, capture_output=True, check=True).stdout

    own = trained()
    assert len(own) == 65
    assert own == trained(ONEDNN_MAX_CPU_ISA="SSE41")
    assert own == trained(ONEDNN_MAX_CPU_ISA="AVX2", MKL_CBWR="AVX2")
