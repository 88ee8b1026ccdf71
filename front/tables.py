"""Tables that several programs' configurations have, and checks of what is in them."""

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from gitmeter.http_edge.address_text import THIS_MACHINE, UNIX, is_address


class ConfigTable(BaseModel):
    """A table of a configuration; an unknown key is a fault."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class HintTable(ConfigTable):
    """`[hint]`: the webhook of an aggregator, told of each push.

    Attributes:
        url: its address.
        secret_file: the secret that it shares with the forge.
        repo_id: the forge's number for the repo of this home, where that is registered.
    """

    url: str
    secret_file: Path
    repo_id: Annotated[int, Field(ge=1, le=2**63 - 1)] = 1

    @field_validator("url")
    @classmethod
    def _is_address(cls, url: str) -> str:
        return https_url(url)


def https_url(url: str) -> str:
    """Check an address: https, or http on this machine, without a user in it."""
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_local(url)):
        raise ValueError("must begin with https://, or with http:// on this machine")
    if not parts.hostname or parts.username or parts.query or parts.fragment:
        raise ValueError("must be an address without user, ? and #; secrets go into files")
    return url


def is_local(url: str) -> bool:
    """Whether an address of the web is on this machine."""
    return urlsplit(url).hostname in THIS_MACHINE


def listening_address(address: str) -> str:
    """Check an address to listen on."""
    if not is_address(address):
        raise ValueError("must be like 127.0.0.1:8760, [::1]:8760 or unix:/run/x.sock")
    return address


def local_address(address: str) -> str:
    """Check an address to listen on, which only programs of this machine reach."""
    host = address.rpartition(":")[0].strip("[]")
    if not address.startswith(UNIX) and host not in THIS_MACHINE:
        raise ValueError("must be on this machine alone: 127.0.0.1, [::1] or unix:/run/x.sock")
    return address
