import pytest
import torch
from cases.plain import Plain

from hwgen.compress import digits


@pytest.fixture
def plain():
    torch.manual_seed(3)
    return Plain()


@pytest.fixture(scope="session")
def split():
    return digits()
