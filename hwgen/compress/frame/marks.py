"""What steps note of the model behind them, in words for messages."""

__all__ = ["FINAL", "FIXED", "MARKS", "NARROWED", "words_of"]

FIXED = "fixed"
"""Mark of the steps that make every number an integer times a power of two; one must be there."""

FINAL = "final"
"""Mark of the steps behind whose own training weights are integers, which no other can move."""

NARROWED = "narrowed"
"""Mark of the steps that find sizes of layers in training, see ``needs_sizes`` of a step."""

MARKS = {
    "held": ("holds training samples back", "hold-back"),
    "distilled": ("lets later trainings learn from a teacher", "distil"),
    "factored": ("puts several layers in the place of one", "low-rank"),
    "structured": ("makes matrices of few numbers", "tensor-train"),
    "tied": ("ties weights to one another", "circulant"),
    NARROWED: ("finds sizes of layers in training", "slimming"),
    "pruned": ("removes weights", "prune"),
    FIXED: ("makes all numbers integers", "quantise"),
    "quantised": ("puts weights into fixed point", "quantise"),
    FINAL: ("makes integers that are final", "integer-only"),
    "integers": ("makes integers of latent weights", "binary"),
    "nonzero": ("makes weights of which none can be 0", "binary"),
    "signs": ("makes signs of latent weights", "bi-real"),
    "own-bits": ("gives each weight bits of its own", "hgq"),
    "shared": ("lets weights share values", "share"),
    "coded": ("chooses how matrices are stored", "code"),
}
"""Mark -> what a step does that notes it, and the kind of one. A new mark has its place here."""


def words_of(mark: str) -> tuple[str, str]:
    """What a step does that notes ``mark``, and an example, in words.

    A mark of a step that is not ours is named as it is.
    """
    words, kind = MARKS.get(mark, (f"makes the model '{mark}'", None))
    return words, "" if kind is None else f", such as '{kind}'"
