"""Everything that may happen in a fleet. A step returns what happened, or None where it cannot."""

from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple

from books.decisions import DecisionError
from node_pusher.spool.outcomes import InvalidRecordError
from tests.simulation import forge_steps, invariants
from tests.simulation.fleet import DefectError, Fleet, gone
from tests.simulation.site import ABSENT, BEHIND, READY, Site


class Step(NamedTuple):
    """A thing that may happen.

    Attributes:
        weight: how often, compared with others.
        make: lets it happen.
        is_optional: whether a seed may do without it.
    """

    weight: float
    make: Callable[[Fleet], str | None]
    is_optional: bool = False

    @property
    def name(self) -> str:
        """What it is called in the trace."""
        return self.make.__name__.removeprefix("_").replace("_", " ")


def checked(site: Site) -> None:
    """Check what must hold of a site."""
    site.repo.note()
    for wrong in invariants.of_site(site):
        raise DefectError(wrong)


def checked_ledger(fleet: Fleet) -> None:
    """Check what must hold of the ledger."""
    wrong = list(invariants.of_ledger(fleet.aggregator))
    if wrong:
        raise DefectError("\n  ".join(wrong[:8]))


def record(fleet: Fleet) -> str | None:
    site = fleet.any_node(lambda each: each.may_record)
    if site is None:
        return None
    end = fleet.clients[site.name].record(fleet.plan(4))
    told = fleet.judge(end)
    checked(site)
    return f"{site.name}: {told}"


def money(fleet: Fleet) -> str | None:
    if not fleet.books.may_record:
        return None
    told = fleet.judge(fleet.operator.move_money(fleet.plan(4)))
    checked(fleet.books)
    return told


def grants_and_plans(fleet: Fleet) -> str | None:
    if not fleet.books.may_record:
        return None
    told = fleet.judge(fleet.terms.write(fleet.plan(4)), *gone(fleet.books))
    checked(fleet.books)
    return told


def rules(fleet: Fleet) -> str | None:
    if fleet.books.needs != READY:
        return None
    end = fleet.operator.change_rules(fleet.plan(4))
    return fleet.judge(end, *fleet.operator.rules_errors)


def push(fleet: Fleet) -> str | None:
    site = fleet.any_site(lambda each: each.may_record)
    if site is None:
        return None
    end = site.push(fleet.plan(16), by_hour=fleet.random.random() < 0.2)
    told = fleet.pushed(site, end)
    checked(site)
    return f"{site.name}: {told}"


def join(fleet: Fleet) -> str | None:
    """Make a home, or let it take over what the remote holds."""
    site = fleet.any_site(lambda s: s.needs != READY and s.repo.rewritten_from is None)
    if site is None:
        return None
    told = fleet.judge(site.init(fleet.plan(14)), *gone(site))
    checked(site)
    return f"{site.name}: {told}"


def correct(fleet: Fleet) -> str | None:
    site = fleet.any_node(lambda each: each.may_record)
    if site is None:
        return None
    end = fleet.clients[site.name].correct(fleet.plan(4))
    if end is None:
        return None
    told = fleet.judge(end, InvalidRecordError, *gone(site))
    checked(site)
    return f"{site.name}: {told}"


def decide(fleet: Fleet) -> str | None:
    end = fleet.chair.decide(fleet.plan(4)) if fleet.books.may_record else None
    if end is None:
        return None
    told = fleet.judge(end, DecisionError, *gone(fleet.books))
    checked(fleet.books)
    return told


def rewrite_accepted(fleet: Fleet) -> str | None:
    """Once all of the old history was billed, the new one may be accepted; not of the books."""
    cursors = fleet.aggregator.cursors()
    repo = fleet.any_repo(
        lambda each: (
            each.name != "books"
            and each.rewritten_from is not None
            and cursors.get(each.name) == each.rewritten_from
        )
    )
    if repo is None or not fleet.books.may_record:
        return None
    tip = repo.tip
    end = fleet.chair.accept_tip(repo, fleet.plan(4))
    told = fleet.judge(end)
    if tip is not None:
        repo.accepted.add(tip)  # it may have been recorded although the process died
    if end.done:
        repo.accept()
        site = fleet.sites[repo.name]
        site.needs = BEHIND if site.needs == READY else site.needs
    checked(fleet.books)
    return f"{repo.name}: {told}"


def back_up_home(fleet: Fleet) -> str | None:
    site = fleet.any_site(lambda each: each.needs != ABSENT and not each.is_old_copy)
    if site is None:
        return None
    site.back_up()
    return site.name


def _may_be_lost(site: Site) -> bool:
    """Not while the home alone has what the forge or the aggregator would need of it."""
    return not site.repo.was_accepted and not site.repo.is_shaky


