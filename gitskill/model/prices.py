"""What a call costs, from the user's own table or from the packaged one; never from the network."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import genai_prices

from gitskill.errors import InvalidInput
from gitskill.model.request import Usage

_MILLION = 1_000_000
_NAMES = ("input", "output", "cached")


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars for a million tokens."""

    input: float
    output: float
    cached: float

    def of(self, usage: Usage) -> float:
        """Give the dollars for `usage`."""
        fresh = usage.input - usage.cached
        return (fresh * self.input + usage.cached * self.cached + usage.output * self.output) / _MILLION


class Prices:
    """Prices at one endpoint. What a model costs elsewhere is no price here: an unknown one is None."""

    def __init__(self, base_url: str, table: Mapping[str, Price] | None = None) -> None:
        self._base_url = base_url
        self._table = dict(table or {})

    def usd(self, model: str, usage: Usage) -> float | None:
        """Give the dollars for `usage`; None if the model has no known price here."""
        if model in self._table:
            return self._table[model].of(usage)
        counted = genai_prices.Usage(
            input_tokens=usage.input, cache_read_tokens=usage.cached, output_tokens=usage.output
        )
        try:
            found = genai_prices.calc_price(counted, model, provider_api_url=self._base_url)
        except LookupError:
            return None
        return float(found.total_price)


def table(settings: Mapping[str, Any]) -> dict[str, Price]:
    """Read the user's prices, dollars for a million tokens: `{model: {"input": 0.5, "output": 2, "cached": 0.05}}`."""
    return {model: _price(model, said) for model, said in settings.items()}


def _price(model: str, said: Any) -> Price:
    if not isinstance(said, dict) or not {"input", "output"} <= said.keys() <= set(_NAMES):
        raise InvalidInput(f"the price of {model} needs input and output, and may have cached")
    for name, value in said.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _MILLION:
            raise InvalidInput(f"the price of {model}: {name} is not a number of dollars")
    return Price(**({"cached": said["input"]} | said))
