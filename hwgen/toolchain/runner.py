"""Running a tool: log, progress, time limit, and no child left behind."""

import os
import signal
import subprocess
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hwgen.numeric.errors import SpecError
from hwgen.toolchain.errors import ToolError
from hwgen.toolchain.tools import TOOLS, ToolInfo, find

__all__ = ["ToolRun", "compiling", "execute", "last_lines", "run"]

TAIL_LINES = 20
# How long an interrupted tool gets to remove its temporary files before it is killed.
GRACE_S = 2.0
# What the WebAssembly runtime prints before it compiles a tool.
_COMPILING = "Preparing to run "


@dataclass(frozen=True, kw_only=True)
class ToolRun:
    """A tool that ran to its end.

    Parameters
    ----------
    tool : ToolInfo
    command : tuple of str
        Program and arguments.
    returncode : int
    seconds : float
        Wall-clock time.
    log : Path
        All that it wrote to standard output and standard error.
    tail : tuple of str
        The last 20 lines of that.
    timed_out : bool
        Whether it was stopped because its time was over.
    """

    tool: ToolInfo
    command: tuple[str, ...]
    returncode: int
    seconds: float
    log: Path
    tail: tuple[str, ...]
    timed_out: bool = False


def run(tool, args=(), *, cwd, log, own_log=None, env=None, progress=None, timeout_s=None):
    """Run a tool and wait for it.

    Parameters
    ----------
    tool : str or ToolInfo
        What to run; a name is looked up by :func:`find`.
    args : sequence of str or path
        Arguments. Name files relative to `cwd`: a WebAssembly tool has a `/tmp` of its own, so
        that absolute paths below `/tmp` lead nowhere; relative ones work wherever `cwd` lies.
    cwd : path
        Folder to run in.
    log : path
        File for standard output and standard error together; relative to `cwd`.
    own_log : path, optional
        A log that the tool itself writes, relative to `cwd`; where there is one, errors show its
        last lines. (Yosys as WebAssembly writes nothing to the console once it has run ABC.)
    env : mapping of str to str, optional
        Environment; by default this process's, without PYTHONWARNINGS.
    progress : callable(str), optional
        Called with each line, and with a line of ours when the tool compiles itself first.
    timeout_s : float, optional
        Time limit in seconds.

    Returns
    -------
    ToolRun

    Raises
    ------
    SpecError
        If an argument is an absolute path below `/tmp` and the tool cannot see it.
    ToolError
        If the tool is missing, does not start, fails or runs out of time. The child is stopped
        whenever this function is left by an exception, such as KeyboardInterrupt.

    An exit status of 0 is no proof that a tool did its work: check what it should have written.
    """
    info = tool if isinstance(tool, ToolInfo) else find(tool)
    if own_log is not None:
        (Path(cwd) / own_log).unlink(missing_ok=True)  # of an earlier run
    done = execute(info, args, cwd=cwd, log=log, env=env, progress=progress, timeout_s=timeout_s)
    if done.timed_out:
        reason = f"{info.name} must finish within {timeout_s:g} s, and was stopped"
    elif done.returncode != 0:
        reason = f"{info.name} must exit with 0, not {done.returncode}"
    else:
        return done
    own = Path(cwd) / own_log if own_log is not None else done.log
    raise ToolError(
        reason,
        command=done.command,
        returncode=done.returncode,
        tail=last_lines(own) or done.tail,
        log=own if own.is_file() else done.log,
    )


def execute(info, args, *, cwd, log, env=None, progress=None, timeout_s=None):
    """Run a tool as :func:`run` does, but give back any exit status, and a run out of time."""
    command = (info.path, *_arguments(info, args))
    cwd = Path(cwd)
    started = time.monotonic()
    process = _start(info, command, cwd, env)
    expired = threading.Event()
    timer = threading.Timer(timeout_s or 0, _expire, [process, expired])
    if timeout_s is not None:
        timer.start()
    try:
        tail = _follow(process, info, cwd / log, progress)
        returncode = process.wait()
    finally:
        timer.cancel()
        if process.poll() is None:
            _stop(process)
        process.stdout.close()
    return ToolRun(
        tool=info,
        command=command,
        returncode=returncode,
        seconds=time.monotonic() - started,
        log=cwd / log,
        tail=tail,
        timed_out=expired.is_set(),
    )


def last_lines(path):
    """Give the last 20 lines of a text file that say something; none if there is no file."""
    path = Path(path)
    if not path.is_file():
        return ()
    with path.open(encoding="utf-8", errors="replace") as file:
        lines = (line.rstrip() for line in file)
        return tuple(deque((line for line in lines if line), TAIL_LINES))


def _arguments(info, args):
    args = tuple(map(str, args))
    if info.kind == "yowasp":
        for arg in args:
            if arg.startswith("/tmp/"):
                raise SpecError(
                    f"{info.name}: path must be relative to the working folder (a WebAssembly"
                    f" tool cannot see /tmp), not {arg!r}"
                )
    return args


def _start(info, command, cwd, env):
    env = dict(os.environ if env is None else env)
    env.pop("PYTHONWARNINGS", None)  # the tool may be a Python script, and is not ours
    try:
        return subprocess.Popen(
            command,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,  # so that its own children can be stopped with it
        )
    except OSError as error:
        raise ToolError(
            f"{info.name} must be a program that starts: {error.strerror}", command=command
        ) from error


def _follow(process, info, log, progress):
    tail = deque(maxlen=TAIL_LINES)
    with log.open("w", encoding="utf-8") as file:
        for line in process.stdout:
            file.write(line)
            file.flush()
            text = line.rstrip()
            if text:
                tail.append(text)
            if progress is not None:
                progress(compiling(info) if text.startswith(_COMPILING) else text)
    return tuple(tail)


def compiling(info):
    """Give the line that tells the user why a tool starts so slowly."""
    seconds = TOOLS[info.name].compile_s
    return f"{info.name} compiles itself the first time (up to about {seconds} s)"


def _expire(process, expired):
    expired.set()
    _stop(process)


def _stop(process):
    """Interrupt the process and its children, then kill what is left of them."""
    if os.name != "posix":
        process.kill()
        process.wait()
        return
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_S)
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
