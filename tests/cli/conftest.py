"""Running the command line in this process, as its console entry does."""

import json
import sys
from dataclasses import dataclass

import pytest

from hwgen.cli import main


@dataclass(frozen=True)
class Done:
    """What a command left: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def words(self):
        """Standard output without frames and line breaks."""
        return " ".join("".join(" " if c in "│╭╮╰╯─┃┏┓┗┛━┡┩└┘┼├┤┴┬╇┳" else c
                                for c in self.out).split())


@pytest.fixture
def hwgen(capsys, monkeypatch):
    """Call with the words of a command line; gives a :class:`Done`."""
    monkeypatch.setenv("COLUMNS", "100")

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["hwgen", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main()
        return Done(left.value.code or 0, *capsys.readouterr())

    return run
