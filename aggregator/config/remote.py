"""How a configuration states a remote: its address and the files that open it."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from gitmeter.git_remote.failures import RemoteConfigError
from gitmeter.git_remote.remote import Remote


class Section(BaseModel):
    """A table of the configuration; what it does not know is a fault."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class RemoteConfig(Section):
    """Where a repo is and what opens it."""

    url: str = Field(description="https://, ssh:// or file://.")
    token_file: Path | None = Field(default=None, description="File with an access token.")
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
        """Where and with what to reach it."""
        return Remote(self.url, self.token_file, self.ssh_key_file, self.known_hosts_file)


def _try_remote(url: str, **files: Path | None) -> None:
    """Raise what pydantic can list beside all other faults, each with its own key."""
    try:
        Remote(url, **files)
    except RemoteConfigError as error:
        raise ValueError(str(error)) from None
