"""The benchmark of compression methods: its parts, where data lie, its rows."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from cases.errors import refused
from cases.mnist_files import write_digits

from hwgen import bench
from hwgen.bench import Row, compress
from hwgen.bench.compress_parts import PARTS, gates, pivot
from hwgen.bench.compress_parts.methods import FAMILIES
from hwgen.bench.compress_parts.work import METRICS, Part, Work
from hwgen.bench.frame.bench import Bench
from hwgen.bench.frame.idx import folder_of
from hwgen.compress import Recipe
from hwgen.compress.frame.prepare import context_of, prepared
from hwgen.compress.lenets import LENETS, lenet, lenet_split
from hwgen.compress.methods import METHODS
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


@pytest.mark.parametrize("name", [name for name in PARTS if name != "gates"])
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
    assert counts == {"lenet-300-100": 266_610, "lenet-300-100-norm": 267_410,
                      "lenet-5": 431_080, "lenet-5-deep": 476_380}


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
    assert (tmp_path / "out" / "recipes" / "lenet-300-100-mnist" / "small.hwgen").is_file()


def test_fewer_weights_are_those_that_the_float_network_has(tmp_path):
    write_digits(tmp_path / "data")
    at = Bench(tmp_path / "out", progress=lambda *_: None, name="compress", data=tmp_path / "data")
    at.part = "narrow"
    work = replace(SMALL, method="narrow", must={}, recipe={"name": "narrow", "step": [
        {"kind": "prune-filters", "density": {"fc1": 0.1}}, {"kind": "quantise"}]})
    rows = {row.metric: row.value for row in Part(__file__, [work]).measure(at)}
    left = 784 * 30 + 30 * 100 + 1000
    assert 266_200 / left <= rows[METRICS["weights"]] < 1.2 * 266_200 / left


def test_images_as_maps(tmp_path):
    from hwgen.compress import mnist

    write_digits(tmp_path)
    split = mnist(tmp_path)
    assert lenet_split("lenet-300-100", split) is split
    maps = lenet_split("lenet-5", split)
    assert maps.x_train.shape[1:] == (1, 28, 28)
    assert np.array_equal(maps.x_test.reshape(-1, 784), split.x_test)


def test_every_method_is_a_line_of_the_table():
    kinds = {step["kind"] for works in FAMILIES.values() for work in works
             for step in work.recipe["step"]}
    assert set(METHODS) - kinds == {"train"}


def test_a_dozen_methods_of_all_families_become_gates():
    made = {family: sum(work.gates for work in works) for family, works in FAMILIES.items()}
    assert sum(made.values()) >= 10
    assert min(made.values()) >= 1


def test_methods_start_from_the_same_trained_network(tmp_path):
    write_digits(tmp_path / "data")
    at = Bench(tmp_path / "out", progress=lambda *_: None, name="compress", data=tmp_path / "data")
    at.part = "small"
    works = [replace(SMALL, start=1), replace(SMALL, method="other", start=1)]
    rows = list(Part(__file__, works).measure(at))
    errors = [row.value for row in rows if row.metric == METRICS["float"]]
    assert len(errors) == 2
    assert errors[0] == errors[1]
    assert [path.name for path in (tmp_path / "out" / "float").iterdir()] \
        == ["lenet-300-100-mnist-1.ckpt"]


def test_trainings_of_other_settings_are_done_anew(tmp_path):
    write_digits(tmp_path / "data")
    at = Bench(tmp_path / "out", progress=lambda *_: None, name="compress", data=tmp_path / "data")
    at.part = "small"

    def measured(density, epochs):
        recipe = {"name": "small", "seed": epochs, "step": [
            {"kind": "prune", "density": density, "epochs": 1}, {"kind": "quantise"}]}
        work = replace(SMALL, start=1, must={}, recipe=recipe)
        rows = list(Part(__file__, [work]).measure(at))
        return {row.metric: row.value for row in rows}[METRICS["weights"]]

    assert measured(0.1, 1) > 9
    assert 1.9 < measured(0.5, 1) < 3
    assert 1.9 < measured(0.5, 2) < 3          # another float network, too


def test_a_line_for_each_method_with_what_was_measured(tmp_path):
    first, second = FAMILIES["precision"][:2]
    rows = [Row(work=first.name, metric=METRICS["error"], value=1.5, unit="%"),
            Row(work=first.name, metric=METRICS["bits"], value=2_136_170),
            Row(work=first.name, metric=gates.METRICS["lut"], value=9_000),
            Row(work=second.name, metric=METRICS["error"], value=2.5, unit="%"),
            Row(work=second.name, metric=METRICS["bits"], value=1_000_000),
            Row(work="another", metric=METRICS["error"], value=9.5, unit="%")]
    assert pivot.found(rows)["precision"][first.name][METRICS["bits"]] == 2_136_170
    lines = pivot.table(rows).splitlines()
    assert len(lines) == 4
    assert lines[2].startswith(f"| precision | {first.method} | 1.5 |  | 2,136,170 |")
    written = compress._document("# Top\n\n", rows, {})
    assert written.index("another") < written.index("## Every method") < written.index(first.method)
    pivot.draw(rows, tmp_path / "plot.svg")
    text = (tmp_path / "plot.svg").read_text()
    assert "precision" in text
    assert "LUT4 on an ECP5-85" in text
    pivot.draw([rows[-1]], tmp_path / "none.svg")
    assert not (tmp_path / "none.svg").exists()


def test_no_two_works_have_one_name():
    names = [work.name for name, part in PARTS.items() if name != "gates" for work in part.works]
    assert len(names) == len(set(names))


def test_the_binarised_network_of_the_repository(tmp_path):
    write_digits(tmp_path / "data")
    at = Bench(tmp_path / "out", progress=lambda *_: None, name="compress")
    part = PARTS["bnn"]
    assert part.lacking(at) == "the IDX files of MNIST, --data FOLDER"
    at.data = tmp_path / "data"
    assert part.lacking(at) is None
    rows = {row.metric: row.value for row in part.measure(at)}
    assert rows[METRICS["error"]] < 60          # digits of another hand, enlarged
    weights = 784 * 1024 + 2 * 1024 ** 2 + 10_240
    thresholds = rows[METRICS["bits"]] - weights
    assert 3072 * 10 <= thresholds <= 3072 * 12
    assert rows[METRICS["ratio"]] == round(32 * weights / rows[METRICS["bits"]], 2)
