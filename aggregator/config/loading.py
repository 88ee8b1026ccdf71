"""Load the aggregator's configuration: one TOML file into a frozen model.

A command-line option overrides an environment variable, which overrides the file, which overrides
the default. Every fault is listed with its key.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from aggregator.config import sections
from aggregator.config.document import ConfigError, read_document
from aggregator.config.nodes_dir import read_registrations, registration_file
from aggregator.config.repos import ALLOW_PATTERN
from aggregator.config.settings import NODES_DIR_NAME, Config
from wire_format.wording import FORMS, numbered, sentences

_ALLOW_FORM: Final = "1 to 200 letters, digits and . _ : / @ + - * ?"
_FORMS: Final = FORMS | sections.FORMS | {ALLOW_PATTERN: _ALLOW_FORM}


def load_config(
    path: Path, *, state: Path | None = None, environment: Mapping[str, str] = os.environ
) -> Config:
    """Read the configuration and the registrations.

    Args:
        path: the TOML file.
        state: the state directory given on the command line, which overrides everything else.
        environment: the environment variables; `AGGREGATOR_STATE` overrides the file, and
            systemd's `STATE_DIRECTORY` is used if the file has no `state`.

    Raises:
        ConfigError: the file cannot be used; lists every fault with its key.
    """
    document = read_document(path, state=state, environment=environment)
    document.setdefault("nodes_dir", str(path.absolute().with_name(NODES_DIR_NAME)))
    try:
        return with_registered(Config.model_validate(document))
    except ValidationError as error:
        raise ConfigError(path, sentences(error, numbered, _FORMS)) from None


def with_registered(config: Config) -> Config:
    """Return a configuration with the repos of the nodes that are registered now.

    If a registration cannot be used, that node's repos stay as they were, and the fault is in
    `registration_faults`.
    """
    forge, nodes_dir = config.forge, config.nodes_dir
    repos = [repo for repo in config.repo if repo.registered_at is None]
    taken = {repo.node for repo in repos} | {repo.name for repo in repos}
    before = [repo for repo in config.repo if repo.registered_at is not None]
    found = read_registrations(nodes_dir)
    faults = {node: str(error) for node, error in found.faults.items()}
    if before and not nodes_dir.exists():
        faults[""] = f"{nodes_dir} is gone: restore it"
    for node, registration in found.nodes.items():
        if taken & {node, *(repo.name for repo in registration.repos)}:
            faults[node] = f"{node} also has a [[repo]] table in the configuration: delete one"
            continue
        if forge is None:
            faults[node] = f"{node} is registered, and there is no [forge] table with its repo"
            continue
        try:
            repos += registration.as_repos(forge)
        except ValidationError as error:
            file = registration_file(nodes_dir, node)
            faults[node] = f"{file}: {'; '.join(sentences(error, numbered))}"
    repos += [repo for repo in before if "" in faults or repo.node in faults]
    values = {**dict(config), "repo": repos, "copy": config.copy_remote}
    del values["copy_remote"]
    values["registration_faults"] = tuple(sorted(faults.items()))
    return Config.model_validate(values)
