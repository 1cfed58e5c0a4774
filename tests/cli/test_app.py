"""The console entry: help, errors of every kind, interrupts, JSON alone on standard output."""

import subprocess
import sys
from types import SimpleNamespace

import pytest
import typer

import hwgen as package
from hwgen.cli.app import COMMANDS
from hwgen.cli.errors import guarded
from hwgen.compress.errors import CheckpointError, TrainingError
from hwgen.host import LinkError
from hwgen.ir.network import CheckError
from hwgen.numeric.errors import SpecError
from hwgen.toolchain import ToolError
from hwgen.verify import Mismatch, MismatchError


def test_help_lists_every_command(hwgen):
    done = hwgen("--help")
    assert done.code == 0
    assert [name for name in COMMANDS if f" {name} " not in done.words] == []
    assert hwgen().out == done.out


def test_version(hwgen):
    assert hwgen("--version").out == f"hwgen {package.__version__}\n"


def test_the_package_runs_as_a_module():
    done = subprocess.run([sys.executable, "-m", "hwgen", "--version"], capture_output=True,
                          text=True, check=True)
    assert done.stdout == f"hwgen {package.__version__}\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_each_command_shows_its_examples_and_json(hwgen, name):
    from importlib import import_module

    examples = import_module(f"hwgen.cli.{name}").EXAMPLES
    done = hwgen(name, "--help")
    assert (done.code, done.err) == (0, "")
    assert examples
    for example in examples:
        assert example.startswith(f"hwgen {name}")
        assert f"Example: {example}" in done.words
    assert "--json" in done.words


WITH_OUT = [name for name in COMMANDS if name not in ("doctor", "boards", "synth")]


@pytest.mark.parametrize("name", WITH_OUT)
def test_what_writes_has_out(hwgen, name):
    assert "--out -o" in hwgen(name, "--help").words


