"""Every method on the same trained network with the same short training, family by family."""

import re

from .gates import Gates
from .work import COMMON, Part, Work

__all__ = ["FAMILIES", "PARTS", "START"]

START = 12
"""Epochs of the float network, from which each method starts."""

EPOCHS, LAST = 8, 2
"""Of a method's own training, and of one with the rounding in place behind it."""

HAN = {"fc1": 0.08, "fc2": 0.09, "fc3": 0.26}
"""Densities of Deep Compression's LeNet-300-100 (arXiv 1510.00149, table 2)."""


def trains(kind: str, epochs: int = EPOCHS, **fields) -> dict:
    """A step that trains."""
    return {"kind": kind, "epochs": epochs, "lr": 1e-3, **COMMON, **fields}


def fixed(epochs: int = LAST, **fields) -> dict:
    """Integers behind a method: 8 bits unless given."""
    return trains("quantise", epochs, **{"weight_bits": 8, "activation_bits": 8, "lr": 3e-4,
                                         **fields})


CODE = {"kind": "code"}


def row(method: str, *steps, network: str = "lenet-300-100", gates: bool = False) -> Work:
    """A line of the table: ``steps`` on the trained ``network``."""
    name = "on-mnist-" + re.sub(r"[^a-z0-9]+", "-", method.lower()).strip("-")
    return Work(method=method, network=network, data="MNIST", start=START, gates=gates,
                recipe={"name": name, "seed": 1, "step": list(steps)})


def _integers(method, kind, gates=False, lr=2e-3, **fields):
    return row(method, trains(kind, EPOCHS + LAST, lr=lr, **fields), gates=gates)


def _pruned(method, kind, gates=False, **fields):
    return row(method, trains(kind, lr=2e-3, **fields), fixed(), gates=gates)


