"""How many tokens a text is, without the model's own vocabulary."""

from gitskill.model.request import Question

BYTES_PER_TOKEN = 2.5
"""Measured on logs of agents; four, as for prose, is a third too few tokens."""
_ENOUGH = 50


class Sizes:
    """Estimates tokens from bytes, and learns from what endpoints count."""

    def __init__(self) -> None:
        self._bytes: dict[str, int] = {}
        self._tokens: dict[str, int] = {}
        self._densest: dict[str, float] = {}

    def likely(self, model: str, size: int) -> int:
        """Give the tokens that `size` bytes probably are, for a plan."""
        tokens = self._tokens.get(model, 0)
        return round(size * tokens / self._bytes[model]) if tokens else round(size / BYTES_PER_TOKEN)

    def most(self, question: Question) -> int:
        """Give the tokens that a question and its answer are at most, by the densest text seen so far."""
        densest = self._densest.get(question.model, 1 / BYTES_PER_TOKEN)
        # Every chat template adds a few tokens of its own to each message.
        return round(question.size() * densest) + 8 * len(question.messages) + question.max_tokens

    def saw(self, question: Question, tokens: int) -> None:
        """Learn that the endpoint counted `tokens` in the question; too few of them say nothing."""
        size = question.size()
        if tokens < _ENOUGH or size == 0:
            return
        model = question.model
        self._bytes[model] = self._bytes.get(model, 0) + size
        self._tokens[model] = self._tokens.get(model, 0) + tokens
        self._densest[model] = max(self._densest.get(model, 1 / BYTES_PER_TOKEN), tokens / size)
