"""Weights of few bits on LeNet-5, which are to lose nothing against its floats."""

from .methods import START, trains
from .work import Part, Work

__all__ = ["MNIST"]


def _work(method, published, **step) -> Work:
    """Activations of 8 bits, as the papers leave them in float.

    TTQ has two scales to train, too: with 10 epochs it was 0.13 points worse than the floats.
    """
    kind = step["kind"]
    return Work(method=method, network="lenet-5", data="MNIST", start=START,
                recipe={"name": f"low-bits-{kind}", "seed": 1,
                        "step": [trains(**{"activation_bits": 8, "epochs": 10, **step})]},
                must={"above": "<= 0.1"}, published={"error": published})


MNIST = Part(__file__, [
    _work("INQ, 5 bits", "", kind="inq", bits=5, epochs=3, lr=1e-3),
    _work("TWN", "0.65 %, arXiv 1605.04711", kind="twn"),
    _work("TTQ", "", kind="ttq", epochs=20)])
