"""Artefacts that several tests simulate; each is written, and compiled, once."""

import pytest
from cases.networks import NETWORKS
from cases.targets import ECP5

from hwgen.emit import write_artefact
from hwgen.plan import plan


@pytest.fixture(scope="session")
def artefact(tmp_path_factory):
    """Give the folder of the artefact of a network of :mod:`cases.networks`, by name."""
    folder, made = tmp_path_factory.mktemp("artefacts"), {}

    def get(name):
        if name not in made:
            made[name] = write_artefact(plan(NETWORKS[name](), ECP5), folder / name)
        return made[name]

    return get
