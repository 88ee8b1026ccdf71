"""Git commands that show a line in its place, ready to paste."""

from pathlib import Path

from aggregator.config.document import mirror_in
from gitmeter.support.terminal import pasted


def git_show(
    state: Path, repo: str | None, where: str, line_no: int | None, *, alone: bool = False
) -> str:
    """The command that shows a file at a commit; for an archived repo, how to get its mirror.

    Args:
        state: the state directory.
        repo: the repo's name; None if it is not known.
        where: `commit:path`, as a repo has it: the command is quoted for a shell.
        line_no: the line to point at, from 1; None or 0 for the whole file.
        alone: print that line alone, instead of pointing at it.
    """
    pipe = f" | sed -n {line_no}p" if line_no and alone else ""
    remarks = [f"line {line_no}"] if line_no and not alone else []
    inside: tuple[str, ...] = ()
    if repo is not None:
        mirror = mirror_in(state, repo)
        inside = ("-C", str(mirror))
        if not mirror.exists() and _is_archived(state, repo):
            remarks.append(f"first `{pasted('aggregator', 'unarchive', repo)}`")
    remark = f"  # {', '.join(remarks)}" if remarks else ""
    return pasted("git", *inside, "show", where) + pipe + remark


def _is_archived(state: Path, repo: str) -> bool:
    from aggregator.mirrors.archives import ArchivedRepos  # rarely needed, and slow to import

    return ArchivedRepos(state).has(repo)
