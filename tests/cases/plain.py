"""Plain PyTorch, as users write it."""

import torch
from torch import nn
from torch.nn import functional as F

__all__ = ["Plain", "PlainMaps"]


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
