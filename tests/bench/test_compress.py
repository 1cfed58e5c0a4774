"""The benchmark of compression methods: its parts, where data lie, its rows."""

from types import SimpleNamespace

import numpy as np
import pytest
from cases.errors import refused
from cases.mnist_files import write_digits

from hwgen import bench
from hwgen.bench import compress
from hwgen.bench.compress_parts import PARTS
from hwgen.bench.compress_parts.work import Part, Work, folder_of
from hwgen.bench.frame.bench import Bench
from hwgen.compress import Recipe
from hwgen.compress.frame.prepare import context_of, prepared
from hwgen.compress.lenets import LENETS, lenet, lenet_split
from hwgen.numeric import SpecError

SMALL = Work(method="small", network="lenet-300-100", data="MNIST", recipe={"step": [
    {"kind": "prune", "density": 0.1}, {"kind": "quantise"}, {"kind": "code"}], "name": "small"},
    must={"weights": ">= 9.9"}, published={"bits": "nobody"})


def test_benchmark_is_found():
    assert bench.load("compress") is compress


def test_unknown_part_is_refused():
    message = f"part of benchmark 'compress' must be one of {', '.join(PARTS)}, not 'zip'"
    with refused(SpecError, message):
        compress.run(lambda *_: None, parts=["zip"])


@pytest.mark.parametrize("name", PARTS)
def test_every_recipe_goes_with_its_network(name):
    part = PARTS[name]
    assert part.KEY
    images = np.zeros((2, 784), np.uint8) + np.array([[0], [255]], np.uint8)
    split = SimpleNamespace(x_train=images, x_test=images, side=28)
    for work in part.works:
        shaped = split
        if LENETS[work.network].reads_maps:
            maps = images.reshape(-1, 1, 28, 28)
            shaped = SimpleNamespace(x_train=maps, x_test=maps, side=None)
        model = prepared(lenet(work.network, seed=1), shaped)
        Recipe.from_dict(work.recipe, work.name).validate(context_of(model, shaped))


def test_networks_have_the_parameters_of_the_papers():
    counts = {name: sum(p.numel() for p in lenet(name, seed=0).parameters()) for name in LENETS}
    assert counts == {"lenet-300-100": 266_610, "lenet-5": 431_080}


def test_where_data_lie(tmp_path):
    at = SimpleNamespace(data=None)
    assert folder_of(at, "MNIST") is None
    at.data = tmp_path
    assert Part(__file__, [SMALL]).lacking(at) == "the IDX files of MNIST, --data FOLDER"
    write_digits(tmp_path)
    assert folder_of(at, "MNIST") == tmp_path
    assert folder_of(at, "Fashion-MNIST") is None
    (tmp_path / "fashion-mnist").mkdir()
    write_digits(tmp_path / "fashion-mnist")
    assert folder_of(at, "Fashion-MNIST") == tmp_path / "fashion-mnist"
    assert Part(__file__, [SMALL]).lacking(at) is None


def test_rows_of_a_work(tmp_path):
    write_digits(tmp_path / "data")
    at = Bench(tmp_path / "out", progress=lambda *_: None, name="compress", data=tmp_path / "data")
    at.part = "small"
    rows = {row.metric: row for row in Part(__file__, [SMALL]).measure(at)}
    assert {row.work for row in rows.values()} == {"small, lenet-300-100, MNIST"}
    assert rows["times fewer weights but 0"].met
    assert rows["bits that are stored"].published == "nobody"
    assert 5 < rows["times smaller than its floats"].value < 200
    assert (tmp_path / "out" / "small" / "lenet-300-100-mnist" / "small.hwgen").is_file()


def test_images_as_maps(tmp_path):
    from hwgen.compress import mnist

    write_digits(tmp_path)
    split = mnist(tmp_path)
    assert lenet_split("lenet-300-100", split) is split
    maps = lenet_split("lenet-5", split)
    assert maps.x_train.shape[1:] == (1, 28, 28)
    assert np.array_equal(maps.x_test.reshape(-1, 784), split.x_test)
