"""Whether a home may build on a commit that it did not make: a signature covers all below.

The aggregator checks the signature of a tip alone. A home that signs on top of a foreign history
signs that history too, and must know who wrote it.
"""

import re
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

from gitmeter.signing.allowed_signers import load_allowed_signers
from gitmeter.signing.verdict import judge_commit
from node_pusher.home.errors import HomeError
from node_pusher.home.own_key import trusted_signers
from node_pusher.repo.ledger_repo import LedgerRepo

_NOT_BILLED: Final = re.compile(r"(?i)(readme|licen[sc]e|copying|changelog|\.git).*|epochs")
"""Files that a forge, or a home that recorded nothing, puts into a new repo; none is billed."""

_COMMIT: Final = re.compile(r"[0-9a-f]{40}")


class Vouched(NamedTuple):
    """What a person vouches for, apart from the home's own keys.

    Attributes:
        tip: a commit that they have inspected.
        signers_file: the keys of another machine, in `allowed_signers` format.
    """

    tip: str | None = None
    signers_file: Path | None = None


OWN_KEYS_ONLY: Final = Vouched()


def check_vouched(vouched: Vouched) -> None:
    """Refuse a tip that is no commit and a file without keys, before anything is made.

    Raises:
        HomeError: the tip is not the whole id of a commit.
        AllowedSignersError: the file of keys cannot be used.
    """
    if vouched.tip is not None and _COMMIT.fullmatch(vouched.tip) is None:
        raise HomeError(
            "the tip to trust must be the whole id of a commit: 40 hex digits",
            hint="`git ls-remote URL` shows it; nothing shorter names one commit for sure",
        )
    if vouched.signers_file is not None:
        load_allowed_signers(vouched.signers_file)


def check_tip(repo: LedgerRepo, commit: str, vouched: Vouched, now: datetime) -> None:
    """Refuse to build on a commit that is not vouched for.

    A first commit of nothing but a README or the claim of an epoch needs no signature.

    Raises:
        HomeError: it is neither signed by an allowed key nor named by the person.
        AllowedSignersError, SigningKeyError: the keys cannot be read.
    """
    if commit == vouched.tip or _has_no_records(repo, commit):
        return
    home_repo = repo.home_repo
    allowed = trusted_signers(home_repo.home, home_repo.node)
    if vouched.signers_file is not None:
        allowed += load_allowed_signers(vouched.signers_file)
    verdict = judge_commit(repo.raw_commit(commit), home_repo.node, allowed, now)
    if verdict.verified:
        return
    named = f", which is not the {vouched.tip} that you named" if vouched.tip else ""
    raise HomeError(
        f"{home_repo.remote.url} is at {commit}{named}; {verdict.sentence}, so this home does"
        " not build on it",
        hint="if another machine of this node wrote it, give its allowed_signers file with"
        " --allowed-signers; otherwise look at that history and, if it is right, run this again"
        f" with --trust-tip {commit}",
    )


def _has_no_records(repo: LedgerRepo, commit: str) -> bool:
    """Whether neither it nor its history has anything that could ever be billed.

    Its parents are read from its bytes: libgit2 shows none in a shallow clone.
    """
    headers = repo.raw_commit(commit).partition(b"\n\n")[0].split(b"\n")
    is_first = not any(line.startswith(b"parent ") for line in headers)
    return is_first and all(map(_NOT_BILLED.fullmatch, repo.top_names(commit)))
