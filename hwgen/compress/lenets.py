"""LeNet-300-100 and LeNet-5 in plain PyTorch, on which compression methods are compared."""

from dataclasses import replace

import torch
from torch import nn
from torch.nn import functional as F

from .data import Split
from .mnist import SIDE

__all__ = ["LENETS", "LeNet5", "LeNet5Deep", "LeNet300", "LeNet300Norm", "Unscaled", "lenet",
           "lenet_split"]


class LeNet300(nn.Module):
    """LeNet-300-100: 784-300-100-10, 266,610 parameters; reads vectors of 784 pixels."""

    reads_maps = False

    def __init__(self):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(SIDE * SIDE, 300), nn.Linear(300, 100)
        self.fc3 = nn.Linear(100, 10)

    def forward(self, x):
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x)))))


class LeNet300Norm(LeNet300):
    """LeNet-300-100 with a batch norm behind each hidden layer, 267,410 parameters."""

    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.BatchNorm1d(300), nn.BatchNorm1d(100)

    def forward(self, x):
        x = F.relu(self.norm1(self.fc1(x)))
        return self.fc3(F.relu(self.norm2(self.fc2(x))))


class LeNet5(nn.Module):
    """LeNet-5 as of Caffe: 20 and 50 filters of 5 x 5, 800-500-10, 431,080 parameters.

    Each convolution has a ReLU, which Caffe leaves out, and a max pool of 2 x 2.
    """

    reads_maps = True

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 20, 5), nn.Conv2d(20, 50, 5)
        self.fc1, self.fc2 = nn.Linear(800, 500), nn.Linear(500, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc2(F.relu(self.fc1(torch.flatten(x, 1))))


class LeNet5Deep(LeNet5):
    """LeNet-5 with two convolutions of 3 x 3 with norms in front of fc1, 476,380 parameters."""

    def __init__(self):
        super().__init__()
        self.conv3, self.norm3 = nn.Conv2d(50, 50, 3, padding=1), nn.BatchNorm2d(50)
        self.conv4, self.norm4 = nn.Conv2d(50, 50, 3, padding=1), nn.BatchNorm2d(50)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = F.relu(self.norm4(self.conv4(F.relu(self.norm3(self.conv3(x))))))
        return self.fc2(F.relu(self.fc1(torch.flatten(x, 1))))


class Unscaled(nn.Module):
    """``net`` on pixels of 0..255, which :func:`hwgen.compress.compress` reads as 0..1 by itself.

    What trains a plain network in float, before there is a recipe.
    """

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        return self.net(x / 256)


LENETS = {"lenet-300-100": LeNet300, "lenet-300-100-norm": LeNet300Norm, "lenet-5": LeNet5,
          "lenet-5-deep": LeNet5Deep}


def lenet(name: str, *, seed: int) -> nn.Module:
    """A network of :data:`LENETS` whose initial weights follow from the seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return LENETS[name]()


def lenet_split(name: str, split: Split) -> Split:
    """Images (n, 784) as that network takes them."""
    if not LENETS[name].reads_maps:
        return split
    return replace(split, side=None, x_train=split.x_train.reshape(-1, 1, SIDE, SIDE),
                   x_test=split.x_test.reshape(-1, 1, SIDE, SIDE))
