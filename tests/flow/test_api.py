"""The Python API as the README shows it, and the artefact as an object."""

import json
import subprocess
import sys

import numpy as np
import pytest
from cases.errors import refused
from cases.networks import NETWORKS, binary, inputs

import hwgen
from hwgen import golden
from hwgen.flow import api
from hwgen.numeric import SpecError


def python(code):
    """What ``code`` prints, as JSON, in a Python of its own."""
    done = subprocess.run([sys.executable, "-c", f"import json, sys\n{code}"], check=True,
                          capture_output=True, text=True)
    return json.loads(done.stdout)


def test_load_and_run(tmp_path):
    network = binary()
    path = tmp_path / "net.hwgen"
    network.save(path)
    loaded = hwgen.load(path)
    assert loaded.digest == network.digest
    x = inputs(network, 9)
    scores = hwgen.run(loaded, x)
    assert np.array_equal(scores, golden.run(network, x)["fc3"])
    assert (scores.dtype, scores.shape) == (np.int64, (9, 4))


def test_plan_takes_a_board_by_name_or_file(tmp_path):
    network = binary()
    assert hwgen.plan(network).target.name == "ulx3s-85f"
    design = hwgen.plan(network, target="icebreaker", interval_cycles=200, clk_hz=18_000_000)
    assert (design.target.family, design.clk_hz) == ("ice40", 18_000_000)
    fastest = hwgen.plan(network, target="icebreaker")
    assert fastest.interval_cycles <= design.interval_cycles <= 200
    assert fastest.estimate.lut >= design.estimate.lut
    chosen = hwgen.plan(network, cores={"fc1": {"pe": 2, "simd": 5}})
    assert chosen.stages[1].folding["simd"] == 5
    own = tmp_path / "mine.py"
    own.write_text("from dataclasses import replace\n"
                   "from hwgen.board_targets.ulx3s_85f import BOARD as OTHER\n"
                   "BOARD = replace(OTHER, target=replace(OTHER.target, name='mine'))\n")
    assert hwgen.plan(network, target=str(own)).target.name == "mine"
    with refused(SpecError, "ecp5 pll: clk_hz must be a clock that the PLL can make (nearest:"
                            " 25000000), not 24000000"):
        hwgen.plan(network, clk_hz=24_000_000)
    with refused(SpecError, "board must be one of icebreaker, ulx3s-85f, or the path of a board's"
                            " .py file, not 'de10'"):
        hwgen.plan(network, target="de10")


def test_torch_is_loaded_by_no_other_than_export():
    loaded = python("import hwgen.flow.api as api\n"
                    "from hwgen.ir import Argmax, Input, Network\n"
                    "from hwgen.numeric import Fixed\n"
                    "import hwgen\n"
                    "nodes = [Input('x', (), (3,), Fixed(4)), Argmax('c', ('x',))]\n"
                    "net = Network('net', nodes, ('x', 'c'))\n"
                    "hwgen.run(net, [[1, 2, 3]]), hwgen.plan(net)\n"
                    "hwgen.export, hwgen.build\n"
                    "print(json.dumps('torch' in sys.modules))")
    assert loaded is False


def test_build_tells_its_steps_and_gives_the_artefact(tmp_path):
    told = []
    design = hwgen.plan(binary(), interval_cycles=100)
    artefact = hwgen.build(design, tmp_path / "net", x=inputs(design.network, 5),
                           progress=lambda *state: told.append(state))
    assert {step for step, _fraction, _text in told} == {"generate"}
    assert "Amaranth to Verilog" in [text for _step, _fraction, text in told]
    assert (artefact.folder, artefact.name) == (tmp_path / "net", "case-binary")
    assert artefact.network.digest == design.network.digest
    assert artefact.manifest["interval_cycles"] == design.interval_cycles
    assert repr(artefact) == f"Artefact({str(tmp_path / 'net')!r})"


def tiny_module():
    """Three layers fake-quantised as after training, with batch norm and all kinds of rounding."""
    import torch

    from hwgen.compress import QuantInput, QuantLinear, QuantReLU, calibrate

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        module = torch.nn.Sequential(
            QuantInput(bits=5, frac=4), QuantLinear(6, 8, bits=4), QuantReLU(bits=4),
            QuantLinear(8, 6, bits=4), QuantReLU(bits=3), QuantLinear(6, 4, bits=5, bias=True))
        for part in module:
            if isinstance(part, QuantLinear) and part.bias is not None:
                part.bias.data.normal_()
    calibrate(module, np.random.default_rng(0).integers(0, 32, (64, 6)))
    return module.eval()


@pytest.mark.cosim
def test_the_api_of_the_readme(tmp_path, monkeypatch):
    """From torch to the hardware as a function, with nothing but the five names."""
    from hwgen.compress import predict_integers

    monkeypatch.chdir(tmp_path)
    x = np.random.default_rng(1).integers(0, 32, (40, 6))
    torch_module = tiny_module()
    hwgen.export(torch_module, x[:1], name="digits-binary").save("digits-binary.hwgen")

    net = hwgen.load("digits-binary.hwgen")
    scores = hwgen.run(net, x)
    design = hwgen.plan(net, target="ulx3s-85f", interval_cycles=256)
    art = hwgen.build(design, "rtl_out/digits-binary")
    found = art.simulate(x)

    assert np.array_equal(found, scores)
    assert np.array_equal(found, predict_integers(torch_module, x))
    assert len(np.unique(found)) > 10
    verified = art.verify(x, stalls="random", seed=5)
    assert np.array_equal(verified.classes, found.argmax(axis=1))
    assert (verified.mismatched, verified.compared) == (0, 40 * 5)


@pytest.mark.parametrize("case", ["binary", "fixed"])
def test_run_takes_one_vector_or_many(case):
    network = NETWORKS[case]()
    x = inputs(network, 3)
    assert np.array_equal(api.run(network, x[0]), api.run(network, x)[0])
