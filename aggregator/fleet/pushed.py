"""Which configured repos a push is about, as the forge's webhook names it. Pure."""

from collections.abc import Iterable

from aggregator.config.place import forge_path, is_at, web_host
from aggregator.config.repos import RepoConfig
from aggregator.serving.webhook import Push


def pushed_repos(repos: Iterable[RepoConfig], push: Push, forge_url: str | None) -> frozenset[str]:
    """Return the configured names of the repos that were pushed to; none if it is not read.

    A registered repo is found by the forge's number alone, since another repo may have its name
    now. A `[[repo]]` table without a number is found by `organisation/name`, whatever protocol its
    address is for.

    Args:
        repos: the repos of the configuration.
        push: the push.
        forge_url: the address of the forge; None if none is configured.
    """
    path = push.full_name.lower() or forge_path(push.clone_url)
    hosts = {host for url in (push.clone_url, forge_url) if url and (host := web_host(url))}

    def is_it(repo: RepoConfig) -> bool:
        if repo.forge_id is not None:
            return repo.forge_id == push.repo_id
        return path is not None and is_at(repo.url, path, hosts)

    return frozenset(
        repo.name for repo in repos if push.ref == f"refs/heads/{repo.branch}" and is_it(repo)
    )
