"""The commands: ``hwgen demo``, ``hwgen simulate FOLDER`` and so on; each is one file here.

Nothing heavy is imported until a command needs it, so that ``hwgen --help`` is quick.
"""

from .app import app, main

__all__ = ["app", "main"]
