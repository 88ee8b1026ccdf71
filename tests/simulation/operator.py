"""What the operator keeps in the books: payments, grants, refunds, corrections of them, rules."""

from datetime import datetime, timedelta
from random import Random
from typing import Final

from books.errors import MoneyError
from books.money import Movement, record
from books.rule_book.change import Proposal, change_rules, propose_file
from books.rule_book.rule_changes import Act
from books.rule_book.rules import RuleFileError
from node_pusher.repo.ledger_repo import LedgerRepo
from node_pusher.spool.api import Spool
from node_pusher.spool.drafts import UNNUMBERED
from tests.simulation.boundaries import End, Plan
from tests.simulation.clients import USERS
from tests.simulation.forge import RULES
from tests.simulation.rules import RuleFiles
from tests.simulation.site import Site
from tests.simulation.terms import written_unasked
from tests.simulation.witness import content
from tests.support.repos import money_line
from tests.support.strategies import ts_text
from wire_format.lines import Folder
from wire_format.rule_book import RuleBookFiles

PRICES, DISCOUNTS, PLANS = RULES

_KINDS: Final = ("payment", "payment", "payment", "grant", "refund", "adjustment")
_AMOUNTS: Final = ("0.000000001", "1", "5.25", "10", "100")


class Operator:
    """The person at the books.

    Args:
        site: where the books are kept.
        random: decides what is done.
    """

    def __init__(self, site: Site, random: Random) -> None:
        self._site = site
        self._random = random
        self._rules = RuleFiles(random)
        self._paid: dict[bytes, tuple[int, str]] = {}

    def move_money(self, plan: Plan) -> End:
        """Record one movement; what the call returned is witnessed."""
        movement = self._movement()
        now = self._site.clock()
        witness = self._site.witness
        witness.said[content(self._line(movement, 1, movement.ts or now))] += 1
        unnumbered = self._line(movement, UNNUMBERED, movement.ts or now)
        returned: list[int] = []

        def action() -> int:
            with Spool.open(self._site.home.path, role="books", clock=lambda: now) as spool:
                try:
                    returned.append(record(spool, movement).line.seq)
                except MoneyError:  # another copy of the books would not know, and write it
                    returned.append(written_unasked(spool, Folder.PAYMENTS, unnumbered))
            return returned[0]

        end = self._site.run(plan, action)
        for seq in returned:
            line = self._line(movement, seq, movement.ts or now)
            witness.acknowledge(seq, line)
            if movement.kind == "payment":
                self._paid[line] = (seq, movement.user)
        return end

    def _movement(self) -> Movement:
        random = self._random
        kind = random.choice(_KINDS)
        user = random.choice(USERS)
        refers_to = None
        lost = self._site.witness.excused
        paid = [payment for line, payment in self._paid.items() if line not in lost]
        if kind == "refund" and not paid:
            kind = "payment"
        if kind == "refund":
            refers_to, user = random.choice(paid)
        late = timedelta(hours=random.choice((0, 0, 1, 30, 200, 900)))
        in_shillings = random.random() < 0.2
        amount = random.choice(_AMOUNTS)
        return Movement(
            kind=kind,  # type: ignore[arg-type] # one of its values
            user=user,
            amount=f"-{amount}" if kind == "adjustment" and random.random() < 0.5 else amount,
            provider=random.choice(("manual", "stripe")),
            external_ref=random.choice((None, None, "ref-1", "ref-2", f"ref-{random.random()}")),
            refers_to=refers_to,
            currency="TZS" if in_shillings and kind != "adjustment" else "USD",
            credited_usd=(
                random.choice(_AMOUNTS) if in_shillings and kind != "adjustment" else None
            ),
            status=random.choice(("succeeded", "succeeded", "succeeded", "pending", "failed")),
            reason="a reason" if kind == "adjustment" else None,
            ts=self._site.clock() - late if late else None,
        )

    def _line(self, movement: Movement, seq: int, ts: datetime) -> bytes:
        return money_line(
            node=self._site.name,
            seq=seq,
            ts=ts_text(ts),
            user=movement.user,
            kind=movement.kind,
            provider=movement.provider,
            external_ref=movement.external_ref,
            refers_to=movement.refers_to,
            amount=movement.amount,
            currency=movement.currency,
            credited_usd=movement.credited_usd,
            status=movement.status,
            reason=movement.reason,
        )

    def change_rules(self, plan: Plan) -> End:
        """Set a price, the discount ladder, or a plan; the first time prices and plans at once."""
        now, chance, rules = self._site.clock(), self._random.random(), self._rules
        if not rules.plans and chance < 0.7:
            files = {PLANS: rules.with_another_plan(), PRICES: rules.with_another_price()}
        elif chance < 0.2:
            files = {DISCOUNTS: rules.with_another_ladder()}
        elif chance < 0.5:
            files = {PLANS: rules.with_another_plan()}
        else:
            files = {PRICES: rules.with_another_price()}
        act = Act("the operator", "as it comes")

        def propose(repo: LedgerRepo, known: RuleBookFiles) -> Proposal:
            proposed = [propose_file(path, data)(repo, known) for path, data in files.items()]
            return Proposal({path: data for each in proposed for path, data in each.files.items()})

        return self._site.run(plan, lambda: change_rules(self._site.home, propose, act, now))

    @property
    def rules_errors(self) -> tuple[type[Exception], ...]:
        """What a change of the rules may end with: prices by the cycle need plans, which are gone.

        They went with a disk, or lie in a history that somebody replaced.
        """
        return () if PLANS in self._site.rule_files() else (RuleFileError,)
