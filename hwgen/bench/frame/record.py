"""The file of a benchmark: a list of rows, written aside and renamed."""

import json
import os
from pathlib import Path

__all__ = ["write_rows"]


def write_rows(rows, folder, name: str) -> Path:
    """Write ``folder/NAME.json``, making the folder; an earlier file stays until it is whole."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    aside = folder / f".{name}.{os.getpid()}.part"
    text = json.dumps([row.to_dict() for row in rows], indent=1, allow_nan=False)
    try:
        aside.write_text(text + "\n", encoding="utf-8")
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
    return path
