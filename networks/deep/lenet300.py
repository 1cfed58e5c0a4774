"""LeNet-300-100, for `hwgen compress`: reads MNIST's IDX files in --data."""

from hwgen.compress.lenets import LeNet300

__all__ = ["model"]

model = LeNet300
