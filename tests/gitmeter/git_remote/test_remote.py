"""Which addresses are remotes, and that tokens stay secret."""

import base64
from pathlib import Path

import pytest

from gitmeter.git_remote.failures import RemoteConfigError
from gitmeter.git_remote.remote import Remote, Transport, environment, read_token


@pytest.mark.parametrize(
    ("url", "transport"),
    [
        ("https://forge.example/ops/node.git", Transport.HTTPS),
        ("https://forge.example:8443/ops/node.git", Transport.HTTPS),
        ("ssh://git@forge.example:2222/ops/node.git", Transport.SSH),
        ("ssh://forge.example/ops/node.git", Transport.SSH),
        ("git@forge.example:ops/node.git", Transport.SSH),
        ("file:///srv/git/node.git", Transport.FILE),
        ("http://127.0.0.1:3000/node.git", Transport.HTTP),
        ("http://127.9.9.9/node.git", Transport.HTTP),
        ("http://localhost:3000/node.git", Transport.HTTP),
        ("http://[::1]:3000/node.git", Transport.HTTP),
    ],
)
def test_these_are_remotes(url: str, transport: Transport) -> None:
    assert Remote(url).transport is transport


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "printable"),
        ("https://forge.example/a b.git", "printable"),
        ("https://forge.example/a\n.git", "printable"),
        ("/srv/git/node.git", "not an address"),
        ("node.git", "not an address"),
        ("forge.example:ops/node.git", "not an address"),
        ("-oProxyCommand=sh@host:path", "not an address"),
        ("git@-oProxyCommand=sh:path", "not an address"),
        ("ext::sh -c id", "printable"),
        ("ext::sh", "not an address"),
        ("git://forge.example/node.git", "not allowed"),
        ("ftp://forge.example/node.git", "not allowed"),
        ("http://forge.example/node.git", "clear text"),
        ("http://127.0.0.1.forge.example/node.git", "clear text"),
        ("http://10.0.0.1/node.git", "clear text"),
        ("https://user:secret@forge.example/node.git", "must not stand in the address"),
        ("https://t0ken@forge.example/node.git", "must not stand in the address"),
        ("ssh://git:secret@forge.example/node.git", "must not stand in the address"),
        ("ssh://-oProxyCommand=sh/x", "host and a path"),
        ("ssh://-l@host/x", "host and a path"),
        ("https://forge.example", "host and a path"),
        ("https:///node.git", "host and a path"),
        ("https://forge.example:port/node.git", "not an address"),
        ("https://forge.example/node.git?x=1", "no \\?"),
        ("file://srv/git/node.git", "absolute"),
        ("file:relative", "not an address"),
    ],
)
def test_these_are_not_remotes(url: str, reason: str) -> None:
    with pytest.raises(RemoteConfigError, match=reason) as raised:
        Remote(url)
    assert "secret" not in str(raised.value)
    assert "t0ken" not in str(raised.value)


def test_a_token_goes_only_with_http_and_a_key_only_with_ssh(tmp_path: Path) -> None:
    with pytest.raises(RemoteConfigError, match="token"):
        Remote("git@forge.example:node.git", token_file=tmp_path / "t")
    with pytest.raises(RemoteConfigError, match="ssh"):
        Remote("https://forge.example/node.git", ssh_key_file=tmp_path / "k")


def test_a_token_is_passed_in_the_environment_alone(tmp_path: Path) -> None:
    remote = Remote("https://forge.example/node.git", _token(tmp_path, "s3cret\n"))
    variables = environment(remote)
    header = f"Authorization: Basic {base64.b64encode(b'git:s3cret').decode()}"
    assert header in variables.values()
    assert "s3cret" not in repr(remote)


@pytest.mark.parametrize("mode", [0o604, 0o602, 0o666])
def test_a_token_file_that_every_user_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    file = _token(tmp_path, "s3cret", mode)
    with pytest.raises(RemoteConfigError, match="every user") as raised:
        read_token(Remote("https://forge.example/node.git", file))
    assert raised.value.hint == f"chmod 600 {file}"


@pytest.mark.parametrize("content", ["", "\n", "two words", "two\nlines", "nön-ascii"])
def test_a_file_without_one_token_is_refused_and_not_shown(tmp_path: Path, content: str) -> None:
    with pytest.raises(RemoteConfigError, match="token file") as raised:
        read_token(Remote("https://forge.example/node.git", _token(tmp_path, content)))
    assert not content.strip() or content not in str(raised.value)


def test_a_missing_token_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RemoteConfigError, match="absent"):
        read_token(Remote("https://forge.example/node.git", tmp_path / "absent"))


def test_ssh_asks_nothing_and_trusts_only_known_hosts(tmp_path: Path) -> None:
    remote = Remote(
        "git@forge.example:node.git",
        ssh_key_file=tmp_path / "a key",
        known_hosts_file=tmp_path / "known",
    )
    command = environment(remote)["GIT_SSH_COMMAND"]
    for option in ("BatchMode=yes", "StrictHostKeyChecking=yes", "IdentitiesOnly=yes"):
        assert option in command


@pytest.mark.parametrize("name", ['a"b', "a%b", "a\nb"])
def test_paths_that_ssh_would_read_otherwise_are_refused(name: str) -> None:
    with pytest.raises(RemoteConfigError, match="characters"):
        Remote("git@forge.example:node.git", ssh_key_file=Path("/etc") / name)


def _token(folder: Path, content: str, mode: int = 0o600) -> Path:
    file = folder / "token"
    file.write_text(content)
    file.chmod(mode)
    return file
