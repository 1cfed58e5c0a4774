"""The list of packages; everything else about the build stands in pyproject.toml.

The boards and the benches lie in folders of their own beside ``hwgen/`` and are installed as
``hwgen.board_targets`` and ``hwgen.tb``. setuptools can search one folder under one name only,
so the search is written out here.
"""

from setuptools import find_packages, setup

OUTSIDE = {"hwgen.board_targets": "board_targets", "hwgen.tb": "tb"}

packages = find_packages(include=["hwgen", "hwgen.*"])
for name, folder in OUTSIDE.items():
    packages += [name, *(f"{name}.{inner}" for inner in find_packages(folder))]

setup(packages=packages, package_dir=OUTSIDE)
