"""Errors of ours as one message and an exit code; never a traceback."""

import functools
from dataclasses import asdict

import typer
from rich.text import Text

from .output import print_json, stderr

__all__ = ["did_you_mean", "guarded", "spec_error", "usage_error"]

FAILED, WRONG_USAGE, INTERRUPTED = 1, 2, 130


def guarded(command):
    """``command`` (which has a parameter ``as_json``) with its errors told in one message.

    What is not one of our errors is a bug, and keeps its traceback.
    """
    @functools.wraps(command)
    def run(**options):
        try:
            command(**options)
        except KeyboardInterrupt:
            _tell("KeyboardInterrupt", "interrupted; nothing half-written",
                  as_json=options["as_json"])
            raise typer.Exit(INTERRUPTED) from None
        except BrokenPipeError:
            raise  # nobody reads what we print: Typer ends quietly
        except (OSError, RuntimeError, ValueError) as error:
            if not _is_ours(error):
                raise
            _tell(type(error).__name__, _message(error), as_json=options["as_json"],
                  mismatch=getattr(error, "mismatch", None))
            raise typer.Exit(FAILED) from error
    return run


def usage_error(error, *, as_json: bool) -> int:
    """Tell what is wrong with the command line; the exit code."""
    context = error.ctx
    path = "hwgen" if context is None else context.command_path
    _tell("UsageError", f"{error.format_message()}\nTry '{path} --help'.", as_json=as_json)
    return WRONG_USAGE


def spec_error(message: str):
    """A SpecError to raise; its package, and numpy with it, is loaded only now."""
    from hwgen.numeric.errors import SpecError

    return SpecError(message)


def did_you_mean(name, known) -> str:
    """As :func:`hwgen.numeric.errors.did_you_mean`, whose package is loaded only now."""
    from hwgen.numeric import errors

    return errors.did_you_mean(name, known)


def _is_ours(error) -> bool:
    return isinstance(error, OSError) or any(
        cls.__module__.partition(".")[0] == "hwgen" for cls in type(error).__mro__)


def _message(error) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        return f"'{error.filename}' cannot be used: {error.strerror}"
    return str(error)


def _tell(kind: str, message: str, *, as_json: bool, mismatch=None):
    if as_json:
        details = {} if mismatch is None else {"mismatch": asdict(mismatch)}
        print_json({"error": {"type": kind, "message": message, **details}})
        return
    stderr().print(Text.assemble(("error: ", "bold red"), message), soft_wrap=True)