def put_back_home(fleet: Fleet) -> str | None:
    site = fleet.any_site(lambda each: each.has_backup and _may_be_lost(each))
    if site is None:
        return None
    return f"{site.name}: {site.put_back()} acknowledged records lost"


def disk_dies(fleet: Fleet) -> str | None:
    site = fleet.any_site(lambda each: each.needs != ABSENT and _may_be_lost(each))
    if site is None:
        return None
    return f"{site.name}: {site.lose_disk()} acknowledged records lost"


def spool_is_lost(fleet: Fleet) -> str | None:
    site = fleet.any_site(lambda each: each.needs == READY)
    if site is None:
        return None
    return f"{site.name}: {site.lose_spool()} acknowledged records lost"


def clock_jumps(fleet: Fleet) -> str | None:
    clock = fleet.random.choice([*(s.clock for s in fleet.sites.values()), fleet.aggregator.clock])
    seconds = fleet.random.choice((0, 0, -120, 200, -900, 1200, -40_000, 90_000, 700_000))
    clock.offset = timedelta(seconds=seconds)
    return f"by {clock.offset}"


def pull(fleet: Fleet) -> str | None:
    names = () if fleet.random.random() < 0.6 else (fleet.random.choice(list(fleet.repos)),)
    end = fleet.aggregator.pull(fleet.plan(60), names=names)
    told = fleet.judge(end)
    checked_ledger(fleet)
    if end.done:
        told += ", " + "; ".join(_report(report) for report in end.value)
    return told


def _report(report: object) -> str:
    found = vars(report)
    return f"{found['name']} {found['outcome']} {found['incident'] or ''}".strip()


def verify(fleet: Fleet) -> str | None:
    if not fleet.aggregator.has_mirrors():
        return None
    end = fleet.aggregator.pull()
    fleet.judge(end)
    checked_ledger(fleet)
    for wrong in invariants.of_verify(fleet.aggregator, fleet.aggregator.clock()):
        raise DefectError(wrong)
    return "matches"


def rebuild(fleet: Fleet) -> str | None:
    if not fleet.aggregator.has_mirrors():
        return None
    told = fleet.judge(fleet.aggregator.rebuild(fleet.plan(80)))
    checked_ledger(fleet)
    return told


def database_deleted(fleet: Fleet) -> str | None:
    fleet.aggregator.lose_database()
    return ""


def database_copied(fleet: Fleet) -> str | None:
    fleet.aggregator.back_up_database()
    return "" if fleet.aggregator.has_copy else None


def older_database_put_back(fleet: Fleet) -> str | None:
    if not fleet.aggregator.has_copy:
        return None
    fleet.aggregator.put_back_database()
    checked_ledger(fleet)
    return ""


def mirror_deleted(fleet: Fleet) -> str | None:
    """Not while the remote is rewritten: then nothing on earth knows what was billed."""
    repo = fleet.any_repo(lambda each: each.rewritten_from is None and not each.was_accepted)
    if repo is None:
        return None
    fleet.aggregator.lose_mirror(repo.name)
    return repo.name


STEPS = (
    Step(24, record),
    Step(7, money),
    Step(9, grants_and_plans),
    Step(6, rules),
    Step(18, push),
    Step(9, join),
    Step(16, pull),
    Step(1, verify),
    Step(5, correct, is_optional=True),
    Step(6, decide, is_optional=True),
    Step(3, rewrite_accepted, is_optional=True),
    Step(3, back_up_home, is_optional=True),
    Step(2, put_back_home, is_optional=True),
    Step(1.2, disk_dies, is_optional=True),
    Step(1, spool_is_lost, is_optional=True),
    Step(3, clock_jumps, is_optional=True),
    Step(1, rebuild, is_optional=True),
    Step(1.2, database_deleted, is_optional=True),
    Step(2, database_copied, is_optional=True),
    Step(1.5, older_database_put_back, is_optional=True),
    Step(1, mirror_deleted, is_optional=True),
    Step(3, forge_steps.segment_again, is_optional=True),
    Step(1, forge_steps.lines_again, is_optional=True),
    Step(1.5, forge_steps.conflicting_line, is_optional=True),
    Step(1.5, forge_steps.rival_of_the_books, is_optional=True),
    Step(2, forge_steps.line_of_another, is_optional=True),
    Step(0.5, forge_steps.garbage, is_optional=True),
    Step(0.5, forge_steps.bad_rules, is_optional=True),
    Step(2, forge_steps.forced_back, is_optional=True),
    Step(1.5, forge_steps.replaced_by_another_history, is_optional=True),
    Step(1.5, forge_steps.segment_edited, is_optional=True),
    Step(2, forge_steps.old_history_put_back),
    Step(0.7, forge_steps.repo_hidden, is_optional=True),
    Step(2.5, forge_steps.repo_shown),
)
