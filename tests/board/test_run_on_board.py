# amaranth: UnusedElaboratable=no
"""``hwgen run`` against a simulated board that holds a generated network."""

import json
import subprocess
import sys

import numpy as np
import pytest
from board.simulated import live
from cases.loaded import channels, other_weights
from cases.networks import NETWORKS, inputs

from hwgen import board_targets, golden
from hwgen.emit import read_manifest, write_artefact
from hwgen.host import BoardClient
from hwgen.host.framing import CHUNK_BYTES
from hwgen.host.layout import Layout
from hwgen.plan import plan
from hwgen.rtl.link import LinkShell
from hwgen.rtl.verilog_core import VerilogCore

pytestmark = pytest.mark.cosim

BAUD = 2_400_000        # 10 cycles a bit of iCEBreaker's clock, to keep the simulation short


def shell_of(board, manifest):
    layout = Layout.from_manifest(manifest)
    spec = board.link_spec(digest=layout.digest, in_bytes=layout.in_bytes,
                           out_bytes=layout.out_bytes, clk_hz=manifest["clk_hz"], baud=BAUD,
                           weight_words=manifest.get("weights", {}).get("words", 0))
    return LinkShell(VerilogCore.of(manifest), spec)


def run_command(port, x, folder, work, *options):
    np.save(work / "x.npy", x)
    done = subprocess.run(
        [sys.executable, "-c", "from hwgen.cli import main; main()", "run", "--port", port,
         str(work / "x.npy"), "--artefact", str(folder), "--baud", str(BAUD), "--timeout", "20",
         "--json", *options],
        capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", ["binary", "fixed"])
def test_every_score_from_the_board_is_the_golden_one(name, tmp_path):
    network = NETWORKS[name]()
    board = board_targets.load("icebreaker")
    folder = write_artefact(plan(network, board.target), tmp_path / "artefact")
    manifest = read_manifest(folder)
    verilog = [folder / each for each in manifest["verilog"]]
    x = inputs(network, 12)
    edges = golden.run(network, x)
    with live(shell_of(board, manifest), tmp_path, verilog) as port:
        with BoardClient(port, manifest=manifest, baud=BAUD, timeout_s=20) as client:
            scores, classes = client.infer(x)
        document = run_command(port, x[:3], folder, tmp_path)
    assert np.array_equal(scores, edges[network.scores])
    assert np.array_equal(classes, edges["argmax"].reshape(-1))
    assert document["mismatched"] == 0
    assert document["compared"] == scores[:3].size
    assert document["scores"] == scores[:3].tolist()


def test_weights_are_loaded_over_the_link_and_exchanged(tmp_path):
    """Those of the artefact first, unasked, then those of another network.

    A set is two chunks; one that is left unfinished does not disturb the next.
    """
    first = channels(shape=(2, 3, 8), kernel=(1, 3))
    second, board = other_weights(first, bias=30), board_targets.load("icebreaker")
    design = plan(first, board.target, weights="ram",
                  cores={"dw": {"pe": 1}, "fc": {"pe": 1, "simd": 1}})
    folder = write_artefact(design, tmp_path / "artefact")
    manifest = read_manifest(folder)
    verilog, x = [folder / each for each in manifest["verilog"]], inputs(first, 6)
    second.save(tmp_path / "second.hwgen")
    with live(shell_of(board, manifest), tmp_path, verilog) as port:
        documents = [run_command(port, x, folder, tmp_path)]
        with BoardClient(port, manifest=manifest, baud=BAUD, timeout_s=20) as client:
            assert client._load(0, (folder / "weights.bin").read_bytes()[:CHUNK_BYTES]) == 1
        documents.append(run_command(port, x, folder, tmp_path, "--load",
                                     str(tmp_path / "second.hwgen")))
    scores = [golden.run(network, x)[first.scores].tolist() for network in (first, second)]
    assert [document["scores"] for document in documents] == scores
    assert [document["mismatched"] for document in documents] == [0, 0]
    assert scores[0] != scores[1]
