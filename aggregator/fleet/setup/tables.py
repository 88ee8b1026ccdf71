"""Sets up the repo of a `[[repo]]` table, such as the books, like that of a node."""

from aggregator.config.repos import RepoConfig
from aggregator.config.settings import Config
from aggregator.fleet.drift.expected import expected_table, name_on_forge
from aggregator.fleet.history import Histories, Kind
from aggregator.fleet.node_keys import FleetError, is_same_key
from aggregator.fleet.setup.registry import forge_config, hook_secret
from aggregator.fleet.setup.repo_setup import BRANCH, OnStep, RepoSetup
from aggregator.forge.interface import Forge, ForgeRepo
from gitmeter.roles.role import PROGRAMS
from gitmeter.signing.allowed_signers import load_allowed_signers


def add_table(
    forge: Forge, config: Config, name: str, on_step: OnStep, *, adopt: bool = False
) -> ForgeRepo:
    """Make the repo of a `[[repo]]` table, let its keys push to it, and no others.

    The keys are those that the allowed signers have for its node: who may sign may push.

    Args:
        forge: the forge to change.
        config: the configuration.
        name: the repo's name in the configuration.
        on_step: called after each step.
        adopt: use the repo of that name even if nothing proves that it is this one.

    Raises:
        FleetError: no such table, no key for it, or the repo on the forge is not proven to be it.
        ForgeError: the forge does not answer, or refuses.
        AllowedSignersError, SecretFileError: a file with keys or a secret is unusable.
    """
    wanted = forge_config(config)
    table, forge_name = _table(config, name)
    file = config.allowed_signers_file
    keys = expected_table(table, forge_name, load_allowed_signers(file)).keys
    if not keys:
        raise FleetError(
            f"no line of {file} is about {table.node}, so that no key may push",
            hint=f"on its machine: {PROGRAMS[table.role]} show-key --node {table.node}; put the"
            " line there",
        )
    secret = hook_secret(config)
    setup = RepoSetup(forge, wanted, on_step)
    found = forge.find_repo(forge_name)
    if found is None:
        repo = setup.make(forge_name, f"{table.role} of {table.node}")
    else:
        if not adopt and not _is_proven(forge, config, table, found, keys):
            raise FleetError(
                f"the forge has a repo {forge_name} already, and nothing proves that it is {name}",
                hint="find out who made it and what is in it; --adopt uses it",
            )
        repo = setup.take(found)
    for key in keys:
        setup.deploy_key(repo.name, table.node, key)
    setup.no_other_deploy_keys(repo.name, keys)
    setup.protection(repo.name)
    setup.check_readable(repo)
    setup.hook(secret)
    return repo


def _is_proven(
    forge: Forge, config: Config, table: RepoConfig, repo: ForgeRepo, keys: tuple[str, ...]
) -> bool:
    """Whether a repo has what was billed of the table, or one of its keys already."""
    history = Histories(forge, config).look(table.name, repo, BRANCH)
    if history.kind in {Kind.BILLED, Kind.OLDER} and not repo.empty:
        return True
    has_key = any(
        is_same_key(there.key, key) for there in forge.deploy_keys(repo.name) for key in keys
    )
    return has_key and history.kind is not Kind.ANOTHER


def _table(config: Config, name: str) -> tuple[RepoConfig, str]:
    """A table by its name, and the name of its repo on the forge."""
    wanted = forge_config(config)
    table = next((r for r in config.repo if r.forge_id is None and r.name == name), None)
    if table is None:
        raise FleetError(
            f"no [[repo]] table has the name {name}",
            hint='for the books: node = "books", role = "books", url and token_file; a node is set'
            " up with `aggregator node add`",
        )
    if name_on_forge(table, wanted) is None:
        raise FleetError(
            f"{table.url} is not in the organisation {wanted.org} of {wanted.url}",
            hint="set it up where it is, or correct its url",
        )
    if table.branch != BRANCH:
        raise FleetError(
            f"{name} is billed from the branch {table.branch}, and only {BRANCH} can be set up",
            hint=f"set up its rule on the forge yourself, or bill {BRANCH}",
        )
    return table, table.url.rstrip("/").rpartition("/")[2].removesuffix(".git")
