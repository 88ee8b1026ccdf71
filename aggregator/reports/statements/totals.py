"""How the closing balance of a statement comes from the opening one. Pure."""

from aggregator.reports.basis import Answer


def totals(found: Answer) -> list[tuple[str, int]]:
    """How the closing balance of a statement comes from the opening one, in nano-dollars."""
    sums = found["sums"]
    lines = (
        ("opening balance", found["opening_balance_nano"]),
        ("money in and out", sums["money_nano"]),
        ("plan fees", -sums["fees_nano"]),
        ("usage", -sums["billed_cost_nano"]),
        ("grants that began", sums["grants_begun_nano"]),
        ("left of grants that ended", -sums["grants_ended_nano"]),
        ("closing balance", found["closing_balance_nano"]),
    )
    return [(name, nano) for name, nano in lines if nano or "balance" in name]
