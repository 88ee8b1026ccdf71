"""Settings, suspensions and keys of accounts (section 7)."""

from collections import defaultdict

from tests.support.naive.basics import instant
from tests.support.naive.facts import NaiveLine
from tests.support.naive.lines.standing import NaiveStanding

SETTINGS = (
    *("cap_usd", "next_plan"),
    *("auto_topup_usd", "auto_topup_below_usd", "auto_topup_month_usd"),
)


class NaiveAccounts:
    """The lines about accounts that count, beside those of plans."""

    def __init__(self, standing: NaiveStanding) -> None:
        lines = [x for x in standing.lines if x.type == "account"]
        self.keys = _keys([line for line in lines if line.kind == "key"])
        self.lines = [x for x in lines if x.kind not in {"plan", "key"}] + self.keys

    def setting(self, user: str, asked: int) -> dict[str, object]:
        """The last setting of each field by lines dated before an instant."""
        told: dict[str, object] = {}
        for line in self._of(user, asked, "setting"):
            told |= {name: line.fields[name] for name in SETTINGS if name in line.fields}
        return told

    def suspended(self, user: str, asked: int) -> bool:
        """Whether a writer's latest word is `suspend`, and no later `reopen` is of the books."""
        lines = self._of(user, asked, "suspend", "reopen")
        latest = {line.writer: line for line in lines}
        reopens = [x.order for x in lines if x.kind == "reopen" and x.role == "books"]
        return any(
            line.kind == "suspend" and not any(order > line.order for order in reopens)
            for line in latest.values()
        )

    def open_keys(self, user: str, asked: int) -> list[str]:
        """The `key_id`s that open something at an instant."""
        revoked = {line.get("key_id") for line in self._of(user, asked, "revoke")}
        return sorted(
            {
                line.fields["key_id"]
                for line in self._of(user, asked, "key")
                if line.get("key_id") not in revoked
                and (line.get("until") is None or asked < instant(line.fields["until"]))
            }
        )

    def _of(self, user: str, asked: int, *kinds: str) -> list[NaiveLine]:
        mine = [x for x in self.lines if x.get("user") == user and x.kind in kinds]
        return sorted((x for x in mine if x.ts < asked), key=lambda x: x.order)


def _keys(lines: list[NaiveLine]) -> list[NaiveLine]:
    """The claims that stand: all of one hash that agree, or that agree with the books."""
    claims: dict[object, list[NaiveLine]] = defaultdict(list)
    for line in lines:
        claims[line.get("sha256")].append(line)
    stand = []
    for sha256 in sorted(claims, key=str):
        group = claims[sha256]
        books = {_says(line) for line in group if line.role == "books"}
        says = books or {_says(line) for line in group}
        if len(says) == 1:
            stand += [line for line in group if _says(line) in says]
    return stand


def _says(line: NaiveLine) -> str:
    return str([line.get(name) for name in ("user", "scopes", "rpm", "until")])
