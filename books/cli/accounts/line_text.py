"""A line about an account in words."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wire_format.lines import Account


def line_text(line: "Account") -> str:
    """What a line says, without its account, its reason and who entered it."""
    if line.kind == "plan":
        return _plan_text(line)
    if line.kind == "setting":
        return f"setting: {', '.join(_settings(line))}"
    if line.kind in {"key", "revoke"}:
        opens = "" if line.scopes is None else f" for {' '.join(line.scopes)}"
        verb = "key" if line.kind == "key" else "revoked key"
        return f"{verb} {line.key_id}{opens}{_until(line)}"
    if line.kind == "staff":
        limit = "" if line.limit_usd is None else f", adjusts at most {line.limit_usd} USD"
        return f"{line.identity} is {line.role}{limit}"
    if line.kind == "consent":
        return f"consents to charges of {line.amount_usd} USD"
    return {"open": "account opened", "suspend": "suspended", "reopen": "reopened"}[line.kind]


def _plan_text(line: "Account") -> str:
    from wire_format.instants import format_ts

    begins = "" if line.from_ is None else f" from {format_ts(line.from_)}"
    instead = "" if line.instead_of is None else f" in place of {line.instead_of}"
    fee = "" if line.fee_usd is None else f" for {line.fee_usd} USD"
    return f"plan {line.plan}{instead}{begins}{_until(line)}{fee}"


def _until(line: "Account") -> str:
    from wire_format.instants import format_ts

    return "" if line.until is None else f" until {format_ts(line.until)}"


def _settings(line: "Account") -> list[str]:
    from wire_format.versions.kinds import SETTINGS

    stated = ((name, getattr(line, name)) for name in SETTINGS)
    return [f"{name} {value}" for name, value in stated if value is not None]
