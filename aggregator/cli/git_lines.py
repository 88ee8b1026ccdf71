"""Commands of git that show where something stands, ready to paste."""

from aggregator.config.settings import Config
from aggregator.mirrors.archives import ArchivedRepos


def git_show(config: Config, repo: str | None, where: str, line_no: int | None) -> str:
    """The command that shows a file at a commit; a repo that is archived has no mirror to ask.

    Args:
        config: says where mirrors are.
        repo: the repo's name; None where it is not known.
        where: `commit:path`.
        line_no: to point at; None or 0 for the whole file.
    """
    remarks = [f"line {line_no}"] if line_no else []
    inside = ""
    if repo is not None:
        mirror = config.mirror_path(repo)
        inside = f"-C {mirror} "
        if not mirror.exists() and ArchivedRepos(config.state).has(repo):
            remarks.append(f"first `aggregator unarchive {repo}`")
    return f"git {inside}show {where}" + (f"  # {', '.join(remarks)}" if remarks else "")
