"""Dynamic network surgery (arXiv 1608.04493): how few weights are enough."""

from .work import Part, Work, trained

__all__ = ["MNIST"]


def _recipe(name, *, epochs, density, splicing):
    return trained(name, {"kind": "splice", "density": density, "epochs": splicing, "lr": 2e-3},
                   epochs=epochs)


MNIST = Part(__file__, [
    Work(method="dynamic network surgery", network="lenet-300-100", data="MNIST",
         recipe=_recipe("surgery-lenet300", epochs=14, splicing=30,
                        density={"fc1": 0.0135, "fc2": 0.03, "fc3": 0.28}),
         must={"error": "<= 2.0", "weights": ">= 56"},
         published={"error": "1.99 %, arXiv 1608.04493", "weights": "56x"}),
    Work(method="dynamic network surgery", network="lenet-5", data="MNIST",
         recipe=_recipe("surgery-lenet5", epochs=8, splicing=10,
                        density={"conv1": 0.14, "conv2": 0.03, "fc1": 0.006, "fc2": 0.04}),
         must={"error": "<= 0.91", "weights": ">= 108"},
         published={"error": "0.91 %, arXiv 1608.04493", "weights": "108x"})])
