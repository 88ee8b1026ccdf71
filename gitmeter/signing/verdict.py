"""Whether a commit is signed by a key that may sign for a node now. Pure.

A signature covers the commit with its parents and its tree, so one valid signature on a tip covers
the history below it.
"""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from gitmeter.signing.allowed_signers import AllowedSigners, Permission, find_signer
from gitmeter.signing.sshsig import BadSignature, is_ssh_signature, verify


class Validity(StrEnum):
    """The result of verifying a signature; the first that applies, in this order."""

    UNSIGNED = "unsigned"
    NOT_SSH = "not an SSH signature"
    """A signature of another kind, such as one of GPG."""
    BAD_SIGNATURE = "bad signature"
    """Malformed, by a kind of key that is not accepted, or over other bytes."""
    UNKNOWN_KEY = "unknown key"
    """A valid signature by a key that may not sign commits at all."""
    OTHER_PRINCIPAL = "key of another principal"
    """A valid signature by a key that may sign for other principals only."""
    NOT_YET_VALID = "key not yet valid"
    NO_LONGER_VALID = "key no longer valid"
    VERIFIED = "verified"


class Verdict(NamedTuple):
    """The judgement of a signature.

    Attributes:
        outcome: the result.
        sentence: the result for a person, without a full stop; contains nothing that the author of
            the commit could choose, so it can be shown as it is.
        fingerprint: the key that signed, as `ssh-keygen -l` shows it (`SHA256:...`); None without
            a valid signature, which alone proves who signed.
    """

    outcome: Validity
    sentence: str
    fingerprint: str | None

    @property
    def verified(self) -> bool:
        """Whether the commit may be built on or billed."""
        return self.outcome is Validity.VERIFIED


_PERMISSIONS = {
    Permission.ALLOWED: Validity.VERIFIED,
    Permission.UNKNOWN_KEY: Validity.UNKNOWN_KEY,
    Permission.OTHER_PRINCIPAL: Validity.OTHER_PRINCIPAL,
    Permission.NOT_YET_VALID: Validity.NOT_YET_VALID,
    Permission.NO_LONGER_VALID: Validity.NO_LONGER_VALID,
}


def judge_commit(raw: bytes, principal: str, allowed: AllowedSigners, now: datetime) -> Verdict:
    """Judge a commit by all its bytes, as `pygit2.Repository.read(id)[1]` gives them.

    Prefer this to `judge_signature`: libgit2 also takes a `gpgsig` line in the *message* for the
    signature, which git does not.
    """
    payload, signature = split_commit(raw)
    return judge_signature(payload, signature, principal, allowed, now)


def judge_signature(
    payload: bytes,
    signature: bytes | None,
    principal: str,
    allowed: AllowedSigners,
    now: datetime,
) -> Verdict:
    """Judge a signature over the bytes that it is said to cover; never raises for bad data.

    Args:
        payload: the commit without its signature.
        signature: the armored signature; None or empty when there is none.
        principal: the name that the key must be allowed to sign for: the name of a node.
        allowed: the keys that may sign; see `gitmeter.signing.allowed_signers`.
        now: the time by the caller's clock, with its offset: never a date of the commit, which
            its author chooses.
    """
    if not signature:
        return Verdict(Validity.UNSIGNED, "the commit is not signed", None)
    if not is_ssh_signature(signature):
        return Verdict(Validity.NOT_SSH, "the signature is not one of SSH (GPG, most likely)", None)
    key = verify(payload, signature)
    if isinstance(key, BadSignature):
        return Verdict(Validity.BAD_SIGNATURE, f"the signature is bad: {key.reason}", None)
    permission = find_signer(allowed, principal, key, now)
    outcome = _PERMISSIONS[permission]
    return Verdict(outcome, _sentence(outcome, key.fingerprint, principal), key.fingerprint)


def split_commit(raw: bytes) -> tuple[bytes, bytes | None]:
    """Split a commit into what its signature covers and the signature, as git does.

    See git's `parse_signed_commit`. The signature is the header `gpgsig`, whose further lines begin
    with a space. A second one stays in the payload, which git never signs; the first is then bad.
    """
    head, blank, message = raw.partition(b"\n\n")
    kept: list[bytes] = []
    signature: list[bytes] = []
    found = inside = False
    for line in head.split(b"\n"):
        if inside and line.startswith(b" "):
            signature.append(line[1:])
            continue
        inside = not found and line.startswith(b"gpgsig ")
        if inside:
            found = True
            signature.append(line.removeprefix(b"gpgsig "))
        else:
            kept.append(line)
    payload = b"\n".join(kept) + blank + message
    return payload, b"\n".join(signature) + b"\n" if found else None


def _sentence(outcome: Validity, fingerprint: str, principal: str) -> str:
    sentences = {
        Validity.VERIFIED: f"signed by {fingerprint}, which may sign for {principal}",
        Validity.UNKNOWN_KEY: f"signed by {fingerprint}, a key that is not among the allowed ones",
        Validity.OTHER_PRINCIPAL: f"signed by {fingerprint}, which may not sign for {principal}",
        Validity.NOT_YET_VALID: f"signed by {fingerprint}, which is not valid yet",
        Validity.NO_LONGER_VALID: f"signed by {fingerprint}, which is not valid any more",
    }
    return sentences[outcome]
