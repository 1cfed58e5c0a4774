"""The trained networks of the repository: recipes, accuracy and sizes; writes docs/networks.md."""

from pathlib import Path

import numpy as np

from hwgen.ir import MatVec, Network, Threshold, load
from hwgen.numeric import SpecError

from .frame.row import Row

__all__ = ["DESCRIPTION", "NAME", "describe", "run"]

NAME = "networks"
DESCRIPTION = "the trained networks in networks/: accuracy noted, sizes; docs/networks.md"

FOLDER, DOCUMENT = Path("networks"), Path("docs/networks.md")

TEXT = """# Trained networks

Written by `hwgen bench networks` from the files in `networks/` and the recipes in
`hwgen/compress/recipes_mnist.py`. Accuracy is of the exact integers, on the 10,000 official test
images of MNIST, which were looked at once, after the training: no epoch is selected. Settings were
chosen by short trainings on the last 5,000 training samples, held back (from the students; the
teacher had seen them). The float teacher, 784-1024-512-10, reaches 99.40 % (7 minutes). Networks
in fixed point are not distilled from it, but from the float network that they were (recipes in
`hwgen/compress/recipes_mnist_fixed.py`); its accuracy stands in brackets.

Make one again with the standard IDX files in `DATA`:

    hwgen train NAME --data DATA --seed SEED -o rtl_out/mnist

The training can be stopped and goes on from its checkpoint. It is made to give the same integers on
every x86-64 processor with AVX2, with the versions of `constraints.txt`: products are exact in any
order of summation (tested with the kernels of three instruction sets), the rest uses the kernels
that `hwgen.compress.reproducible` asks for. Those in fixed point have no such products: other
kernels may give other integers. Check the accuracy of all with
`hwgen bench binary --part accuracy --data DATA`.

`networks/digits/pairs-w6a6.hwgen` reads no MNIST: of the jet tagger's sizes, 16-64-32-32-5, 6 bits
and half pruned, it tells five pairs of scikit-learn's digits apart, 92.6 % of 500 test samples
(`hwgen/compress/recipes_pairs.py`). `hwgen bench fixed --part trained-mlp` unrolls it.

`networks/deep` has LeNet-300-100 as Deep Compression makes it, pruned to 8 %, 9 % and 26 %, codes
of 6 bits with indices of 5 (98.61 %), and 4 and 4 (98.64 %), with the recipes for `hwgen compress`.
`hwgen bench sparse --part lenet` runs them on the EIE engine, and as a pipeline.

"""

HEADS = ("name", "network", "accuracy", "weights, kbit", "thresholds", "file, kB", "epochs", "seed",
         "minutes", "digest")


def run(progress) -> list[Row]:
    """Rows of every network that is there, and the document."""
    paths = sorted(FOLDER.glob("*.hwgen"))
    if not paths:
        raise SpecError(f"'{FOLDER}' must hold network files, and there are none: run this in the"
                        f" folder of the repository")
    entries = [describe(load(path), path.stat().st_size) for path in paths]
    DOCUMENT.parent.mkdir(parents=True, exist_ok=True)
    DOCUMENT.write_text(document(entries), encoding="utf-8")
    progress("bench networks", 1.0, f"{len(entries)} networks; table in {DOCUMENT}")
    return [row for entry in entries for row in rows_of(entry)]


def describe(network: Network, size: int) -> dict:
    """What the table says of one network in a file of ``size`` bytes."""
    from hwgen.compress import MNIST_RECIPES

    matrices = [n.weights for n in network.nodes if isinstance(n, MatVec)]
    meta = network.meta
    return {
        "name": network.name, "network": f"{meta['text']}; reads {meta['pixels']}",
        "accuracy": meta["accuracy"], "float": meta.get("origin_accuracy"),
        "kbit": round(sum(np.prod(m.shape) * m.format.bits for m in matrices) / 1000, 1),
        "thresholds": sum(n.table.size for n in network.nodes if isinstance(n, Threshold)),
        "kilobytes": round(size / 1000, 1), "epochs": meta["epochs"], "seed": meta["seed"],
        "minutes": MNIST_RECIPES[network.name].minutes, "digest": network.digest[:12],
    }


def rows_of(entry: dict) -> list[Row]:
    """Its accuracy, weights and file."""
    common = {"work": entry["name"], "device": "MNIST", "seed": entry["seed"]}
    return [
        Row(**common, metric="accuracy noted, 10000 test images, golden", unit="%",
            value=entry["accuracy"]),
        Row(**common, metric="weights", unit="kbit", value=float(entry["kbit"])),
        Row(**common, metric="file", unit="kB", value=entry["kilobytes"], must="< 1048.576"),
    ]


def document(entries) -> str:
    """The text of docs/networks.md."""
    lines = [f"| {' | '.join(HEADS)} |", "|" + "---|" * len(HEADS)]
    for entry in entries:
        of_float = entry["float"]
        beside = f" ({of_float:.2f} %)" if of_float else ""
        shown = {key: value for key, value in entry.items() if key != "float"} | {
            "accuracy": f"{entry['accuracy']:.2f} %{beside}", "minutes": f"{entry['minutes']:g}",
            "digest": f"`{entry['digest']}`", "name": f"`{entry['name']}`"}
        lines.append(f"| {' | '.join(str(value) for value in shown.values())} |")
    return TEXT + "\n".join(lines) + "\n"
