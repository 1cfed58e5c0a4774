"""The document behind a report: read from a demo folder, or gathered from an artefact folder."""

import json
import os
from pathlib import Path

from hwgen.numeric.errors import SpecError

from .artefact import document_of_artefact

__all__ = ["DOCUMENT", "load", "save"]

DOCUMENT = "demo.json"
MANIFEST = "manifest.json"
FORMAT, VERSION = "hwgen-demo", 1

KEYS = ("hwgen", "seed", "dataset", "teacher", "tools", "machine", "rows", "curves",
        "total_seconds")


def load(folder) -> dict:
    """The document of a folder that ``hwgen demo`` or ``hwgen generate`` wrote.

    Raises
    ------
    SpecError    If the folder is neither, or its document is damaged or newer.
    """
    folder = Path(folder)
    if (folder / DOCUMENT).is_file():
        return _read(folder / DOCUMENT)
    if (folder / MANIFEST).is_file():
        return document_of_artefact(folder)
    raise SpecError(f"{folder}: must be a folder with {DOCUMENT} (of 'hwgen demo') or"
                    f" {MANIFEST} (of 'hwgen generate')")


def save(document: dict, folder) -> Path:
    """Write a demo's document into its folder: aside, then renamed."""
    path = Path(folder) / DOCUMENT
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        aside.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
    return path


def _read(path: Path) -> dict:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise SpecError(f"{path}: damaged: no JSON ({error})") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise SpecError(f"{path}: must be the document of a demo, not of another kind")
    if document.get("version") != VERSION:
        raise SpecError(f"{path}: version must be {VERSION}, not {document.get('version')!r}:"
                        f" run the demo again with this hwgen")
    missing = [key for key in KEYS if key not in document]
    if missing:
        raise SpecError(f"{path}: damaged: {', '.join(missing)} must be there")
    return document
