"""What a run cost, stage by stage and lesson by lesson, as far as this machine's ledger knows."""

from collections.abc import Mapping, Sequence

from gitskill.model.ledger import Bill
from gitskill.model.request import OURS, Label
from gitskill.plan import OFFLINE
from gitskill.report.page.values import Figure, Row
from gitskill.report.status import total


def priced(bill: Bill) -> str:
    """Write what something cost: dollars, and how many calls."""
    usd = "price unknown" if bill.usd is None else f"${bill.usd:.2f}"
    return f"{usd}, {bill.calls} call{'s' * (bill.calls != 1)}"


def by_stage(bills: Mapping[Label, Bill]) -> tuple[Row, ...]:
    """Add up each stage."""
    return _rows({name: _sum(bills, name) for name in sorted({label.stage for label in bills if label.stage != OURS})})


def by_slot(bills: Mapping[Label, Bill]) -> Mapping[str, Bill]:
    """Add up what each trace's lessons, and each merge, cost; the dearest first."""
    found: dict[str, Bill] = {}
    for label, bill in bills.items():
        if label.lesson and label.stage != OURS:
            found[label.lesson] = found.get(label.lesson, Bill()) + bill
    return dict(sorted(found.items(), key=lambda item: (-(item[1].usd or 0.0), -item[1].tokens.input, item[0])))


def slot_rows(bills: Mapping[str, Bill]) -> tuple[Row, ...]:
    """Give the bill of each slot as rows."""
    return _rows(bills)


def sentence(bills: Mapping[Label, Bill], engines: Sequence[str]) -> str:
    """Say what the cost is, or why it is not known."""
    bill = total(bills)
    if not bill.calls and not bill.maybe_paid:
        asked = [engine for engine in engines if engine != OFFLINE]
        if not engines or "person" in asked or not asked:
            return "No model was asked."
        return "What models were paid stands in the ledger of the machine that paid them, not here."
    unsure = f" {bill.maybe_paid} more may be billed: they were sent, and no answer came." if bill.maybe_paid else ""
    return f"{priced(bill)}: {bill.tokens.input:,} tokens in, {bill.tokens.output:,} out.{unsure}"


def figure(bills: Mapping[Label, Bill], engines: Sequence[str]) -> Figure:
    """Give the cost as one of the four figures."""
    bill = total(bills)
    if bill.calls:
        value = "unknown" if bill.usd is None else f"${bill.usd:.2f}"
        return Figure("Cost", value, f"{bill.calls:,} calls, {bill.tokens.input:,} tokens in")
    told = sentence(bills, engines)
    return Figure("Cost", "none", told) if told.startswith("No model") else Figure("Cost", "not known here", told)


def _sum(bills: Mapping[Label, Bill], stage: str) -> Bill:
    return sum((bill for label, bill in bills.items() if label.stage == stage), Bill())


def _rows(bills: Mapping[str, Bill]) -> tuple[Row, ...]:
    return tuple(
        Row(
            name,
            bill.calls,
            bill.tokens.input,
            bill.tokens.output,
            "unknown" if bill.usd is None else f"${bill.usd:.4f}",
        )
        for name, bill in bills.items()
    )
