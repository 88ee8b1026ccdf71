"""What a listing means, outcome by outcome, in the order in which the rules apply."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.config.repos import RepoConfig
from aggregator.fleet.listing import SETTLED, judge_listing
from aggregator.forge.interface import ForgeRepo, Listing

AT = datetime(2026, 1, 1, tzinfo=UTC)
EARLIER = AT - timedelta(hours=1)
MADE = AT - timedelta(days=9)
HOST = "https://forge.example/ops"
PATTERN = "billing-{node}"


def listed(
    number: int, name: str, *, at: datetime = EARLIER, made: datetime = MADE, archived: bool = False
) -> ForgeRepo:
    return ForgeRepo(
        number, name, f"{HOST}/{name}.git", f"git@forge.example:ops/{name}.git", at,
        private=True, archived=archived, empty=False, default_branch="main", created_at=made,
    )  # fmt: skip


def registered(number: int, node: str, *, retired: bool = False) -> RepoConfig:
    return RepoConfig(
        node=node,
        url=f"{HOST}/billing-{node}.git",
        forge_id=number,
        retired_at=AT if retired else None,
    )


A, B = registered(1, "a"), registered(2, "b")
THERE = (listed(1, "billing-a"), listed(2, "billing-b"))


@pytest.mark.parametrize(
    ("repos", "forge", "wanted"),
    [
        ((A, B), THERE, {}),
        ((A, B), (*THERE, listed(3, "billing-c")), {"pending": {"billing-c"}}),
        ((A, B), (*THERE, listed(3, "billing-c", archived=True)), {}),
        ((A, B), (*THERE, listed(3, "website")), {}),
        ((A, B), (*THERE, listed(3, "billing-a.2027")), {"pending": {"billing-a.2027"}}),
        ((A, B), THERE[:1], {"vanished": {"b"}}),
        ((A, registered(2, "b", retired=True)), THERE[:1], {}),
        ((A, B), (THERE[0], listed(2, "billing-z")), {"renamed": {"b"}}),
        ((A, B), (THERE[0], listed(2, "Billing-B")), {}),
        ((A, B), (THERE[0], listed(9, "billing-b")), {"recreated": {"b"}}),
        # its address leads to another repo now, so it is not read from there
        ((A, B), (*THERE[:1], listed(2, "z"), listed(9, "billing-b")), {"recreated": {"b"}}),
        ((A, B), (listed(1, "billing-b"), listed(2, "billing-a")), {"recreated": {"a", "b"}}),
        # the books are configured, so their repo is no node's
        ((RepoConfig(node="books", role="books", url=f"{HOST}/billing-books.git"),),
         (listed(3, "billing-books"),), {}),
    ],
)  # fmt: skip
def test_each_outcome(
    repos: tuple[RepoConfig, ...], forge: tuple[ForgeRepo, ...], wanted: dict[str, set[str]]
) -> None:
    findings = judge_listing(Listing(forge, AT), repos, PATTERN)
    found = {
        "pending": set(findings.pending),
        "vanished": set(findings.vanished),
        "renamed": set(findings.renamed),
        "recreated": set(findings.recreated),
    }
    assert {kind: names for kind, names in found.items() if names} == wanted
    assert findings.lost_at_once == ()


def test_a_change_time_of_the_second_of_the_listing_proves_nothing() -> None:
    for age, is_settled in ((timedelta(0), False), (SETTLED, False), (SETTLED * 2, True)):
        changed_at = AT - age
        forge = (listed(1, "billing-a", at=changed_at),)
        found = judge_listing(Listing(forge, AT), (A,), PATTERN).changed_at
        assert found == {"a": changed_at if is_settled else None}


@given(total=st.integers(1, 200), gone=st.sets(st.integers(0, 199)), known=st.integers(0, 5))
def test_more_than_a_twentieth_at_once_is_not_believed(
    total: int, gone: set[int], known: int
) -> None:
    """A single one is always believed, and repos that were gone before do not count."""
    gone = {number for number in gone if number < total}
    before = sorted(gone)[:known]
    listed_before = frozenset(number + 1 for number in range(total)) - {n + 1 for n in before}
    repos = [registered(number + 1, f"n{number}") for number in range(total)]
    forge = tuple(listed(n + 1, f"billing-n{n}") for n in range(total) if n not in gone)
    found = judge_listing(Listing(forge, AT), repos, PATTERN, listed_before).lost_at_once
    new = {f"n{number}" for number in gone - set(before)}
    is_too_many = len(new) > 1 and len(new) > (total - len(before)) / 20
    assert set(found) == (new if is_too_many else set())
