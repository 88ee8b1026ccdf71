"""What the operator writes of grants with terms, of plans, and about accounts."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final, NamedTuple

from books.accounts.recording import new_line
from books.accounts.status import record_once
from books.errors import AccountError, MoneyError
from books.grants.terms import Terms as GrantTerms
from books.grants.voids import WantedVoid, record_void
from books.money import Movement, record
from books.plans.settling import WantedPlan, set_plan
from books.rule_book.rules import RuleFileError
from node_pusher.spool.api import Spool
from node_pusher.spool.drafts import UNNUMBERED
from node_pusher.spool.outcomes import Recorded
from tests.simulation.boundaries import End, Plan
from tests.simulation.clients import USERS
from tests.simulation.rules import CYCLE_HOURS, FEES_USD
from tests.simulation.site import Site
from tests.simulation.witness import content
from tests.support.repos import account_line, money_line
from tests.support.strategies import ts_text
from wire_format.lines import Account, Folder
from wire_format.segment import decode_segment
from wire_format.versions.field_types import AccountKind

Numbered = Callable[[int], bytes]
"""From a number to the line that has it."""

_BY: Final = "olga"
_WHY: Final = "a reason"
_AMOUNTS: Final = ("0.000000003", "1", "1", "5.25", "300", "100000")
_SCOPES: Final = (None, None, None, ["llm/*"], ["hero_os/seconds", "vm/*"], ["search/*"])
_BONUS_ON: Final = (*(None,) * 5, ("manual", "ref-1"), ("stripe", "ref-2"))
_STATED: Final[tuple[AccountKind, ...]] = ("suspend", "reopen", "setting", "setting")
_PAID: Final = tuple(FEES_USD)
_REFUSED: Final = (MoneyError, AccountError, RuleFileError)


class Wanted(NamedTuple):
    """A line that somebody wants in the books.

    Attributes:
        folder: of the line.
        lines: what it may be; the first is written unasked where the books refuse.
        ask: asks the books; returns the line that they wrote, None where it was there.
    """

    folder: Folder
    lines: Sequence[Numbered]
    ask: Callable[[Spool], bytes | None]


class Terms:
    """The person at the books, where it is about more than money.

    Args:
        site: where the books are kept.
        random: decides what is done.
    """

    def __init__(self, site: Site, random: Random) -> None:
        self._site = site
        self._random = random
        self._given: list[str] = []
        self._settled: dict[str, list[tuple[str, datetime, datetime]]] = defaultdict(list)

    def write(self, plan: Plan) -> End:
        """One process writes a few lines; what its calls returned is witnessed."""
        kinds = (self._give, self._void, self._settle, self._upgrade, self._state)
        drawn = self._random.choices(kinds, (8, 4, 8, 4, 2), k=self._random.randint(1, 5))
        wanted = [kind() for kind in drawn]
        now, witness = self._site.clock(), self._site.witness
        for each in wanted:
            for line in each.lines:
                witness.said[content(line(1))] += 1
        returned: list[tuple[Folder, bytes]] = []

        def action() -> None:
            with Spool.open(self._site.home.path, role="books", clock=lambda: now) as spool:
                for each in wanted:
                    returned.extend((each.folder, line) for line in _written(spool, each))

        end = self._site.run(plan, action)
        for folder, written in returned:
            witness.acknowledge(decode_segment(written, folder).records[0].seq, written)
        return end

    def _hour(self, *offsets_h: int) -> datetime:
        now = self._site.clock().replace(minute=0, second=0, microsecond=0)
        return now + timedelta(hours=self._random.choice(offsets_h))

    def _ends(self, begins: datetime, *lengths_h: int) -> datetime | None:
        length = self._random.choice((0, *lengths_h))
        return begins + timedelta(hours=length) if length else None

    def _give(self) -> Wanted:
        """Give an account a grant with terms, often under a reference that is new."""
        random = self._random
        user, begins = random.choice(USERS), self._hour(-300, -300, -50, -3, 0, 0, 2, 50)
        new = f"{user}:{len(self._given)}"
        reference = random.choice((new, new, new, *self._given[-2:], "ref-1"))
        self._given.append(reference)
        bonus_on = random.choice(_BONUS_ON)
        terms = GrantTerms(
            from_=begins,
            until=self._ends(begins, 24, 72, 350, 1000),
            priority=random.choice((10, 50, 50, 60)),
            scope=None if (scope := random.choice(_SCOPES)) is None else tuple(scope),
            category=random.choice(("promotional", "paid")),
            bonus_on=bonus_on,
        )
        amount = random.choice(_AMOUNTS)
        movement = Movement("grant", user, amount, external_ref=reference, terms=terms, by=_BY)
        of_provider, of_ref = bonus_on or (None, None)
        ends = terms.ends(begins)
        line = self._line(
            money_line,
            v=2,
            user=user,
            kind="grant",
            external_ref=reference,
            of_provider=of_provider,
            of_ref=of_ref,
            amount=amount,
            category=terms.category,
            priority=terms.priority,
            scope=scope,
            **{"from": ts_text(begins), "until": None if ends is None else ts_text(ends)},
        )
        return Wanted(Folder.PAYMENTS, [line], lambda spool: line(record(spool, movement).line.seq))

    def _void(self) -> Wanted:
        """End a grant, or one that nobody gave."""
        random = self._random
        reference = random.choice(["nothing", *self._given[-6:]])
        begins = self._hour(-30, -5, 0, 0, 1, 30)
        is_unseen = random.random() < 0.2
        wanted = WantedVoid(reference, _WHY, from_=begins, is_unseen=is_unseen)

        def line_of(user: str) -> Numbered:
            return self._line(
                money_line,
                v=2,
                user=user or None,
                kind="void",
                provider=None,
                of_provider="manual",
                of_ref=reference,
                amount=None,
                currency=None,
                status=None,
                reason=_WHY,
                **{"from": ts_text(begins)},
            )

        def ask(spool: Spool) -> bytes | None:
            found = record_void(spool, wanted, _BY)
            return None if found.repeated else line_of(found.line.user)(found.line.seq)

        # whose grant it is is known to those who have it
        lines = [line_of(user) for user in (*USERS, "")]
        return Wanted(Folder.PAYMENTS, lines, ask)

    def _settle(self) -> Wanted:
        """Settle a plan from an hour on, also where another one runs."""
        random = self._random
        user, name = random.choice(USERS), random.choice((*_PAID, *CYCLE_HOURS))
        begins = self._hour(0, 0, 0, 0, -3, 20)
        until = None
        if name in FEES_USD:
            if (own := self._settled[user]) and random.random() < 0.3:
                begins = own[-1][2]
            cycles = random.choice((1, 1, 1, 2, 5))
            until = begins + timedelta(hours=cycles * CYCLE_HOURS[name] - random.choice((0, 0, 7)))
            self._settled[user].append((name, begins, until))
        wanted = WantedPlan(user, name, begins, until, FEES_USD.get(name))
        line = self._plan_line(user, name, begins, until, FEES_USD.get(name))
        return Wanted(Folder.ACCOUNTS, [line], lambda spool: self._set(spool, wanted))

    def _upgrade(self) -> Wanted:
        """Upgrade the plan that runs; the books find out which one that is."""
        random, now = self._random, self._hour(0)
        users = [user for user, own in self._settled.items() if _running(own, now)]
        user, name = random.choice(users or USERS), random.choice(_PAID[1:])
        running = _running(self._settled[user], now) or [("starter", now, now + timedelta(hours=9))]
        fee_usd = random.choice(("7.00", "15.50"))
        wanted = WantedPlan(user, name, fee_usd=fee_usd, is_upgrade=True)
        lines = [
            self._plan_line(user, name, now, end, fee_usd, instead_of=base)
            for base, _, end in running
        ]
        self._settled[user] += [(name, now, end) for _, _, end in running]
        return Wanted(Folder.ACCOUNTS, lines, lambda spool: self._set(spool, wanted))

    def _set(self, spool: Spool, wanted: WantedPlan) -> bytes | None:
        found = set_plan(spool, wanted, _BY)
        return None if found.repeated else _bytes_of(found.line)

    def _plan_line(
        self,
        user: str,
        name: str,
        begins: datetime,
        until: datetime | None,
        fee_usd: str | None,
        instead_of: str | None = None,
    ) -> Numbered:
        return self._line(
            account_line,
            user=user,
            kind="plan",
            plan=name,
            instead_of=instead_of,
            fee_usd=fee_usd,
            **{"from": ts_text(begins), "until": None if until is None else ts_text(until)},
        )

    def _state(self) -> Wanted:
        """Say something else of an account: that it is suspended, or what it may spend."""
        random = self._random
        kind: AccountKind = random.choice(_STATED)
        stated: dict[str, Any] = {"user": random.choice(USERS)}
        if kind == "setting":
            stated |= random.choice(
                ({"cap_usd": "5.00"}, {"next_plan": "none"}, {"next_plan": "pro"})
            )
        line = self._line(account_line, kind=kind, **stated)

        def ask(spool: Spool) -> bytes | None:
            found = record_once(spool, new_line(spool, kind, **stated), _BY)
            return None if found.repeated else line(found.line.seq)

        return Wanted(Folder.ACCOUNTS, [line], ask)

    def _line(self, make: Callable[..., bytes], **values: object) -> Numbered:
        ts = ts_text(self._site.clock())
        return lambda seq: make(node=self._site.name, seq=seq, ts=ts, **values)


def _written(spool: Spool, wanted: Wanted) -> Iterator[bytes]:
    """The line that is written now; none where it is there already."""
    try:
        asked = wanted.ask(spool)
    except _REFUSED:  # another copy of the books would not know, and write it
        line = wanted.lines[0]
        yield line(written_unasked(spool, wanted.folder, line(UNNUMBERED)))
        return
    if asked is not None:
        yield asked


def written_unasked(spool: Spool, folder: Folder, line: bytes) -> int:
    """Record a line of the books without asking whether it would count; returns its seq."""
    records = decode_segment(line, folder).records
    outcome = spool.append(folder, records)[0]
    assert isinstance(outcome, Recorded), outcome
    return outcome.seq


def _running(
    settled: Sequence[tuple[str, datetime, datetime]], hour: datetime
) -> list[tuple[str, datetime, datetime]]:
    """The periods that may be in force in an hour, each with the end of its cycle as its end."""
    found = []
    for name, begins, until in settled:
        if begins <= hour < until:
            length = timedelta(hours=CYCLE_HOURS[name])
            end = hour - (hour - begins) % length + length
            found.append((name, begins, min(end, until)))
    return found


def _bytes_of(record: Account) -> bytes:
    assert record.from_ is not None
    return account_line(
        node=record.node,
        seq=record.seq,
        ts=ts_text(record.ts),
        user=record.user,
        kind=record.kind,
        plan=record.plan,
        instead_of=record.instead_of,
        fee_usd=record.fee_usd,
        **{
            "from": ts_text(record.from_),
            "until": None if record.until is None else ts_text(record.until),
        },
    )
