"""Where the data sets of the benchmarks lie inside of --data."""

from pathlib import Path

__all__ = ["FOLDERS", "folder_of"]

FOLDERS = {"MNIST": "mnist", "Fashion-MNIST": "fashion-mnist"}
"""Data set to its folder inside of --data, which may also be that of MNIST itself."""

FIRST = "train-images-idx3-ubyte"


def folder_of(bench, data: str) -> Path | None:
    """Folder of a data set's IDX files; None where there is none."""
    if bench.data is None:
        return None
    places = [bench.data / FOLDERS[data]] + [bench.data] * (data == "MNIST")
    return next((place for place in places
                 if any((place / f"{FIRST}{end}").is_file() for end in ("", ".gz"))), None)