FAMILIES = {
    "precision": [
        row("8 bits, min-max, not trained", fixed(0, rule="min_max")),
        row("4 bits, min-max, not trained", fixed(0, rule="min_max", weight_bits=4)),
        row("4 bits, percentile, not trained", fixed(0, rule="percentile", weight_bits=4)),
        row("4 bits, least squares, not trained", fixed(0, weight_bits=4)),
        row("4 bits, Ristretto's rule, not trained", fixed(0, rule="ristretto", weight_bits=4)),
        row("8 bits, trained", fixed(EPOCHS), gates=True),
        row("4 bits, trained", fixed(EPOCHS, weight_bits=4, activation_bits=4), gates=True),
        row("integer-only, 8 bits", trains("integer-only", lr=3e-4)),
        row("LSQ, 3 bits", fixed(EPOCHS, weight_bits=3, activation_bits=3, steps="lsq")),
        row("PACT, 4 bits", fixed(EPOCHS, weight_bits=4, activation_bits=4, steps="pact")),
        row("stochastic rounding, 8 bits", fixed(0), trains("stochastic-round")),
        row("SQNR, 4 bits in the mean", trains("quantise-sqnr", lr=3e-4, mean_bits=4.0)),
        row("Ristretto, 1 % tolerated", {"kind": "hold-back"}, trains("ristretto", lr=3e-4)),
        row("HGQ, bits of each weight", fixed(0), trains("hgq", EPOCHS + LAST)),
        _integers("DoReFa, 2 bits", "dorefa"), _integers("WRPN, 3 bits", "wrpn", lr=1e-3, bits=3),
        _integers("LQ-Nets, 2 bases", "lq-nets"),
        _integers("LQ-Nets, 2 bases, activations too", "lq-nets", activations="learned")],
    "binary": [
        _integers("BinaryConnect", "binary", activation_bits=8),
        _integers("BNN", "binary", gates=True), _integers("XNOR-Net", "xnor"),
        _integers("LAB", "loss-aware"),
        row("Bi-Real, 8 bits beside", trains("bi-real", lr=2e-3), fixed(), network="lenet-5-deep"),
        _integers("HWGQ", "hwgq"), _integers("ReBNet, 2 levels", "rebnet"),
        _integers("HORQ, 2 levels", "horq"), _integers("ABC-Net, 3 bases", "abc-net"),
        _integers("ABC-Net, 3 bases, activations of 2", "abc-net", activation_bases=2),
        _integers("alternating, 2 bases", "alternating"),
        _integers("TWN", "twn", gates=True), _integers("TTQ", "ttq"),
        _integers("+1, 0, -1", "ternary")],
    "logarithmic": [
        _integers("powers of two, 5 bits", "powers", lr=1e-3, gates=True),
        row("INQ, 5 bits", trains("inq", 3, bits=5)),
        _integers("LogNet, 4 bits", "log-net", lr=1e-3, bits=4),
        _integers("ShiftCNN, 2 terms", "shiftcnn", lr=1e-3)],
    "pruning": [
        _pruned("magnitude, cubic schedule", "prune", density=HAN, gates=True),
        row("magnitude, iterative", trains("prune-iterative", 3, quality=1.0), fixed()),
        _pruned("LAMP, one density", "prune-lamp", density=0.085),
        _pruned("splicing, the same densities", "splice", density=HAN),
        _pruned("OBD", "prune-obd", density=HAN),
        _pruned("OBS of layers", "prune-obs", density=HAN),
        _pruned("OBS of fc3's 1,000 weights, 266,200 are too many", "prune-obs-full",
                density={"fc3": HAN["fc3"]}),
        _pruned("Taylor", "prune-taylor", density=HAN),
        _pruned("2 of 4", "prune-nm", gates=True),
        _pruned("blocks of 2 x 1", "prune-block", rows=2, density=0.2),
        _pruned("balanced over 4", "prune-balanced", density=0.1),
        row("lottery ticket", trains("lottery", 4, density=HAN, lr=2e-3), fixed()),
        _pruned("L0 gates", "l0"), _pruned("variational dropout", "variational"),
        _pruned("ADMM", "admm", density=HAN, retrain=3),
        _pruned("filters, L1 norm", "prune-filters", density={"fc1": 0.3, "fc2": 0.5}),
        _pruned("filters, Taylor", "taylor-filters", density={"fc1": 0.3, "fc2": 0.5}),
        _pruned("filters, ThiNet", "thinet", density={"fc1": 0.3, "fc2": 0.5}),
        row("slimming, batch norms", trains("slimming", density=0.35, retrain=3, lr=2e-3), fixed(),
            network="lenet-300-100-norm"),
        _pruned("group lasso", "group-lasso", strength=0.1, retrain=3)],
    "sharing": [
        row("k-means, 16 values", fixed(0), trains("share", 4, lr=3e-4, bits=4), gates=True),
        row("k-means, 16 values, weighed by the Hessian", fixed(0),
            trains("share", 4, lr=3e-4, bits=4, importance="hessian")),
        row("soft weight sharing", trains("soft-share"), fixed()),
        row("product quantisation, pieces of 4", trains(
            "product-quantise", length=4, count={"fc1": 64, "fc2": 32, "fc3": 4}), fixed()),
        row("pruned, k-means, Huffman", trains("prune", density=HAN, lr=2e-3), fixed(0),
            trains("share", 4, lr=3e-4, bits=4), CODE),
        row("hashing trick, 1 of 8", trains("hash"), fixed())],
    "structured": [
        row("low rank 20", trains("low-rank", rank={"fc1": 20, "fc2": 20}), fixed(), gates=True),
        row("low rank 25 and 16, the circulant's bits",
            trains("low-rank", rank={"fc1": 25, "fc2": 16}), fixed()),
        row("low rank 7, the tensor train's bits", trains("low-rank", rank={"fc1": 7}), fixed()),
        row("block-circulant, 8", trains("circulant", block={"fc1": 8, "fc2": 8}), fixed()),
        row("tensor train, rank 8", trains("tensor-train", rank={"fc1": 8},
                                           modes_out={"fc1": [15, 20]},
                                           modes_in={"fc1": [28, 28]}), fixed()),
        row("adaptive Fastfood", trains("fastfood", layers=["fc1"]), fixed()),
        row("low displacement rank 4", trains("low-displacement", rank={"fc1": 4}), fixed()),
        row("Tucker-2", trains("tucker", 4, rank_in={"conv2": 10}, rank_out={"conv2": 20}), fixed(),
            network="lenet-5"),
        row("CP, rank 20", trains("cp", 4, rank={"conv2": 20}), fixed(), network="lenet-5")],
    "distillation": [
        row("hints, 4 bits", {"kind": "hints", "layers": ["relu"]},
            fixed(EPOCHS, weight_bits=4, activation_bits=4)),
        row("attention transfer, 4 bits", {"kind": "attention", "layers": ["relu"]},
            fixed(LAST, weight_bits=4, activation_bits=4), network="lenet-5"),
        row("soft targets, 4 bits", {"kind": "distil"},
            fixed(EPOCHS, weight_bits=4, activation_bits=4), gates=True)],
}
"""Family -> its works, in the order of the table."""

PARTS = {family: Part(__file__, works) for family, works in FAMILIES.items()} | {
    "gates": Gates(__file__, [work for works in FAMILIES.values() for work in works])}
