"""What a run gave, as a table for the terminal and as one self-contained HTML page.

================ =================================================================================
:func:`load`     the document of a demo folder or of an artefact folder
:func:`save`     a demo's document into its folder
:func:`tables`   the document for the terminal
:func:`markdown` its headline and its steps as Markdown tables
:func:`write`    the document as an HTML page that needs nothing else
================ =================================================================================
"""

from .document import load, save
from .markdown import markdown
from .page import render, write
from .table import tables

__all__ = ["load", "markdown", "render", "save", "tables", "write"]
