"""Commands of git that show where something stands, ready to paste."""

from pathlib import Path

from aggregator.config.document import mirror_in


def git_show(state: Path, repo: str | None, where: str, line_no: int | None) -> str:
    """The command that shows a file at a commit; a repo that is archived has no mirror to ask.

    Args:
        state: the state directory.
        repo: the repo's name; None where it is not known.
        where: `commit:path`.
        line_no: to point at; None or 0 for the whole file.
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
    from aggregator.mirrors.archives import ArchivedRepos  # rarely asked, and takes long to import

    return ArchivedRepos(state).has(repo)
