"""The README of a home's repo, for people who look into it. That of the books is their own."""

from typing import Final

from gitmeter.roles.role import Role
from node_pusher.home.home import HomeRepo

README_PATH: Final = "README.md"

_ABOUT: Final[dict[Role, str]] = {
    "usage": """\
# Usage of `{node}`

What users of `{node}` consumed, as recorded by the node itself. Each line under `usage/` is one
record; files are added and never changed, and balances are computed from them.
""",
    "till": """\
# Till `{node}`

What payment providers did, as recorded by the till `{node}`: payments, refunds, disputes and what
took them back (`payments/`), and what customers agreed to be charged (`accounts/`). Each line is
one record; files are added and never changed, and balances are computed from them.
""",
    "desk": """\
# Desk `{node}`

What customer service did, as recorded by the desk `{node}`: accounts, their plans, settings and
keys (`accounts/`), and what was granted and adjusted (`payments/`). Each line is one record; files
are added and never changed, and balances are computed from them.
""",
}

_COMMANDS: Final = """
    git log                                              # what was added, when, in total
    git log --format='%h %cs %(trailers:key=Seq) %(trailers:key=Records)'
    git log --stat --since=yesterday                     # with the files
    git show HEAD                                        # the newest records, line by line
"""
_USER: Final = """\
    git grep '"user":"alice"' -- {folder:<24}# {what}
"""
_LINES_OF_USER: Final[dict[Role, tuple[str, str]]] = {
    "usage": ("usage/2026/11", "one user's records of a month"),
    "till": ("payments", "one user's money lines"),
    "desk": ("accounts", "what was done to one account"),
}


def readme(repo: HomeRepo) -> bytes:
    """The README of a repo of any role but that of the books."""
    folder, what = _LINES_OF_USER[repo.role]
    about = _ABOUT[repo.role].format(node=repo.node)
    return f"{about}{_COMMANDS}{_USER.format(folder=folder, what=what)}".encode()
