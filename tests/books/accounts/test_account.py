"""`books account`: one line each, once where that can be known, and keys whose secret stays out."""

import re
from hashlib import sha256

import pytest

from tests.books.program import Books, spooled

WHY = ("--reason", "abuse")


def test_each_command_writes_its_line(books: Books) -> None:
    digest = "ab" * 32
    books("account", "suspend", "alice", *WHY).ok()
    books("account", "reopen", "alice", *WHY).ok()
    books("account", "setting", "alice", "--cap-usd", "100", "--auto-topup-usd", "20").ok()
    scopes = ("--scope", "usage:read", "--scope", "llm/*", "--rpm", "60", "--until", "2027-01-01")
    books("key", "make", "alice", *scopes, "--sha256", digest).ok()
    books("key", "revoke", "alice", digest[:16], *WHY).ok()
    books("staff", "staff:7", "support", "--limit-usd", "20").ok()
    said = [line.split(b'"kind":')[1] for line in spooled(books.home).splitlines()]
    assert said == [
        b'"suspend","reason":"abuse"}',
        b'"reopen","reason":"abuse"}',
        b'"setting","cap_usd":"100","auto_topup_usd":"20"}',
        b'"key","until":"2027-01-01T00:00:00Z","key_id":"abababababababab","sha256":"%b",'
        b'"scopes":["llm/*","usage:read"],"rpm":60}' % digest.encode(),
        b'"revoke","key_id":"abababababababab","reason":"abuse"}',
        b'"staff","identity":"staff:7","role":"support","limit_usd":"20"}',
    ]
    books("push").ok()
    books.aggregate("pull").ok()
    assert books.aggregate("rejects", "--json").ok().json == []
    assert books.aggregate("held", "--json").ok().json == []


def test_what_was_said_last_by_these_books_is_not_said_again(books: Books) -> None:
    for pushed in (False, True):
        first = books("account", "suspend", "alice", *WHY, "--json").ok().json
        assert books("account", "suspend", "alice", *WHY, "--json").ok().json == first | {
            "repeated": True
        }
        books("account", "reopen", "alice", *WHY).ok()
        if pushed:
            books("push").ok()
    staff = ("staff", "staff:7", "support", "--json")
    books(*staff).ok()
    assert books(*staff).ok().json["repeated"]
    assert not books(*staff, "--limit-usd", "5").ok().json["repeated"]
    assert not books(*staff).ok().json["repeated"]


def test_what_a_desk_may_have_changed_since_is_said_again(books: Books) -> None:
    for command in (("reopen", "alice", *WHY), ("setting", "alice", "--cap-usd", "5")):
        for _ in range(2):
            assert not books("account", *command, "--json").ok().json["repeated"]


def test_the_secret_of_a_key_is_shown_once_and_kept_nowhere(books: Books) -> None:
    said = books("key", "make", "alice", "--scope", "usage:read", "--json").ok().json
    secret = said["secret"]
    assert said["sha256"] == sha256(secret.encode()).hexdigest()
    assert said["key_id"] == said["sha256"][:16]
    assert re.fullmatch(r"oc_live_[0-9a-f]{32}", secret)
    files = [path for path in books.folder.rglob("*") if path.is_file()]
    assert not any(secret.encode() in path.read_bytes() for path in files)
    shown = books("key", "make", "alice", "--scope", "usage:read").ok().out
    assert "its secret, shown this once: oc_live_" in shown
    assert secret not in shown


def test_one_hash_is_one_key(books: Books) -> None:
    """Two claims of one hash that differ would open nothing."""
    key = ("key", "make", "alice", "--scope", "a", "--sha256", "cd" * 32)
    books(*key).ok()
    assert books(*key, "--json").ok().json["repeated"]
    for other in (("--rpm", "5"), ("--scope", "b"), ("--until", "2027-01-01")):
        refused = books(*key, *other)
        assert "as one of alice with other terms" in refused.err
    assert (
        "as one of alice" in books("key", "make", "bob", "--scope", "a", "--sha256", "cd" * 32).err
    )
    assert "is one of alice, not of bob" in books("key", "revoke", "bob", "cd" * 8, *WHY).err
    assert books("key", "revoke", "alice", "cd" * 8, *WHY).ok().err == ""
    assert books("key", "revoke", "alice", "cd" * 8, *WHY, "--json").ok().json["repeated"]


def test_a_revoked_key_does_not_come_back(books: Books) -> None:
    said = books("key", "revoke", "alice", "cd" * 8, *WHY).ok()
    assert "these books made no such key of alice" in said.err
    refused = books("key", "make", "alice", "--scope", "a", "--sha256", "cd" * 32)
    assert "was revoked, which is for ever" in refused.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("account", "suspend", "alice"), "--reason"),
        (("account", "suspend", "al\\ice", *WHY), "user: must be 1 to 256"),
        (("account", "suspend", "alice", *WHY, "--by", ""), "by: no name is given"),
        (("account", "setting", "alice"), "a setting states at least one of cap_usd"),
        (("account", "setting", "alice", "--cap-usd", "-5"), "cap_usd: must be dollars"),
        (("account", "setting", "alice", "--next-plan", "gold"), "there is no plan gold"),
        (("key", "make", "alice"), "--scope"),
        (("key", "make", "alice", "--scope", "A"), "scopes"),
        (("key", "make", "alice", "--scope", "a", "--sha256", "x"), "sha256: must be"),
        (("key", "revoke", "alice", "x", *WHY), "key_id: must be 16 of"),
        (("staff", "ada", "support"), "identity: must be staff:"),
        (("staff", "staff:7", "Support"), "role: must be"),
    ],
)
def test_wrong_input_is_refused_with_a_reason_and_nothing_is_written(
    books: Books, arguments: tuple[str, ...], says: str
) -> None:
    refused = books(*arguments)
    assert refused.code in {1, 2}
    assert says in refused.err
    assert spooled(books.home) == b""


def test_the_log_shows_each_line_in_words(books: Books) -> None:
    books("account", "suspend", "alice", *WHY, "--by", "ada").ok()
    books("push").ok()
    books("account", "setting", "alice", "--next-plan", "none", "--by", "ada").ok()
    shown = books("log").ok().out
    assert "suspended" in shown
    assert "ada: abuse" in shown
    assert "setting: next_plan none" in shown
    lines = [line for entry in books("log", "--json").ok().json for line in entry["lines"] or ()]
    assert [line["kind"] for line in lines] == ["suspend"]
