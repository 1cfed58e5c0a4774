"""Errors are tested by their whole text."""

from contextlib import contextmanager

import pytest

__all__ = ["refused"]


@contextmanager
def refused(error, message):
    """Context that demands an ``error`` of exactly that class whose text is exactly ``message``."""
    with pytest.raises(error) as caught:
        yield caught
    assert type(caught.value) is error
    assert str(caught.value) == message
