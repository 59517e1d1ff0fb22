"""What lessons cost, as far as a ledger knows."""

from collections.abc import Callable, Mapping

from gitskill.ids import LessonId
from gitskill.model.ledger import Bill
from gitskill.model.request import Label


def lesson_costs(bills: Mapping[Label, Bill]) -> Callable[[LessonId], float | None]:
    """Give the dollars for the study of a lesson's trace, with all that came of it; None where they are not known."""
    found: dict[tuple[str, str], float] = {}
    unknown: set[tuple[str, str]] = set()
    for label, bill in bills.items():
        slot = (label.run, label.lesson)
        if bill.usd is None:
            unknown.add(slot)
        else:
            found[slot] = found.get(slot, 0.0) + bill.usd

    def usd(lesson: LessonId) -> float | None:
        slot = (str(lesson.run), lesson.short[:-1])
        return None if slot in unknown else found.get(slot)

    return usd
