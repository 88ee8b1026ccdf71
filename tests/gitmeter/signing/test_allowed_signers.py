"""Allowed signers are read as OpenSSH reads them, or refused with their line."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitmeter.signing.allowed_signers import (
    AllowedSignersError,
    Permission,
    find_signer,
    format_entry,
    load_allowed_signers,
    parse_allowed_signers,
)
from gitmeter.signing.patterns import matches_list
from tests.gitmeter.signing.openssh import (
    NOW,
    accepts,
    fixed_key,
    make_key,
    public_key,
    public_line,
    ssh_keygen,
)

KEY = fixed_key(1)
OTHER = fixed_key(2)
LINE = KEY.public.line
SIGNATURE = KEY.sign(b"x")


def permission(text: str, principal: str = "node-1", now: datetime = NOW) -> Permission:
    return find_signer(parse_allowed_signers(text, "signers"), principal, KEY.public, now)


@pytest.mark.parametrize(
    ("text", "principal", "allowed"),
    [
        (f"node-1 {LINE}", "node-1", True),
        (f"node-1 {LINE} a comment", "node-1", True),
        (f"  \tnode-1\t {LINE}\r\n", "node-1", True),
        (f"# a comment\n\n   \nnode-1 {LINE}", "node-1", True),
        (f"#node-1 {LINE}", "node-1", False),
        (f"node-2 {LINE}", "node-1", False),
        (f"NODE-1 {LINE}", "node-1", False),
        (f"node-2,node-1 {LINE}", "node-1", True),
        (f'"node-2,node-1" {LINE}', "node-1", True),
        (f"node-* {LINE}", "node-1", True),
        (f"node-? {LINE}", "node-1", True),
        (f"node-? {LINE}", "node-10", False),
        (f"node-?* {LINE}", "node-10", True),
        (f"* {LINE}", "node-1", True),
        (f"*,!node-1 {LINE}", "node-1", False),
        (f"!node-1,* {LINE}", "node-1", False),
        (f"!node-2 {LINE}", "node-1", False),
        (f"!node-2,* {LINE}", "node-1", True),
        (f"node.1 {LINE}", "node-1", False),
        (f"[a-z]* {LINE}", "node-1", False),
        (f'node-1 namespaces="git" {LINE}', "node-1", True),
        (f'node-1 NAMESPACES="git" {LINE}', "node-1", True),
        (f'node-1 namespaces="file,git" {LINE}', "node-1", True),
        (f'node-1 namespaces="file" {LINE}', "node-1", False),
        (f'node-1 namespaces="g*,!git" {LINE}', "node-1", False),
        (f'node-1 valid-after="20261121Z" {LINE}', "node-1", True),
        (f'node-1 valid-after="20261122Z" {LINE}', "node-1", False),
        (f'node-1 valid-after="202611211300Z" {LINE}', "node-1", True),
        (f'node-1 valid-after="20261121130000Z" {LINE}', "node-1", True),
        (f'node-1 valid-after="20261121130001Z" {LINE}', "node-1", False),
        (f'node-1 valid-before="20261121130000Z" {LINE}', "node-1", True),
        (f'node-1 valid-before="20261121125959Z" {LINE}', "node-1", False),
        (f'node-1 valid-before="20261121Z" {LINE}', "node-1", False),
        (
            f'node-1 namespaces="git",valid-after="20260101Z",valid-before="20270101Z" {LINE}',
            *("node-1", True),
        ),
        (f'node-1 valid-before="20260101Z" {LINE}\nnode-1 {LINE}', "node-1", True),
        (f"node-1 {OTHER.public.line}", "node-1", False),
        ("", "node-1", False),
    ],
)  # fmt: skip
def test_who_may_sign_is_what_openssh_says(
    tmp_path: Path, text: str, principal: str, *, allowed: bool
) -> None:
    assert (permission(text, principal) is Permission.ALLOWED) is allowed
    assert accepts(tmp_path, text, principal, b"x", SIGNATURE, NOW) is allowed


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"node-2 {OTHER.public.line}", Permission.UNKNOWN_KEY),
        (f'node-1 namespaces="file" {LINE}', Permission.UNKNOWN_KEY),
        (f"node-2 {LINE}", Permission.OTHER_PRINCIPAL),
        (f'node-2 valid-before="20260101Z" {LINE}', Permission.OTHER_PRINCIPAL),
        (f'node-1 valid-after="20270101Z" {LINE}', Permission.NOT_YET_VALID),
        (f'node-1 valid-before="20260101Z" {LINE}', Permission.NO_LONGER_VALID),
        (
            f'node-1 valid-before="20260101Z" {LINE}\nnode-1 valid-after="20270101Z" {LINE}',
            Permission.NOT_YET_VALID,
        ),
        (f'node-2 {LINE}\nnode-1 valid-before="20260101Z" {LINE}', Permission.NO_LONGER_VALID),
        (
            f'node-1 valid-before="20260101Z" {LINE}\nnode-2 {LINE}\nnode-? {LINE}',
            Permission.ALLOWED,
        ),
    ],
)  # fmt: skip
def test_a_refusal_says_the_most_that_can_be_said(text: str, found: Permission) -> None:
    assert permission(text) is found


def test_both_ends_of_a_window_are_in_it() -> None:
    text = f'node-1 valid-after="20260101Z",valid-before="20260102Z" {LINE}'
    first, last = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
    tick = timedelta(microseconds=1)
    found = [permission(text, now=now) for now in (first - tick, first, last, last + tick)]
    assert found == [
        Permission.NOT_YET_VALID,
        Permission.ALLOWED,
        Permission.ALLOWED,
        Permission.NO_LONGER_VALID,
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("node-1", "no key after the names"),
        ("node-1 ssh-ed25519", "no key after the names"),
        ('"node-1', "not closed"),
        (f'"node-1"{LINE}', "no key after the names"),
        (f"node-1,,node-2 {LINE}", "names is empty"),
        (f"node-1,! {LINE}", "names is empty"),
        (f'"" {LINE}', "names is empty"),
        (f"node-1 cert-authority {LINE}", "certificate authorities"),
        (f'node-1 cert-authority,namespaces="git" {LINE}', "certificate authorities"),
        (f'node-1 namespaces="git",cert-authority {LINE}', "certificate authorities"),
        (f'node-1 valid-until="20270101Z" {LINE}', "unknown option"),
        (f'node-1 namespaces="git",no-touch-required {LINE}', "unknown option"),
        (f"node-1 no-touch-required {LINE}", "not accepted"),
        (f'node-1 namespaces="git",namespaces="file" {LINE}', "twice"),
        (f"node-1 namespaces=git {LINE}", "not name="),
        (f'node-1 namespaces="git {LINE}', "not name="),
        (f'node-1 namespaces="git", {LINE}', "not name="),
        (f'node-1 namespaces="git"{LINE}', "not name="),
        (f'node-1 valid-after="20270101" {LINE}', "with the Z"),
        (f'node-1 valid-after="202701011200" {LINE}', "with the Z"),
        (f'node-1 valid-after="2027-01-01Z" {LINE}', "with the Z"),
        (f'node-1 valid-after="" {LINE}', "with the Z"),
        (f'node-1 valid-after="20270229Z" {LINE}', "no such time"),
        (f'node-1 valid-before="20270101246000Z" {LINE}', "no such time"),
        (f'node-1 valid-after="20270101Z",valid-before="20270101Z" {LINE}', "not later"),
        ("node-1 ssh-ed25519 AAAA", "no SSH key"),
        ("node-1 ssh-ed25519 !!!!", "not base64"),
        (f"node-1 ecdsa-sha2-nistp256 {LINE.split()[1]}", "the key says ssh-ed25519"),
        (f"node-1 ssh-rsa {LINE.split()[1]}", "'ssh-rsa' is a kind of key that is not accepted"),
        ("node-1 sk-ssh-ed25519@openssh.com AAAA", "not accepted"),
    ],
)  # fmt: skip
def test_a_line_that_is_wrong_or_asks_for_more_is_named(line: str, said: str) -> None:
    with pytest.raises(AllowedSignersError, match=r"^signers, line 3: ") as raised:
        parse_allowed_signers(f"# keys\nnode-2 {LINE}\n{line}\n", "signers")
    assert said in str(raised.value)
    assert "show-key" in raised.value.hint


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa"])
def test_keys_that_openssh_makes_are_read(tmp_path: Path, kind: str) -> None:
    private = make_key(tmp_path, kind)
    path = tmp_path / "signers"
    path.write_text(f'node-1 namespaces="git" {public_line(private)} somebody@somewhere\n')
    allowed = load_allowed_signers(path)
    assert find_signer(allowed, "node-1", public_key(private), NOW) is Permission.ALLOWED


def test_an_rsa_key_is_refused_with_what_to_use(tmp_path: Path) -> None:
    private = make_key(tmp_path, "rsa", bits=2048)
    with pytest.raises(AllowedSignersError, match="use ssh-ed25519"):
        parse_allowed_signers(f"node-1 {public_line(private)}", "signers")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff")
    for name in ("none", "binary"):
        with pytest.raises(AllowedSignersError, match=name):
            load_allowed_signers(tmp_path / name)


def test_the_line_that_is_printed_is_read_back() -> None:
    assert permission(format_entry("node-1", KEY.public)) is Permission.ALLOWED


_PATTERN = st.text("ab-*?!,", min_size=1, max_size=6)


@given(
    st.lists(st.tuples(st.text("ab-", min_size=1, max_size=3), _PATTERN), min_size=1, max_size=1)
)
def test_patterns_fit_names_as_in_openssh(cases: list[tuple[str, str]]) -> None:
    """Against its own `match-principals`, which needs no key to be used."""
    import tempfile

    for name, pattern in cases:
        if not all(part.removeprefix("!") for part in pattern.split(",")) or name.startswith("-"):
            continue
        with tempfile.NamedTemporaryFile("w", suffix=".signers") as file:
            file.write(f"{pattern} {LINE}\n")
            file.flush()
            done = ssh_keygen("-Y", "match-principals", "-I", name, "-f", file.name)
        assert matches_list(name, pattern) is (done.returncode == 0), (name, pattern)