def run_python(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout


def test_help_loads_nothing_heavy():
    code = ("import sys; sys.argv = ['hwgen', '--help']\n"
            "from hwgen.cli import main\n"
            "try:\n    main()\n"
            "finally:\n    print('LOADED', *{name.split('.')[0] for name in sys.modules})")
    loaded = set(run_python(code).partition("LOADED")[2].split())
    assert "typer" in loaded
    assert not loaded & {"torch", "amaranth", "numpy", "matplotlib", "sklearn", "cocotb", "jinja2"}


def test_help_takes_less_than_half_a_second_of_processor_time():
    code = ("import sys; sys.argv = ['hwgen', '--help']\n"
            "from hwgen.cli import main\n"
            "import time\n"
            "try:\n    main()\n"
            "finally:\n    print('SECONDS', time.process_time())")
    assert float(run_python(code).partition("SECONDS")[2]) < 0.5


ERRORS = {
    "SpecError": (SpecError("pe must divide n_out = 8, not 3"), "pe must divide n_out = 8, not 3"),
    "CheckError": (CheckError("net", ["node 'a': wrong", "node 'b': wrong"]),
                   "network 'net' has 2 fault(s):\n  - node 'a': wrong\n  - node 'b': wrong"),
    "ToolError": (
        ToolError("yosys must exit with 0, not 1", command=["yosys", "-s", "a b.ys"],
                  returncode=1, tail=["ERROR: no [such] file"], log="out/yosys.log"),
        "yosys must exit with 0, not 1\n  command: yosys -s 'a b.ys'\n  exit code: 1\n"
        "  log: out/yosys.log\n  last lines:\n    ERROR: no [such] file"),
    "TrainingError": (TrainingError("training 'x': loss must be finite"),
                      "training 'x': loss must be finite"),
    "CheckpointError": (CheckpointError("checkpoint 'x' must match"), "checkpoint 'x' must match"),
    "LinkError": (LinkError("board on 'p': not answered"), "board on 'p': not answered"),
    "FileNotFoundError": (FileNotFoundError(2, "No such file or directory", "x.npy"),
                          "'x.npy' cannot be used: No such file or directory"),
    "PermissionError": (PermissionError("not yours"), "not yours"),
}


@pytest.fixture
def failing(monkeypatch):
    """Make ``hwgen boards`` raise."""
    def arm(error):
        def names():
            raise error
        monkeypatch.setattr("hwgen.board_targets.names", names)
    return arm


@pytest.mark.parametrize("kind", ERRORS)
def test_our_errors_are_one_message(hwgen, failing, kind):
    error, message = ERRORS[kind]
    failing(error)
    done = hwgen("boards")
    assert (done.code, done.out, done.err) == (1, "", f"error: {message}\n")


@pytest.mark.parametrize("kind", ERRORS)
def test_our_errors_as_json(hwgen, failing, kind):
    error, message = ERRORS[kind]
    failing(error)
    done = hwgen("boards", "--json")
    assert (done.code, done.err) == (1, "")
    assert done.json == {"error": {"type": kind, "message": message}}


def test_mismatch_is_told_in_parts(hwgen, failing):
    result = SimpleNamespace(first_mismatch=Mismatch("fc1", 3, 7, -5, 11))
    failing(MismatchError("net: node 'fc1' of image 3, index 7: expected -5, found 11", result))
    assert hwgen("boards", "--json").json == {"error": {
        "type": "MismatchError",
        "message": "net: node 'fc1' of image 3, index 7: expected -5, found 11",
        "mismatch": {"node": "fc1", "image": 3, "index": 7, "expected": -5, "found": 11}}}


def test_interrupt(hwgen, failing):
    failing(KeyboardInterrupt())
    done = hwgen("boards")
    assert (done.code, done.out) == (130, "")
    assert done.err == "error: interrupted; nothing half-written\n"


def test_interrupt_as_json(hwgen, failing):
    failing(KeyboardInterrupt())
    done = hwgen("boards", "--json")
    assert done.code == 130
    assert done.json == {"error": {
        "type": "KeyboardInterrupt", "message": "interrupted; nothing half-written"}}


@pytest.mark.parametrize("bug", [ValueError("x"), RuntimeError("x"), KeyError("x"), TypeError("x")])
def test_bug_keeps_its_traceback(bug):
    def command(*, as_json):
        raise bug

    with pytest.raises(type(bug)) as caught:
        guarded(command)(as_json=False)
    assert caught.value is bug


def test_reader_that_went_away_is_no_error_of_ours():
    def command(*, as_json):
        raise BrokenPipeError(32, "Broken pipe")

    with pytest.raises(BrokenPipeError):
        guarded(command)(as_json=False)


def test_exit_code_of_a_command_is_kept():
    def command(*, as_json):
        raise typer.Exit(1)

    with pytest.raises(typer.Exit) as left:
        guarded(command)(as_json=False)
    assert left.value.exit_code == 1


@pytest.mark.parametrize(("words", "begin", "end"), [
    (["simulate"], "Missing argument 'FOLDER'.", "\nTry 'hwgen simulate --help'.\n"),
    (["simulate", "x", "--stalls", "often"], "Invalid value for '--stalls': ",
     "'often' is not one of 'none', 'input', 'output', 'both', 'random'.\n"
     "Try 'hwgen simulate --help'.\n"),
    (["simulat"], "No such command 'simulat'.", "\nTry 'hwgen --help'.\n"),
    (["doctor", "--jsn"], "No such option: --jsn", "\nTry 'hwgen doctor --help'.\n"),
])
def test_wrong_command_line(hwgen, words, begin, end):
    done = hwgen(*words)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"error: {begin}")
    assert done.err.endswith(end)


def test_wrong_command_line_as_json(hwgen):
    done = hwgen("simulate", "--json")
    assert (done.code, done.err) == (2, "")
    assert done.json == {"error": {
        "type": "UsageError",
        "message": "Missing argument 'FOLDER'.\nTry 'hwgen simulate --help'."}}
