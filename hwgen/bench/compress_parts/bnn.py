"""The binarised MLP 784-1024-1024-1024-10, a network of the repository, on all test images."""

from hwgen.flow import api

from ..frame import trained
from ..frame.bench import machine
from ..frame.idx import folder_of
from ..frame.row import Row
from .work import METRICS

__all__ = ["KEY", "inputs", "lacking", "measure", "works"]

NAME, WORK = "mnist-lfc-w1a1", "BNN, MLP 784-1024-1024-1024-10, MNIST"

KEY = NAME

works = ()
"""No recipe of this benchmark: ``hwgen train`` made it, see docs/networks.md."""


def inputs(bench) -> dict:
    """The network's file."""
    return trained.digests([NAME])


def lacking(bench) -> str | None:
    """The network or the data."""
    if folder_of(bench, "MNIST") is None:
        return "the IDX files of MNIST, --data FOLDER"
    return trained.lacking([NAME])


def measure(bench):
    """Its error by golden and its bits; the floats are those of its weights."""
    from hwgen.compress.frame.account import account_of

    network = api.load(trained.NETWORKS / f"{NAME}.hwgen")
    error = round(100 - trained.accuracy(network, *trained.images(bench)), 2)
    account = account_of(network)
    account = account_of(network, parameters=account.weights)
    common = {"work": WORK, "device": machine(), "seed": network.meta["seed"]}
    yield Row(**common, metric=METRICS["error"], value=error, unit="%", must="<= 1.2",
              published="1.12 %, Brevitas' LFC")
    yield Row(**common, metric=METRICS["bits"], value=account.bits)
    yield Row(**common, metric=METRICS["ratio"], value=round(account.ratio, 2), unit="x")
