"""Reads a repo once as billing does: a forge may list what git cannot read."""

from typing import Final, NamedTuple

from aggregator.config.sections import ForgeConfig
from aggregator.fleet.node_keys import FleetError
from aggregator.forge.interface import ForgeRepo
from gitmeter.git_remote.branch import read_branch
from gitmeter.git_remote.failures import RemoteError
from gitmeter.git_remote.remote import Remote
from gitmeter.support.errors import GitmeterError

READ_TIMEOUT_S: Final = 30
OTHER_REFS_MAX: Final = 10


class Reading(NamedTuple):
    """What git can see of a repo.

    Attributes:
        other_refs: some of the refs besides the branch that is billed.
        error: why git cannot read it, whatever the API says; None if it can.
    """

    other_refs: tuple[str, ...]
    error: GitmeterError | None


def read_repo(repo: ForgeRepo, forge: ForgeConfig, branch: str) -> Reading:
    """Read the refs of a repo with the token of `[forge]`.

    Raises:
        RemoteError: the forge does not answer git now; the same call may work later.
    """
    if not repo.has_code:
        hint = f"turn it on in the settings of {repo.name} on the forge"
        return Reading((), FleetError("its code is turned off (has_code)", hint=hint))
    remote = Remote(repo.clone_url, forge.token_file)
    try:
        found = read_branch(remote, branch, READ_TIMEOUT_S, others_max=OTHER_REFS_MAX)
    except RemoteError as error:
        if error.retry:
            raise
        return Reading((), error)
    return Reading(found.other_refs, None)
