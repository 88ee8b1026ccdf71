"""The people that a forge lets at a repo: users by themselves, and teams."""

from typing import NamedTuple


class Collaborator(NamedTuple):
    """A user with a right to one repo.

    Attributes:
        name: the user.
        permission: `read`, `write`, `admin` or `owner`.
    """

    name: str
    permission: str


class Team(NamedTuple):
    """A team of the organisation, with the repos that it has a right to.

    Attributes:
        name: its name.
        may_write: whether its members may change what is in the repos, or administer them.
        repos: the names of the repos; None for all repos of the organisation.
    """

    name: str
    may_write: bool
    repos: frozenset[str] | None
