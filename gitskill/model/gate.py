"""At most so many questions under way at once, and a place to wait until they are."""

import asyncio

from gitskill.model.request import Answer, Model, Question

_MOMENT = 0.08
"""Seconds that a question takes from the gate to the wire, its entry in the ledger included."""
_PATIENCE = 20


class Gated:
    """Lets `width` questions through at a time; the others wait in the order in which they came."""

    def __init__(self, inner: Model, width: int) -> None:
        self._inner = inner
        self._gate = asyncio.Semaphore(width)
        self._entered = 0.0

    async def ask(self, question: Question) -> Answer:
        """Pass the question on when its turn has come."""
        async with self._gate:
            self._entered = asyncio.get_running_loop().time()
            return await self._inner.ask(question)

    async def calm(self) -> None:
        """Wait, not for ever, until no question has just been let through: then long computing holds up none."""
        loop = asyncio.get_running_loop()
        for _ in range(_PATIENCE):
            left = self._entered + _MOMENT - loop.time()
            if left <= 0:
                return
            await asyncio.sleep(left)
