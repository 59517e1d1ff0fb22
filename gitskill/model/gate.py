"""At most so many questions under way at once."""

import asyncio

from gitskill.model.request import Answer, Model, Question


class Gated:
    """Lets `width` questions through at a time; the others wait in the order in which they came."""

    def __init__(self, inner: Model, width: int) -> None:
        self._inner = inner
        self._gate = asyncio.Semaphore(width)

    async def ask(self, question: Question) -> Answer:
        """Pass the question on when its turn has come."""
        async with self._gate:
            return await self._inner.ask(question)
