"""Git commands that show a line in its place, ready to paste."""

from pathlib import Path

from aggregator.config.document import mirror_in


def git_show(state: Path, repo: str | None, where: str, line_no: int | None) -> str:
    """The command that shows a file at a commit; for an archived repo, how to get its mirror.

    Args:
        state: the state directory.
        repo: the repo's name; None if it is not known.
        where: `commit:path`.
        line_no: the line to point at, from 1; None or 0 for the whole file.
    """
    remarks = [f"line {line_no}"] if line_no else []
    inside = ""
    if repo is not None:
        mirror = mirror_in(state, repo)
        inside = f"-C {mirror} "
        if not mirror.exists() and _is_archived(state, repo):
            remarks.append(f"first `aggregator unarchive {repo}`")
    return f"git {inside}show {where}" + (f"  # {', '.join(remarks)}" if remarks else "")


def _is_archived(state: Path, repo: str) -> bool:
    from aggregator.mirrors.archives import ArchivedRepos  # rarely needed, and slow to import

    return ArchivedRepos(state).has(repo)
