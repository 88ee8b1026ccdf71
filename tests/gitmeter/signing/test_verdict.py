"""Every verdict about a commit, in order of precedence, beside what git says of the same commit."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pygit2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pygit2.enums import ObjectType

from gitmeter.signing.allowed_signers import AllowedSigners, format_entry, parse_allowed_signers
from gitmeter.signing.verdict import Validity, judge_commit, judge_signature, split_commit
from tests.gitmeter.signing.openssh import NOW, fixed_key, make_key, sign_with

KEY = fixed_key(1)
OTHER = fixed_key(2)
TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
PAYLOAD = f"""\
tree {TREE}
author node-1 <node-1@example.invalid> 1764000000 +0000
committer node-1 <node-1@example.invalid> 1764000000 +0000

usage: node-1 seq 1..1 (1 record)

Node: node-1
""".encode()
PGP = b"-----BEGIN PGP SIGNATURE-----\n\niQ==\n-----END PGP SIGNATURE-----\n"
SIGNERS = format_entry("node-1", KEY.public)


def with_header(payload: bytes, signature: bytes, name: bytes = b"gpgsig") -> bytes:
    """The commit with a signature among its headers, as git writes it."""
    head, blank, message = payload.partition(b"\n\n")
    lines = signature.rstrip(b"\n").replace(b"\n", b"\n ")
    return head + b"\n" + name + b" " + lines + blank + message


def signers(text: str) -> AllowedSigners:
    return parse_allowed_signers(text, "signers")


SIGNED = with_header(PAYLOAD, KEY.sign(PAYLOAD))


@pytest.mark.parametrize(
    ("commit", "allowed", "outcome"),
    [
        (PAYLOAD, SIGNERS, Validity.UNSIGNED),
        (PAYLOAD, "", Validity.UNSIGNED),
        (with_header(PAYLOAD, PGP), SIGNERS, Validity.NOT_SSH),
        (with_header(PAYLOAD, b"x"), SIGNERS, Validity.NOT_SSH),
        (with_header(PAYLOAD, OTHER.sign(PAYLOAD + b"x")), SIGNERS, Validity.BAD_SIGNATURE),
        (with_header(PAYLOAD, KEY.sign(PAYLOAD + b"x")), SIGNERS, Validity.BAD_SIGNATURE),
        (SIGNED.replace(b"1 record", b"2 record"), SIGNERS, Validity.BAD_SIGNATURE),
        (SIGNED.replace(b"tree 4b", b"tree 4c"), SIGNERS, Validity.BAD_SIGNATURE),
        (SIGNED.replace(b"\nauthor", b"\nparent " + b"1" * 40 + b"\nauthor"), SIGNERS,
         Validity.BAD_SIGNATURE),
        (SIGNED, "", Validity.UNKNOWN_KEY),
        (SIGNED, format_entry("node-1", OTHER.public), Validity.UNKNOWN_KEY),
        (SIGNED, format_entry("node-2", KEY.public), Validity.OTHER_PRINCIPAL),
        (SIGNED, f'node-1 valid-after="20270101Z" {KEY.public.line}', Validity.NOT_YET_VALID),
        (SIGNED, f'node-1 valid-before="20260101Z" {KEY.public.line}', Validity.NO_LONGER_VALID),
        (SIGNED, SIGNERS, Validity.VERIFIED),
    ],
)  # fmt: skip
def test_each_verdict_and_what_git_makes_of_the_commit(
    tmp_path: Path, commit: bytes, allowed: str, outcome: Validity
) -> None:
    """The good signature of a wrong key has a fingerprint; nothing bad has one.

    git judges a window by the commit's own date, so these two verdicts are ours alone.
    """
    verdict = judge_commit(commit, "node-1", signers(allowed), NOW)
    assert verdict.outcome is outcome, verdict
    proved = list(Validity).index(outcome) >= list(Validity).index(Validity.UNKNOWN_KEY)
    assert verdict.fingerprint == (KEY.public.fingerprint if proved else None)
    assert verdict.verified is (outcome is Validity.VERIFIED)
    if outcome not in {Validity.NOT_YET_VALID, Validity.NO_LONGER_VALID}:
        takes = git_takes(tmp_path, commit, allowed.replace("node-2", "somebody"))
        assert takes is (verdict.verified or outcome is Validity.OTHER_PRINCIPAL)


def git_takes(folder: Path, commit: bytes, allowed: str) -> bool:
    """Whether `git verify-commit` takes a commit; git itself asks for no principal."""
    repo = pygit2.init_repository(str(folder / "repo.git"), bare=True)
    name = repo.write(ObjectType.COMMIT, commit)
    file = folder / "signers"
    file.write_text(f"{allowed}\n")
    done = subprocess.run(
        [*("git", "-C", repo.path, "-c", f"gpg.ssh.allowedSignersFile={file}"),
         *("verify-commit", str(name))],
        capture_output=True,
        check=False,
    )  # fmt: skip
    return done.returncode == 0


def test_windows_are_judged_by_the_clock_that_is_given_and_by_no_date_of_the_commit() -> None:
    allowed = signers(f'node-1 valid-before="20260101Z" {KEY.public.line}')
    in_window = datetime(2025, 12, 31, tzinfo=UTC)
    for dated in (b"1700000000", b"1764000000", b"1900000000"):
        payload = PAYLOAD.replace(b"1764000000", dated)
        commit = with_header(payload, KEY.sign(payload))
        assert judge_commit(commit, "node-1", allowed, NOW).outcome is Validity.NO_LONGER_VALID
        assert judge_commit(commit, "node-1", allowed, in_window).verified


def test_a_commit_that_git_signed_is_verified(tmp_path: Path) -> None:
    private = make_key(tmp_path)
    public = private.with_name(f"{private.name}.pub").read_text()
    git = ["git", "-C", str(tmp_path / "repo"), "-c", "user.name=n", "-c", "user.email=n@x.invalid"]
    subprocess.run(["git", "init", "-q", tmp_path / "repo"], check=True)
    subprocess.run(
        [
            *(*git, "-c", "gpg.format=ssh", "-c", f"user.signingkey={private}", "commit", "-q"),
            *("--allow-empty", "-S", "-m", "one\n\nand more\n\ngpgsig not a header"),
        ],
        check=True,
    )
    repo = pygit2.Repository(str(tmp_path / "repo"))
    raw = repo.read(repo.head.target)[1]
    assert judge_commit(raw, "node-1", signers(f"node-1 {public}"), NOW).verified


def test_a_signature_in_the_message_is_none(tmp_path: Path) -> None:
    """libgit2 takes it for one, git does not."""
    lines = KEY.sign(PAYLOAD).rstrip(b"\n").replace(b"\n", b"\n ")
    commit = PAYLOAD + b"gpgsig " + lines + b"\n"
    assert judge_commit(commit, "node-1", signers(SIGNERS), NOW).outcome is Validity.UNSIGNED
    assert not git_takes(tmp_path, commit, SIGNERS)


def test_a_second_signature_makes_the_first_one_bad() -> None:
    """As git does not: it would look at both as one text, of which ssh-keygen reads the first."""
    commit = with_header(SIGNED, KEY.sign(PAYLOAD))
    assert judge_commit(commit, "node-1", signers(SIGNERS), NOW).outcome is Validity.BAD_SIGNATURE


def test_what_libgit2_takes_out_of_a_commit_is_the_same() -> None:
    assert split_commit(SIGNED) == (PAYLOAD, KEY.sign(PAYLOAD))
    assert split_commit(PAYLOAD) == (PAYLOAD, None)


@given(st.binary(), st.binary())
def test_no_bytes_are_an_exception(commit: bytes, signature: bytes) -> None:
    allowed = signers(SIGNERS)
    assert not judge_commit(commit, "node-1", allowed, NOW).verified
    assert not judge_commit(with_header(PAYLOAD, signature), "node-1", allowed, NOW).verified
    begin = b"-----BEGIN SSH SIGNATURE-----" + signature
    assert not judge_signature(commit, begin, "node-1", allowed, NOW).verified


def test_a_sentence_shows_nothing_that_the_signer_chose(tmp_path: Path) -> None:
    signature = sign_with(make_key(tmp_path), PAYLOAD, namespace="\x1b[31mred")
    verdict = judge_signature(PAYLOAD, signature, "node-1", signers(SIGNERS), NOW)
    assert verdict.outcome is Validity.BAD_SIGNATURE
    assert verdict.sentence.isprintable()
    assert "red" not in verdict.sentence
