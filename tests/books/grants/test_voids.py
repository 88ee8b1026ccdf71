"""`books void` ends what can be ended, once, from an hour on."""

from pathlib import Path

import pytest

from tests.books.program import Books

WHY = ("--reason", "abuse")


@pytest.fixture
def books(tmp_path: Path) -> Books:
    """Books with a grant of January, one for ever, and one without terms."""
    found = Books(tmp_path)
    found.init().ok()
    january = ("--from", "2026-01-01", "--until", "2026-02-01", "--ref", "january")
    found("grant", "alice", "25", *january).ok()
    found("grant", "alice", "25", "--from", "2026-01-01", "--ref", "ever").ok()
    found("grant", "alice", "5").ok()
    return found


def test_a_void_says_which_grant_ends_when(books: Books) -> None:
    said = books("void", "ever", "--from", "2026-01-10", *WHY, "--json").ok().json
    assert (said["kind"], said["user"], said["repeated"]) == ("void", "alice", False)
    assert (said["of_provider"], said["of_ref"]) == ("manual", "ever")
    assert (said["from"], said["reason"]) == ("2026-01-10T00:00:00Z", "abuse")


def test_the_hour_of_now_is_the_default(books: Books) -> None:
    said = books("void", "ever", *WHY, "--json").ok().json
    assert said["from"] == said["ts"][:13] + ":00:00Z"


def test_the_same_again_writes_nothing(books: Books) -> None:
    """Also without an hour, where it is void already; an earlier hour is another void."""
    first = books("void", "ever", "--from", "2026-01-10", *WHY, "--json").ok().json["seq"]
    books("push").ok()
    for hours in (("--from", "2026-01-10"), ()):
        again = books("void", "ever", *hours, *WHY, "--json").ok().json
        assert (again["seq"], again["repeated"]) == (first, True)
    refused = books("void", "ever", "--from", "2026-01-11", *WHY)
    assert refused.code == 1
    assert f"`books decide exclude books {first}" in refused.err
    earlier = books("void", "ever", "--from", "2026-01-09", *WHY, "--json").ok().json
    assert not earlier["repeated"]


def test_a_void_that_was_taken_back_can_be_written_again(books: Books) -> None:
    seq = books("void", "ever", "--from", "2026-01-10", *WHY, "--json").ok().json["seq"]
    books("decide", "exclude", "books", str(seq), "--reason", "mistake").ok()
    said = books("void", "ever", "--from", "2026-01-12", *WHY, "--json").ok().json
    assert said["seq"] > seq


def test_a_grant_without_terms_cannot_be_ended(books: Books, tmp_path: Path) -> None:
    from books.money import Movement, record
    from node_pusher.spool.api import Spool

    with Spool.open(books.home, role="books") as spool:
        record(spool, Movement("grant", "bob", "7", external_ref="old", by="ada"))
    refused = books("void", "old", *WHY)
    assert "is a grant without terms" in refused.err
    assert "`books adjust bob -7" in refused.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("nothing",), "no grant of these books has the reference nothing"),
        (("nothing",), "--unseen"),
        (("january",), "ends at 2026-02-01T00:00:00Z by itself"),
        (("ever", "--provider", "plan"), "no grant of these books"),
        (("a b", "--unseen"), "of_ref: must be 1 to 128"),
        (("ever", "--from", "2026-01-01T00:30:00Z"), "not the start of a clock hour"),
    ],
)
def test_what_cannot_be_ended_is_refused_with_a_way_out(
    books: Books, arguments: tuple[str, ...], says: str
) -> None:
    refused = books("void", *arguments, *WHY)
    assert refused.code in {1, 2}
    assert says in refused.err


def test_a_grant_of_a_desk_is_ended_unseen(books: Books) -> None:
    said = books("void", "signup:bob", "--unseen", *WHY, "--json").ok().json
    assert (said["of_ref"], said["user"]) == ("signup:bob", None)
    assert books("void", "signup:bob", "--unseen", *WHY, "--json").ok().json["repeated"]


def test_an_excluded_grant_has_nothing_to_end(books: Books) -> None:
    books("decide", "exclude", "books", "2", "--reason", "mistake").ok()
    assert "does not count" in books("void", "ever", *WHY).err


def test_a_reason_is_required(books: Books) -> None:
    assert "--reason" in books("void", "ever").err
