"""The steps from a trained network to a bitstream: named, timed, resumable from the artefact."""
