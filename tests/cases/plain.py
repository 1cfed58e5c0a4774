"""Plain PyTorch, as users write it, digits as maps for it, and what came of it."""

from dataclasses import replace

import torch
from torch import nn
from torch.nn import functional as F

__all__ = ["Plain", "PlainMaps", "as_maps", "net", "weights_of"]


class Plain(nn.Module):
    """For the digits as vectors: a residual sum, functions, a softmax at the end."""

    def __init__(self):
        super().__init__()
        self.fc1, self.fc2, self.fc3 = nn.Linear(64, 24), nn.Linear(24, 24), nn.Linear(24, 10)

    def forward(self, x):
        a = F.relu(self.fc1(x))
        return F.log_softmax(self.fc3(F.relu(self.fc2(a) + a)), dim=1)


class PlainMaps(nn.Module):
    """For the digits as maps (n, 1, 8, 8): convolutions, a norm, a pool, a flattened map."""

    def __init__(self):
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.conv2, self.fc = nn.Conv2d(4, 6, 3), nn.Linear(24, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.norm1(self.conv1(x))), 2)
        return self.fc(torch.flatten(F.relu(self.conv2(x)), 1))


def net(forward, **layers):
    """A module with ``layers`` whose forward is ``forward(self, x)``; its weights are seeded."""
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            for name, layer in layers.items():
                setattr(self, name, layer)

    Net.forward = forward
    torch.manual_seed(0)
    return Net()


def as_maps(split):
    """The digits of ``split`` as maps (n, 1, 8, 8)."""
    return replace(split, side=None, x_train=split.x_train.reshape(-1, 1, 8, 8),
                   x_test=split.x_test.reshape(-1, 1, 8, 8))


def weights_of(network):
    """Name of each matrix node -> its entries."""
    return {node.name: node.weights.to_dense() for node in network.nodes
            if hasattr(node, "weights")}
