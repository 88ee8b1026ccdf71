"""The configuration of one repo."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)

from aggregator.config.known_repo import KnownRepo
from aggregator.config.naming import ForgeIdentity
from gitmeter.git_remote.failures import RemoteConfigError
from gitmeter.git_remote.remote import Remote
from gitmeter.roles.role import Role
from wire_format import fields

ALLOW_PATTERN: Final = r"[A-Za-z0-9._:/@+*?-]{1,200}"


class Section(BaseModel):
    """A table of the configuration; an unknown key is a fault."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class RemoteConfig(Section):
    """The address of a repo and its credentials."""

    url: str = Field(
        description="https://, ssh:// (or git@host:path) or file:///absolute/path.",
    )
    token_file: Path | None = Field(
        default=None,
        description="File with an access token, for https.",
    )
    ssh_key_file: Path | None = Field(default=None, description="Private key for ssh.")
    known_hosts_file: Path | None = Field(default=None, description="Host keys for ssh.")

    @field_validator("url")
    @classmethod
    def _url_is_allowed(cls, url: str) -> str:
        _try_remote(url)
        return url

    @field_validator("token_file", "ssh_key_file", "known_hosts_file")
    @classmethod
    def _file_goes_with_url(cls, path: Path | None, info: ValidationInfo) -> Path | None:
        if "url" in info.data and info.field_name is not None:
            _try_remote(info.data["url"], **{info.field_name: path})
        return path

    @property
    def remote(self) -> Remote:
        """The remote at this address with these credentials."""
        return Remote(self.url, self.token_file, self.ssh_key_file, self.known_hosts_file)


class RepoConfig(RemoteConfig):
    """One repo to read."""

    node: Annotated[str, StringConstraints(pattern=f"^(?:{fields.NODE_PATTERN})$")] = Field(
        description="The node whose records it carries."
    )
    role: Role = Field(
        default="usage",
        description="`books` for the operator's payments and rule book, `till` for what payment"
        " providers say, `desk` for customer service.",
    )
    name: Annotated[str, StringConstraints(pattern=f"^(?:{fields.REPO_PATTERN})$")] = Field(
        default="",
        description="Names the repo here; the node's name unless the node has several repos.",
        validate_default=False,
    )
    branch: str = Field(default="main", min_length=1, description="The branch that is billed.")
    allow: tuple[Annotated[str, StringConstraints(pattern=f"^(?:{ALLOW_PATTERN})$")], ...] = Field(
        default=(),
        description="Resources that it may bill, such as llm/* (* for anything); empty for all.",
    )
    allow_unsigned: bool = Field(
        default=False, description="Accept commits that no allowed key has signed."
    )

    silent_after_s: int | None = Field(
        default=None,
        ge=0,
        description="silent_after_s for this repo alone; 0 for never. Without it a till or desk is"
        " never silent.",
    )
    forge_id: int | None = Field(
        default=None, ge=1, description="The forge's number for it, if it is registered."
    )
    forge_created_at: datetime | None = Field(
        default=None, description="When the forge made it, if it is registered."
    )
    signers: tuple[str, ...] = Field(
        default=(), description="Lines of allowed signers, if it is registered."
    )
    registered_at: datetime | None = Field(default=None, description="When it was registered.")
    retired_at: datetime | None = Field(
        default=None, description="Since when nothing new is expected of it."
    )

    @model_validator(mode="before")
    @classmethod
    def _name_from_node(cls, values: Any) -> Any:  # noqa: ANN401 - whatever the file says
        # A bad node is one fault; a name made from it would add a second, about a key not written.
        if isinstance(values, dict) and "name" not in values:
            node = values.get("node")
            if isinstance(node, str) and fields.is_node(node):
                return {**values, "name": node}
        return values

    @property
    def is_retired(self) -> bool:
        """Whether nothing new is expected of it."""
        return self.retired_at is not None

    @property
    def on_forge(self) -> ForgeIdentity | None:
        """What identifies it on the forge; None if it is not registered."""
        if self.forge_id is None:
            return None
        name = urlsplit(self.url).path.rsplit("/", 1)[-1].removesuffix(".git")
        return ForgeIdentity(name, self.forge_id, self.forge_created_at)

    @property
    def identity(self) -> KnownRepo:
        """What its mirror records of it."""
        return KnownRepo(self.name, self.node, self.role, self.branch, self.allow)


def _try_remote(url: str, **files: Path | None) -> None:
    """Raise a ValueError, which pydantic lists with the other faults, each with its key."""
    try:
        Remote(url, **files)
    except RemoteConfigError as error:
        raise ValueError(str(error)) from None
