"""Trainings that are stopped on the way, as by a user."""

__all__ = ["StoppedError", "stopping"]


class StoppedError(Exception):
    """The training was stopped."""


def stopping(when):
    """A progress function that stops the training behind an epoch that ``when`` says yes of."""
    def progress(epoch):
        if when(epoch):
            raise StoppedError

    return progress
