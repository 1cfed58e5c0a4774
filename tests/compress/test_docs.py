from pathlib import Path

from hwgen.compress.frame.methods_table import methods_table, written

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "compress.md"


def test_the_table_of_methods_is_the_registry():
    text = DOCUMENT.read_text(encoding="utf-8")
    assert methods_table() in text
    assert written(text) == text
