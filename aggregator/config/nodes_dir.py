"""The folder of registrations: `nodes.d/<node>.toml`, each file written all or nothing.

A file that cannot be used must not prevent the others from being read: a key that was closed
because it was stolen must end, whatever else is wrong in the folder.
"""

import tomllib
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import tomlkit
from pydantic import ValidationError

from aggregator.config.registration import Registration
from gitmeter.support.errors import GitmeterError
from gitmeter.support.files import write_durably
from wire_format.wording import sentences

_SUFFIX: Final = ".toml"
_FOLDER_MODE: Final = 0o755
_FILE_MODE: Final = 0o644
_HEAD: Final = "Written by `aggregator node`; allow and silent_after_s may be edited here."


class RegistrationError(GitmeterError):
    """A registration cannot be read, used or written; names the file and the key."""


def registration_file(nodes_dir: Path, node: str) -> Path:
    """The path of a node's registration."""
    return nodes_dir / f"{node}{_SUFFIX}"


class Registered(NamedTuple):
    """The content of a folder of registrations.

    Attributes:
        nodes: the registrations that can be used, by node.
        faults: why others cannot be used, by node; under `""` why the folder cannot be read.
    """

    nodes: dict[str, Registration]
    faults: dict[str, RegistrationError]


def load_registrations(nodes_dir: Path) -> dict[str, Registration]:
    """Read every registration, by node; none if the folder does not exist.

    Raises:
        RegistrationError: a registration cannot be used, or the folder cannot be read.
    """
    found = read_registrations(nodes_dir)
    for error in found.faults.values():
        raise error
    return found.nodes


def read_registrations(nodes_dir: Path) -> Registered:
    """Read every registration that can be used, and what is wrong with the others."""
    parsed = parse_registrations(nodes_dir)
    found, owners = Registered({}, parsed.faults), Owners()
    # of two that have one number, the one without a creation time is the older claim
    certain_first = sorted(parsed.nodes.items(), key=lambda item: item[1].is_dated, reverse=True)
    for node, registration in certain_first:
        if (fault := owners.conflict(registration)) is not None:
            file = registration_file(nodes_dir, node)
            found.faults[node] = RegistrationError(
                f"{file}: {fault}",
                hint="after a move or a restored backup of the forge `aggregator forge move` writes"
                " the right numbers; otherwise delete it from one of the files",
            )
        else:
            owners.add(registration)
            found.nodes[node] = registration
    return found._replace(nodes=dict(sorted(found.nodes.items())))


def parse_registrations(nodes_dir: Path) -> Registered:
    """Read every registration that is one, also where two nodes have one repo."""
    found = Registered({}, {})
    try:
        files = _files(nodes_dir)
    except RegistrationError as error:
        return Registered({}, {"": error})
    for file in files:
        try:
            registration = read_registration(file)
        except RegistrationError as error:
            found.faults[file.name.removesuffix(_SUFFIX)] = error
        else:
            found.nodes[registration.node] = registration
    return found


class Owners:
    """Which node has which repo of the forge; each repo carries one node's records."""

    def __init__(self, registrations: Iterable[Registration] = ()) -> None:
        self._numbers: dict[int, list[tuple[str, datetime | None]]] = {}
        self._names: dict[str, str] = {}
        for registration in registrations:
            self.add(registration)

    def conflict(self, registration: Registration) -> str | None:
        """What a registration has that another node has already; None if nothing.

        Repos of one number that were made at different times are different repos.
        """
        for repo in registration.repos:
            for node, created_at in self._numbers.get(repo.forge_id, ()):
                if created_at is None or repo.created_at in {None, created_at}:
                    return f"{node} also has the forge's repo {repo.forge_id}"
            if (owner := self._names.get(repo.forge_name.lower())) is not None:
                return f"{owner} also has the forge's repo {repo.forge_name}"
        return None

    def add(self, registration: Registration) -> None:
        """Note the repos of a node."""
        for repo in registration.repos:
            made = registration.node, repo.created_at
            self._numbers.setdefault(repo.forge_id, []).append(made)
            self._names[repo.forge_name.lower()] = registration.node


def read_registration(file: Path) -> Registration:
    """Read one registration.

    Raises:
        RegistrationError: it cannot be read or used.
    """
    try:
        registration = Registration.model_validate(tomllib.loads(file.read_text("utf-8")))
    except OSError as error:
        raise RegistrationError(f"{file}: {error.strerror}") from error
    except ValidationError as error:
        faults = "; ".join(sentences(error, lambda place: ".".join(map(str, place))))
        raise RegistrationError(f"{file}: {faults}", hint="fix or move the file") from None
    except ValueError as error:
        raise RegistrationError(f"{file}: not TOML: {error}") from None
    if file.name != f"{registration.node}{_SUFFIX}":
        raise RegistrationError(
            f"{file}: is about {registration.node}", hint=f"call it {registration.node}{_SUFFIX}"
        )
    return registration


def write_registration(nodes_dir: Path, registration: Registration) -> None:
    """Write a registration, all or nothing.

    Raises:
        RegistrationError: it cannot be written.
    """
    values = registration.model_dump(by_alias=True, exclude_defaults=True)
    document = tomlkit.document()
    document.add(tomlkit.comment(_HEAD))
    for key, value in values.items():
        document[key] = _toml(value)
    file = registration_file(nodes_dir, registration.node)
    try:
        if not nodes_dir.exists():
            # readable by all: it has no secrets, and nodes are often set up by another user than
            # the one that the aggregator runs as
            nodes_dir.mkdir(parents=True)
            nodes_dir.chmod(_FOLDER_MODE)
        write_durably(file, tomlkit.dumps(document).encode(), _FILE_MODE)
    except OSError as error:
        raise RegistrationError(
            f"{file}: {error.strerror}", hint="run this as a user who may write there"
        ) from error


def fingerprint(nodes_dir: Path) -> frozenset[tuple[str, int, int]]:
    """Return a value that changes when a registration does.

    Returns:
        The name, modification time in nanoseconds and size in bytes of each file.
    """
    try:
        return frozenset(_mark(file) for file in _files(nodes_dir))
    except RegistrationError:
        return frozenset((("", 0, 0),))


def _mark(file: Path) -> tuple[str, int, int]:
    try:
        stat = file.stat()
    except OSError:  # gone since, or a dangling link: reading the file reports it
        return file.name, 0, 0
    return file.name, stat.st_mtime_ns, stat.st_size


def _files(nodes_dir: Path) -> list[Path]:
    try:
        found = sorted(nodes_dir.iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:  # an empty list would silently stop billing those nodes
        raise RegistrationError(
            f"{nodes_dir} cannot be read: {error.strerror}",
            hint="let the user that the aggregator runs as read it",
        ) from error
    return [f for f in found if f.name.endswith(_SUFFIX) and not f.name.startswith(".")]


def _toml(value: Any) -> Any:  # noqa: ANN401 - whatever a model dumps
    """Convert tuples to lists and leave out None, as TOML requires."""
    if isinstance(value, tuple | list):
        return [_toml(item) for item in value]
    if isinstance(value, dict):
        return {key: _toml(item) for key, item in value.items() if item is not None}
    return value
