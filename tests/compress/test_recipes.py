import numpy as np
import pytest
import torch
from cases.errors import refused

from hwgen import golden
from hwgen.compress import (
    STUDENTS,
    accuracy,
    density,
    digits,
    export,
    predict_integers,
    train_student,
    train_teacher,
)
from hwgen.numeric import Bipolar, SpecError


@pytest.fixture(scope="module")
def split():
    return digits()


@pytest.fixture(scope="module")
def teacher(split):
    return train_teacher(split, effort=0.4)


def weights(network):
    return [node.weights for node in network.nodes if node.kind == "mat_vec"]


def test_the_teacher_reaches_97_percent_early(split, teacher):
    with torch.no_grad():
        scores = teacher(torch.from_numpy(split.x_test).float()).numpy()
    assert accuracy(scores, split.y_test) >= 0.97


@pytest.mark.parametrize("name", sorted(STUDENTS))
def test_a_student_is_the_same_in_torch_and_golden_on_every_score(split, teacher, name):
    module = train_student(name, split, teacher, effort=0.06)
    network = export(module, split.x_test, name=name)
    scores = predict_integers(module, split.x_test)
    values = golden.run(network, split.x_test)
    assert np.count_nonzero(values[network.scores] != scores) == 0
    assert accuracy(scores, split.y_test) == np.mean(values["argmax"][:, 0] == split.y_test)
    assert accuracy(scores, split.y_test) > 0.8
    assert len(weights(network)) == 3
    assert network.scores == "fc3"


def test_the_binary_student_is_of_bits(split, teacher):
    network = export(train_student("digits-binary", split, teacher, effort=0.01), split.x_test)
    assert {matrix.format for matrix in weights(network)} == {Bipolar()}
    assert {network.edges[name].format for name in ("thermometer", "act1", "act2")} == {Bipolar()}
    assert sum(matrix.to_dense().size for matrix in weights(network)) <= 60_000


def test_the_fixed_student_is_of_at_most_6_bits(split, teacher):
    network = export(train_student("digits-fixed", split, teacher, effort=0.01), split.x_test)
    assert max(matrix.format.bits for matrix in weights(network)) <= 6
    assert max(network.edges[name].format.bits for name in ("input", "act1", "act2")) <= 6


def test_the_sparse_student_has_at_most_15_percent(split, teacher):
    module = train_student("digits-sparse", split, teacher, effort=0.05)
    matrices = weights(export(module, split.x_test))
    share = sum(m.nonzeros for m in matrices) / sum(m.to_dense().size for m in matrices)
    assert 0.10 < share <= 0.15
    assert share == density(module)


def test_checkpoints_of_every_phase_are_kept_and_reused(split, teacher, tmp_path):
    seen = []
    options = {"folder": tmp_path, "effort": 0.03}
    first = train_student("digits-fixed", split, teacher, **options, progress=seen.append)
    assert {epoch.name for epoch in seen} == {"digits-fixed-float", "digits-fixed-quantised"}
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "digits-fixed-float.ckpt", "digits-fixed-quantised.ckpt"]
    seen.clear()
    again = train_student("digits-fixed", split, teacher, **options, progress=seen.append)
    assert seen == []
    assert (export(first, split.x_test).digest == export(again, split.x_test).digest)


def test_the_seed_decides_the_integers(split):
    def digest(seed):
        teacher = train_teacher(split, effort=0.02, seed=seed)
        student = train_student("digits-sparse", split, teacher, effort=0.01, seed=seed)
        return export(student, split.x_test).digest

    assert digest(0) == digest(0)
    assert digest(0) != digest(1)


def test_unknown_students_are_refused(split):
    with refused(SpecError, "student must be one of ['digits-binary', 'digits-fixed',"
                            " 'digits-sparse'], not 'digits'"):
        train_student("digits", split, None)


@pytest.mark.parametrize("effort", [0, 1.5])
def test_effort_is_checked(split, effort):
    with refused(SpecError, f"recipe 'digits-teacher': effort must be above 0 and at most 1, not"
                            f" {effort}"):
        train_teacher(split, effort=effort)


def test_accuracy_takes_the_first_of_equals():
    assert accuracy([[1, 1], [0, 2], [3, 0]], [0, 1, 1]) == 2 / 3
