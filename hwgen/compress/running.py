"""A graph of layers that is run, so that the layer at which it fails is named."""

import torch.fx

from hwgen.numeric import SpecError

from .tracing import place_of

__all__ = ["run_through"]


class _Running(torch.fx.Interpreter):
    """Knows the node that it is at."""

    def run_node(self, n):
        self.node = n
        return super().run_node(n)


def run_through(graph_module, x):
    """What the graph returns for ``x``.

    Raises
    ------
    SpecError    If a layer cannot take what it is given: its name, the line and what torch says.
    """
    running = _Running(graph_module)
    running.extra_traceback = False
    try:
        return running.run(x)
    except (AttributeError, IndexError, RuntimeError, TypeError, ValueError) as error:
        node = running.node
        raise SpecError(f"module '{node.target}'{place_of(node)}: {error}") from error
