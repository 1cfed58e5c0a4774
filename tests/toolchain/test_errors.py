from pathlib import Path

from hwgen.toolchain import ToolError


def test_message_shows_all_it_carries():
    error = ToolError(
        "yosys must exit with 0, not 1",
        command=["yosys", "-s", "a b.ys"],
        returncode=1,
        tail=["one", "two"],
        log=Path("out/yosys.log"),
    )
    assert str(error) == (
        "yosys must exit with 0, not 1\n"
        "  command: yosys -s 'a b.ys'\n"
        "  exit code: 1\n"
        "  log: out/yosys.log\n"
        "  last lines:\n"
        "    one\n"
        "    two"
    )
    assert error.command == ("yosys", "-s", "a b.ys")
    assert (error.returncode, error.tail, error.log) == (1, ("one", "two"), Path("out/yosys.log"))


def test_message_of_a_reason_alone():
    assert str(ToolError("yosys must be installed")) == "yosys must be installed"


def test_keeps_the_last_20_lines():
    error = ToolError("failed", tail=[str(k) for k in range(30)])
    assert error.tail == tuple(str(k) for k in range(10, 30))


def test_is_a_runtime_error():
    assert issubclass(ToolError, RuntimeError)
