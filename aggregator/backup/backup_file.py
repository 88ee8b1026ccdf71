"""The file that `aggregator backup` writes: a tar of the ledger, the mirrors and a manifest.

    mirrors/<repo>.bundle   what the accepted tips of a repo reach; any git can read it
    ledger.db               the database
    manifest.json           checksums and tips of all of it; written last

The tar is not compressed: most of it is git packs, which are.
"""

import hashlib
import re
import shutil
import tarfile
from io import BytesIO
from pathlib import Path
from typing import IO, Any, Final, Literal, Self

from pydantic import (
    Field,
    ValidationError,
)

from aggregator.mirrors.saved_repo import SavedRepo, _Part, _Sha256
from gitmeter.support.errors import GitmeterError
from wire_format import fields

FORMAT: Final = 1
DATABASE_MEMBER: Final = "ledger.db"
_MANIFEST_MEMBER: Final = "manifest.json"
_MANIFEST_BYTES_MAX: Final = 64 << 20
_MEMBER: Final = re.compile(
    rf"{re.escape(DATABASE_MEMBER)}|{re.escape(_MANIFEST_MEMBER)}"
    rf"|mirrors/{fields.REPO_PATTERN}\.bundle"
)
_CHUNK_BYTES: Final = 1 << 20
_DAMAGED_HINT: Final = "use another backup, or `aggregator restore --from-copy`"


class BackupFileError(GitmeterError):
    """A file is not a backup, or is damaged."""


class LackingRepo(_Part):
    """A billed repo with a mirror that could not be saved.

    Attributes:
        name: the repo's name.
        reason: why the mirror could not be saved.
    """

    name: str
    reason: str


class Manifest(_Part):
    """What a backup contains.

    Attributes:
        format: the version of the file's format.
        created_at: when it was made, in UTC, by the clock of that machine.
        schema_version: the schema version of the database.
        digest: the digest of the ledger.
        database_sha256: the SHA-256 of the database file, in hex.
        repos: the billed repos in the backup.
        lacking: the billed repos with mirrors that could not be saved.
    """

    format: Literal[1] = FORMAT
    created_at: str
    schema_version: int
    digest: _Sha256
    database_sha256: _Sha256
    repos: tuple[SavedRepo, ...]
    lacking: tuple[LackingRepo, ...] = Field(default=())


class BackupWriter:
    """Writes a backup member by member, the manifest last.

    Args:
        stream: an empty file, open for writing.
        created_at_s: the modification time of every member, in seconds since 1970.
    """

    def __init__(self, stream: IO[bytes], created_at_s: int) -> None:
        self._tar = tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT)  # noqa: SIM115 - closed by `finish`
        self._created_at_s = created_at_s

    def add(self, member: str, file: Path) -> str:
        """Add a file; return its SHA-256, in hex."""
        with file.open("rb") as stream:
            hashing = _Hashing(stream)
            self._add(member, file.stat().st_size, hashing)
        return hashing.hexdigest()

    def finish(self, manifest: Manifest) -> None:
        """Add the manifest and end the tar."""
        data = manifest.model_dump_json(indent=2).encode()
        self._add(_MANIFEST_MEMBER, len(data), BytesIO(data))
        self._tar.close()

    def _add(self, member: str, size_bytes: int, stream: Any) -> None:  # noqa: ANN401 - has read()
        info = tarfile.TarInfo(member)
        info.size, info.mtime, info.mode = size_bytes, self._created_at_s, 0o600
        self._tar.addfile(info, stream)


class _Hashing:
    """A stream that computes the SHA-256 of what is read from it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._sha256 = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        chunk = self._stream.read(size)
        self._sha256.update(chunk)
        return chunk

    def hexdigest(self) -> str:
        return self._sha256.hexdigest()


class BackupReader:
    """A backup, open for reading. No name in it decides where a file is written.

    Args:
        path: the file.

    Attributes:
        manifest: what the backup should contain.

    Raises:
        BackupFileError: the file is not a backup, is cut short, or has members that no backup has.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._tar = tarfile.open(path, "r:")  # noqa: SIM115 - closed by `__exit__`
        except tarfile.TarError as error:
            raise self._error(f"is not a backup: {error}") from error
        try:
            self._members = self._checked()
            self.manifest = self._read_manifest()
        except BaseException:
            self._tar.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._tar.close()

    def extract(self, member: str, to: Path) -> str:
        """Write a member to a new file; return its SHA-256, in hex.

        Raises:
            BackupFileError: the member is missing or cut short.
        """
        source = self._open(member)
        hashing = _Hashing(source)
        with to.open("xb") as target:
            shutil.copyfileobj(hashing, target, _CHUNK_BYTES)
            written = target.tell()
        if written != self._members[member].size:
            raise self._error(f"is cut short within {member}")
        return hashing.hexdigest()

    def _checked(self) -> dict[str, tarfile.TarInfo]:
        """Return all members by name; each must be a plain file with a backup's name, once."""
        found: dict[str, tarfile.TarInfo] = {}
        try:
            for member in self._tar:
                name = member.name
                if not member.isreg() or member.issparse() or not _MEMBER.fullmatch(name):
                    raise self._error(f"has a member that no backup has: {name!r}")
                if name in found:
                    raise self._error(f"has two members {name}")
                found[name] = member
        except (tarfile.TarError, EOFError, ValueError) as error:
            raise self._error(f"is damaged: {error}") from error
        return found

    def _read_manifest(self) -> Manifest:
        if _MANIFEST_MEMBER not in self._members:
            raise self._error("has no manifest: it is no backup, or cut short")
        if self._members[_MANIFEST_MEMBER].size > _MANIFEST_BYTES_MAX:
            raise self._error("has a manifest that is too large")
        text = self._open(_MANIFEST_MEMBER).read()
        try:
            manifest = Manifest.model_validate_json(text)
        except ValidationError as error:
            fault = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, fault["loc"]))
            raise self._error(f"has a manifest that cannot be used: {place}: {fault['msg']}") from (
                error
            )
        names = [repo.name for repo in manifest.repos]
        if len(set(names)) < len(names):
            raise self._error("names a repo twice in its manifest")
        return manifest

    def _open(self, member: str) -> IO[bytes]:
        found = self._members.get(member)
        stream = None if found is None else self._tar.extractfile(found)
        if stream is None:
            raise self._error(f"lacks {member}")
        return stream

    def _error(self, fault: str) -> BackupFileError:
        return BackupFileError(f"{self._path} {fault}", hint=_DAMAGED_HINT)
