"""The table of commands, and the console entry."""

import sys
from importlib import import_module
from typing import Annotated

import typer

import hwgen

from .errors import guarded, usage_error

__all__ = ["COMMANDS", "app", "main"]

COMMANDS = (
    "demo", "train", "compress", "profile", "sensitivity", "search", "generate", "simulate",
    "synth", "run", "report", "core", "engine", "spmv", "bench", "doctor", "boards",
)
"""In the order of the help; each is a module here with ``command`` and ``EXAMPLES``."""

USAGE_ERROR = typer.BadParameter.__base__
"""Typer gives no public name to the base of its usage errors, and newer ones bring their own."""


def _show_version(wanted: bool):
    if wanted:
        typer.echo(f"hwgen {hwgen.__version__}")
        raise typer.Exit


def _start(
    context: typer.Context,
    version: Annotated[bool, typer.Option(
        "--version", callback=_show_version, is_eager=True, help="Print the version.")] = False,
):
    """PyTorch network to verified gates with nothing but open tools."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def _application() -> typer.Typer:
    application = typer.Typer(
        name="hwgen", add_completion=False, pretty_exceptions_enable=False,
        rich_markup_mode="rich", context_settings={"help_option_names": ["-h", "--help"]},
        epilog="Begin with: hwgen doctor, then hwgen demo",
    )
    application.callback(invoke_without_command=True)(_start)
    for name in COMMANDS:
        module = import_module(f"hwgen.cli.{name}")
        epilog = "\n\n".join(f"Example: {example}" for example in module.EXAMPLES)
        application.command(name, epilog=epilog)(guarded(module.command))
    return application


app = _application()


def main() -> None:
    """Run the command line of this process, and leave it with the exit code.

    0 is success; 1 a fault that was found or an error of ours, told in one message; 2 a wrong
    command line; 130 an interrupt.
    """
    try:
        code = app(prog_name="hwgen", standalone_mode=False)
    except USAGE_ERROR as error:
        code = usage_error(error, as_json="--json" in sys.argv)
    sys.exit(code)
