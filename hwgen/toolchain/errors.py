"""The error of an external tool that is missing, failed, or lied about having succeeded."""

import shlex

__all__ = ["ToolError"]


class ToolError(RuntimeError):
    """A tool is missing, failed, or did not do what its exit status claims.

    Parameters
    ----------
    reason : str
        What went wrong, in one line.
    command : sequence of str
        Program and arguments; empty if nothing was started.
    returncode : int or None
        Exit status; negative for a signal, None if there is none.
    tail : sequence of str
        The last lines that the tool wrote, at most 20.
    log : path or None
        The file with all of it.

    The message shows all of these.
    """

    def __init__(self, reason, *, command=(), returncode=None, tail=(), log=None):
        self.reason = reason
        self.command = tuple(map(str, command))
        self.returncode = returncode
        self.tail = tuple(tail)[-20:]
        self.log = log
        super().__init__("\n".join([reason, *self._details()]))

    def _details(self):
        if self.command:
            yield f"  command: {shlex.join(self.command)}"
        if self.returncode is not None:
            yield f"  exit code: {self.returncode}"
        if self.log is not None:
            yield f"  log: {self.log}"
        if self.tail:
            yield "  last lines:"
            yield from (f"    {line}" for line in self.tail)
