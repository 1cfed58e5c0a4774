"""A recipe on a network and a data set: how it is run, and its rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hwgen.flow.steps import code_digest

from ..frame.bench import machine
from ..frame.row import Row

__all__ = ["FOLDERS", "Work", "folder_of", "inputs", "lacking", "measured"]

FOLDERS = {"MNIST": "mnist", "Fashion-MNIST": "fashion-mnist"}
"""Data set to its folder inside of --data."""

FIRST = "train-images-idx3-ubyte"


@dataclass(frozen=True, kw_only=True)
class Work:
    """One recipe on one network.

    Members
    -------
    method : str        as the table names it
    network : str       one of hwgen.compress.lenets.LENETS
    data : str          one of :data:`FOLDERS`
    recipe : mapping    as a recipe's TOML file has it, see docs/compress.md
    must : mapping of metric to bound; metrics are ``error``, ``bits``, ``ratio``, ``weights``
    published : mapping of metric to text
    """

    method: str
    network: str
    data: str
    recipe: Mapping
    must: Mapping
    published: Mapping

    @property
    def name(self) -> str:
        """Names its row, and its recipe."""
        return f"{self.method}, {self.network}, {self.data}"


def inputs() -> dict:
    """What decides the rows besides the recipes; trainings that are done are not done again."""
    return {"compress": code_digest("compress")}


def folder_of(bench, data: str) -> Path | None:
    """Folder of a data set's IDX files; None where there is none."""
    if bench.data is None:
        return None
    places = [bench.data / FOLDERS[data]] + [bench.data] * (data == "MNIST")
    return next((place for place in places
                 if any((place / f"{FIRST}{end}").is_file() for end in ("", ".gz"))), None)


def lacking(bench, works) -> str | None:
    """What is not there of what ``works`` need, as a text."""
    for work in works:
        if folder_of(bench, work.data) is None:
            return f"the IDX files of {work.data}, --data FOLDER"
    return None


def measured(bench, works):
    """Rows of works, one after another."""
    for work in works:
        yield from _rows(bench, work)


def _rows(bench, work):
    from hwgen.compress import Recipe, compress, mnist
    from hwgen.compress.lenets import lenet, lenet_split

    recipe = Recipe.from_dict(work.recipe, work.name)
    split = lenet_split(work.network, mnist(folder_of(bench, work.data)))
    folder = bench.folder / bench.part / f"{work.network}-{FOLDERS[work.data]}"

    def tell(epoch):
        bench.tell(None, f"{work.name}: {epoch.name} {epoch.epoch} of {epoch.epochs}, loss"
                         f" {epoch.loss:.3f}, accuracy {100 * epoch.accuracy:.2f} %,"
                         f" {epoch.bits:,} bits")

    result = compress(lenet(work.network, seed=recipe.seed), recipe, split, folder=folder,
                      progress=tell, device="cpu")
    result.save(folder)
    account = result.account
    values = {"error": (result.error, "%"), "bits": (account.bits, ""),
              "ratio": (round(account.ratio, 2), "x"),
              "weights": (round(account.weights / account.nonzeros, 2), "x")}
    for metric, (value, unit) in values.items():
        yield Row(work=work.name, metric=METRICS[metric], value=value, unit=unit,
                  must=work.must.get(metric), published=work.published.get(metric, ""),
                  device=machine(), seed=recipe.seed)


METRICS = {"error": "error, 10,000 test images, golden", "bits": "bits that are stored",
           "ratio": "times smaller than its floats", "weights": "times fewer weights but 0"}
