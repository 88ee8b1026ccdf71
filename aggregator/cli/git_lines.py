"""Git commands that show a line in its place, ready to paste."""

from collections.abc import Callable
from pathlib import Path

from aggregator.config.document import mirror_in
from gitmeter.support.terminal import pasted


def git_show(state: Path, repo: str | None, where: str, line_no: int | None) -> str:
    """The command that shows a file at a commit; for an archived repo, how to get its mirror.

    Args:
        state: the state directory.
        repo: the repo's name; None if it is not known.
        where: `commit:path`, as a repo has it: the command is quoted for a shell.
        line_no: the line to point at, from 1; None or 0 for none.
    """
    command, remarks = _command(state, repo, where)
    return command + _comment([f"line {line_no}"] * bool(line_no) + remarks)


def git_show_lines(state: Path, repo: str, where: str) -> Callable[[int, int], str]:
    """The commands that print lines of a file at a commit: call it with the first and the last.

    Args:
        state: the state directory.
        repo: the repo's name.
        where: as for `git_show`.
    """
    command, remarks = _command(state, repo, where)
    comment = _comment(remarks)

    def showing(first: int, last: int) -> str:
        span = f"{first}p" if first == last else f"{first},{last}p"
        return f"{command} | sed -n {span}{comment}"

    return showing


def _command(state: Path, repo: str | None, where: str) -> tuple[str, list[str]]:
    """The command, and what to do before it."""
    if repo is None:
        return pasted("git", "show", where), []
    mirror = mirror_in(state, repo)
    is_away = not mirror.exists() and _is_archived(state, repo)
    first = [f"first `{pasted('aggregator', 'unarchive', repo)}`"] if is_away else []
    return pasted("git", "-C", str(mirror), "show", where), first


def _comment(remarks: list[str]) -> str:
    return f"  # {', '.join(remarks)}" if remarks else ""


def _is_archived(state: Path, repo: str) -> bool:
    from aggregator.mirrors.archives import ArchivedRepos  # rarely needed, and slow to import

    return ArchivedRepos(state).has(repo)
