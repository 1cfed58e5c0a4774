"""How few weights are enough: network surgery (arXiv 1608.04493), and LAMP (arXiv 2010.07611)."""

from .work import Part, Work, trained

__all__ = ["MNIST"]

BOUNDS = {"lenet-300-100": ({"error": "<= 2.0", "weights": ">= 56"},
                            {"error": "1.99 %, arXiv 1608.04493", "weights": "56x"}),
          "lenet-5": ({"error": "<= 0.91", "weights": ">= 108"},
                      {"error": "0.91 %, arXiv 1608.04493", "weights": "108x"})}
"""What surgery's paper reports of each network."""


def _work(method, network, *, first, **step) -> Work:
    """``step`` behind ``first`` epochs in float."""
    must, published = BOUNDS[network]
    name = f"{step['kind']}-{network}"
    return Work(method=method, network=network, data="MNIST", must=must, published=published,
                recipe=trained(name, {"lr": 2e-3, **step}, epochs=first))


MNIST = Part(__file__, [
    _work("LAMP", "lenet-300-100", first=14, kind="prune-lamp", density=0.0176, ends=0.65,
          epochs=50),
    _work("LAMP", "lenet-5", first=8, kind="prune-lamp", density=0.0092, ends=0.65, epochs=20),
    _work("dynamic network surgery", "lenet-300-100", first=14, kind="splice", epochs=50,
          density={"fc1": 0.0095, "fc2": 0.062, "fc3": 0.56}),
    _work("dynamic network surgery", "lenet-5", first=8, kind="splice", epochs=20,
          density={"conv1": 0.3, "conv2": 0.045, "fc1": 0.0055, "fc2": 0.1})])
"""Densities of surgery are about those that LAMP finds."""
