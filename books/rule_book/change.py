"""Change the rule book: see what that does, ask whether it is meant, and commit it, in one step."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, NamedTuple

from books.forms import malformed
from books.plans.guard import plan_faults_of_change
from books.rule_book.history import made_from_older, own_newest_prices, rule_book_in_force
from books.rule_book.past import (
    NO_PRICE,
    PastChange,
    account_faults,
    past_changes,
    past_writer_changes,
)
from books.rule_book.repriced import Repriced, check_repriced
from books.rule_book.rule_changes import Act, RuleChanges, build_rules_message, changes
from books.rule_book.rules import (
    RuleFileError,
    check_file,
    check_together,
    read_rules,
    usable_rules,
)
from gitmeter.support.errors import GitmeterError
from node_pusher.home.home import Home
from node_pusher.repo.ledger_repo import LedgerRepo
from node_pusher.sending.commit import locked_repo
from wire_format import fields
from wire_format.rule_book import RuleBook, RuleBookFiles, split_origin
from wire_format.rule_files.prices_file import Price
from wire_format.writers import WRITERS_PATH

_PATTERNS: Final = {"by": fields.BY_PATTERN, "reason": fields.REASON_PATTERN}


CHANGES_THE_PAST: Final = "it changes what hours in the past cost"
_CHANGES_WRITERS: Final = "it changes what writers and plans could do in the past"
_CHANGES_PLANS: Final = "it includes units of hours that have begun in plans, or no longer"


class ActError(GitmeterError):
    """It is not said in a usable form who acts, or why."""


class Proposal(NamedTuple):
    """Rule files that somebody wants in the books.

    Attributes:
        files: their content, by path in the repo.
        older: why they were made from an older rule book; empty if nothing says so.
        undoes_newest: whether that is because they lack the newest change of all.
    """

    files: Mapping[str, bytes]
    older: str = ""
    undoes_newest: bool = False


@dataclass(frozen=True)
class RuleCommit:
    """A change of the rule book.

    Attributes:
        commit: its commit; empty while it is only a plan.
        paths: the paths of the changed files in the repo.
        changes: what changes in the rule book.
        sha256: the hash that names the new rule book.
        past: what begun hours use and would use no longer.
        past_writers: what writers and plans could do in begun hours, and could no longer.
        past_plans: a sentence for each plan that includes other units of begun hours.
        first_prices: what begun hours would use that had no price.
        objections: why it needs a reason; empty if it needs none.
        act: who changes it, and why.
        repriced: what the aggregator says it does to charges, if it was asked.
    """

    commit: str
    paths: tuple[str, ...]
    changes: RuleChanges
    sha256: str
    past: tuple[PastChange, ...]
    past_writers: tuple[PastChange, ...]
    past_plans: tuple[str, ...]
    first_prices: tuple[PastChange, ...]
    objections: tuple[str, ...]
    act: Act
    repriced: Repriced | None


class NotMeantError(GitmeterError):
    """A change needs a reason and has none; nothing was changed.

    Attributes:
        planned: the change.
    """

    def __init__(self, planned: RuleCommit) -> None:
        super().__init__("; ".join(planned.objections))
        self.planned = planned


Propose = Callable[[LedgerRepo, RuleBookFiles], Proposal]


def change_rules(
    home: Home,
    propose: Propose,
    act: Act,
    now: datetime,
    *,
    dry_run: bool = False,
    repriced: Repriced | None = None,
) -> RuleCommit | None:
    """Commit what is proposed for the rule book as it is now; nothing else commits in between.

    Args:
        home: the books.
        propose: what is wanted, given the repo and the files at its newest commit.
        act: who changes it, and why.
        now: the time of the commit; hours that have begun by then are the past.
        dry_run: commit nothing, and object to nothing.
        repriced: what the aggregator says this change does to charges.

    Returns:
        what was done; None if the files are in the books already, byte for byte.

    Raises:
        NotMeantError: it changes what begun hours cost, or was made from an older rule book, and
            no reason is given.
        RuleFileError: a file cannot be used, or states an account at a provider otherwise.
        RepricedError: the aggregator was asked about another change.
        ActError: it is not said who acts.
        BusyError: another process committed or pushed for too long.
    """
    check_act(act)
    with locked_repo(home) as repo:
        files = read_rules(repo)
        proposal = propose(repo, files)
        wanted = {path: data for path, data in proposal.files.items() if data != files.at(path)}
        for path, data in wanted.items():
            check_file(path, data, hint="nothing was changed; fix these and try again")
        if not wanted:
            return None
        planned = _plan(repo, files, proposal._replace(files=wanted), act, now, repriced)
        if dry_run:
            return planned
        if planned.objections and act.reason is None:
            raise NotMeantError(planned)
        message = build_rules_message(
            home.node, planned.paths, planned.changes, planned.sha256, act
        )
        return replace(planned, commit=repo.commit(wanted, message, now))


def propose_file(path: str, data: bytes) -> Propose:
    """Propose a whole file that a person wrote."""
    content, base = split_origin(data)

    def propose(repo: LedgerRepo, files: RuleBookFiles) -> Proposal:
        if content == files.at(path):
            return Proposal({})
        # with the line that says what it was made from, so that faults name the person's lines
        check_file(path, data, hint="nothing was changed; fix these and try again")
        older = made_from_older(repo, files, path, content, base)
        return Proposal({path: content}, older, undoes_newest=base is None and bool(older))

    return propose


def check_act(act: Act) -> None:
    """Refuse a name or a reason that no commit message can state.

    Raises:
        ActError: with every fault.
    """
    if not act.by:
        raise ActError("by: no name is given", hint="state with --by who changes the rule book")
    if wrong := malformed(act, _PATTERNS):
        raise ActError("; ".join(wrong), hint="nothing was changed")


def _plan(
    repo: LedgerRepo,
    files: RuleBookFiles,
    proposal: Proposal,
    act: Act,
    now: datetime,
    repriced: Repriced | None,
) -> RuleCommit:
    after_files = files.replaced(proposal.files)
    check_together(after_files)
    after = usable_rules(after_files)
    if repriced is not None:
        check_repriced(repriced, files.sha256, after_files.sha256)
    in_force, taken_back = rule_book_in_force(repo), _taken_back(repo, after, act, now)
    if faults := account_faults(in_force, after):
        raise RuleFileError(f"{WRITERS_PATH} cannot be used", faults, hint="nothing was changed")
    kept = tuple(price for price in in_force.prices if price not in taken_back)
    begun_by = _at_least_tip(repo, now)
    found = past_changes(in_force.model_copy(update={"prices": kept}), after, begun_by)
    past_writers = past_writer_changes(in_force, after, begun_by)
    past = tuple(change for change in found if change.was != NO_PRICE)
    is_older = proposal.older and not (proposal.undoes_newest and taken_back)
    objections = [proposal.older] if is_older else []
    if past and (repriced is None or repriced.charges_changed):
        objections.append(CHANGES_THE_PAST)
    if past_writers:
        objections.append(_CHANGES_WRITERS)
    past_plans = plan_faults_of_change(in_force.plans, after.plans, begun_by)
    if past_plans:
        objections.append(_CHANGES_PLANS)
    return RuleCommit(
        commit="",
        paths=tuple(proposal.files),
        changes=changes(usable_rules(files), after),
        sha256=after_files.sha256,
        past=past,
        past_writers=tuple(past_writers),
        past_plans=tuple(past_plans),
        first_prices=tuple(change for change in found if change.was == NO_PRICE),
        objections=tuple(objections),
        act=act,
        repriced=repriced,
    )


def _taken_back(repo: LedgerRepo, after: RuleBook, act: Act, now: datetime) -> frozenset[Price]:
    """Prices of a person's own newest change that are gone again, with nothing in their place.

    Where no price at all is left, the file was lost rather than meant.
    """
    priced = {price.resource for price in (*after.prices, *after.imported)}
    if not after.prices:
        return frozenset()
    own = own_newest_prices(repo, act.by, now)
    return frozenset(price for price in own if price.resource not in priced)


def _at_least_tip(repo: LedgerRepo, now: datetime) -> datetime:
    """The time by the clock or by the newest commit, so that a clock set back hides no hour."""
    newest = next(repo.history(), None)
    return now if newest is None else max(now, datetime.fromtimestamp(newest.committed_at_s, UTC))
