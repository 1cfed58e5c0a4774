"""Recipes as TOML: the standard library reads it, and writing the few forms needed is short."""

import json
import re
from collections.abc import Mapping

__all__ = ["to_toml"]

BARE = re.compile(r"[A-Za-z0-9_-]+\Z")


def to_toml(document: Mapping) -> str:
    """A document of numbers, texts, lists and tables; lists of tables become ``[[key]]``.

    Tables inside of those are written in one line.
    """
    plain = {k: v for k, v in document.items() if not _is_table(v) and not _is_tables(v)}
    lines = [_line(key, value) for key, value in plain.items()]
    for key, table in document.items():
        if _is_table(table):
            lines += ["", f"[{_key(key)}]", *(_line(k, v) for k, v in table.items())]
        elif _is_tables(table):
            for each in table:
                lines += ["", f"[[{_key(key)}]]", *(_line(k, v) for k, v in each.items())]
    return "\n".join(lines) + "\n"


def _is_table(value) -> bool:
    return isinstance(value, Mapping)


def _is_tables(value) -> bool:
    return isinstance(value, list | tuple) and bool(value) and all(map(_is_table, value))


def _line(key, value) -> str:
    return f"{_key(key)} = {_value(value)}"


def _key(key: str) -> str:
    return key if BARE.match(key) else json.dumps(key)


def _value(value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "{ " + ", ".join(_line(k, v) for k, v in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, str):
        return json.dumps(value)    # a JSON text is a basic string of TOML
    if isinstance(value, int | float):
        return repr(value)
    raise TypeError(f"TOML value must be a number, a text, a list or a table, not {value!r}")
