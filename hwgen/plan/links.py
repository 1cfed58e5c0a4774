"""Which stage sends to which: the streams of a design."""

from collections.abc import Sequence
from typing import NamedTuple

from ..ir import Flatten, Network
from ..numeric import SpecError
from .stages import Stage

__all__ = ["Link", "chain_of", "into", "links_of"]


class Link(NamedTuple):
    """A stream into a stage.

    Members
    -------
    source : int or None    number of the stage that sends; None where the pipeline's input does
    reader : int            number of the stage that takes
    port : int              which of its inputs
    """

    source: int | None
    reader: int
    port: int = 0


def chain_of(stages: Sequence[Stage]) -> tuple[Link, ...]:
    """The links of stages each of which reads the one before it."""
    return tuple(Link(number - 1 if number else None, number) for number in range(len(stages)))


def into(links: Sequence[Link], reader: int) -> list[Link]:
    """Those of ``links`` into stage number ``reader``, in the order of its inputs."""
    return [link for link in links if link.reader == reader]


def links_of(network: Network, stages: Sequence[Stage]) -> tuple[Link, ...]:
    """All links, in the order of their readers and of the inputs of each.

    A flatten is none: who reads it reads what it reads.

    Raises
    ------
    SpecError    If a stage reads what does not leave an earlier one.
    """
    sent: dict[str, int | None] = {network.input.name: None}
    flattened = {node.name: node.inputs[0] for node in network.nodes if isinstance(node, Flatten)}
    links = []
    for number, stage in enumerate(stages):
        for port, read in enumerate(network.node(stage.name).inputs):
            name = read
            while name in flattened:
                name = flattened[name]
            if name not in sent:
                raise SpecError(f"design '{network.name}': stage '{stage.name}' must read what"
                                f" leaves an earlier stage, not '{name}'")
            links.append(Link(sent[name], number, port))
        sent[stage.nodes[-1].name] = number
    return tuple(links)
