"""Benches that run inside the simulator; they are copied into every artefact."""
