"""Deep Compression (arXiv 1510.00149): prune, fixed point, share, Huffman."""

from .work import Part, Work, trained

__all__ = ["FASHION", "MNIST"]


def _recipe(name, *, epochs, density, bits=4):
    return trained(name, {"kind": "prune", "density": density, "ends": 0.7, "epochs": epochs,
                          "lr": 2e-3},
                   {"kind": "share", "bits": bits, "epochs": 2, "lr": 3e-4, "behind": True},
                   epochs=epochs)


MNIST = Part(__file__, [
    Work(method="Deep Compression", network="lenet-300-100", data="MNIST",
         recipe=_recipe("deep-lenet300", epochs=14,
                        density={"fc1": 0.05, "fc2": 0.06, "fc3": 0.26}),
         must={"error": "<= 1.64", "ratio": ">= 40"},
         published={"error": "1.58 %, arXiv 1510.00149", "ratio": "40x"}),
    Work(method="Deep Compression", network="lenet-5", data="MNIST",
         recipe=_recipe("deep-lenet5", epochs=8,
                        density={"conv1": 0.5, "conv2": 0.12, "fc1": 0.05, "fc2": 0.15}),
         must={"error": "<= 0.80", "ratio": ">= 39"},
         published={"error": "0.74 %, arXiv 1510.00149", "ratio": "39x"})])

FASHION = Part(__file__, [
    Work(method="Deep Compression", network="lenet-300-100", data="Fashion-MNIST",
         recipe=_recipe("deep-lenet300-fashion", epochs=14,
                        density={"fc1": 0.05, "fc2": 0.1, "fc3": 0.4}), must={}, published={}),
    Work(method="Deep Compression", network="lenet-5", data="Fashion-MNIST",
         recipe=_recipe("deep-lenet5-fashion", epochs=8,
                        density={"conv1": 0.6, "conv2": 0.2, "fc1": 0.08, "fc2": 0.3}),
         must={}, published={})])
"""Of clothes, which are harder than digits."""
