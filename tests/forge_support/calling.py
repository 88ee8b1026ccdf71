"""Calls to a forge's API and to git, as anybody's client makes them."""

import os
import subprocess
from pathlib import Path
from typing import Any

import requests

from tests.support.forge import ForgeServer
from tests.support.repos import RepoWriter


class Client:
    """Speaks to the API of a forge with one token.

    Args:
        forge: which.
        token: None for the owner's; empty for none at all.
    """

    def __init__(self, forge: ForgeServer, token: str | None = None) -> None:
        self._url = f"{forge.base_url}/api/v1"
        self._session = requests.Session()
        self._session.trust_env = False
        secret = forge.admin_token if token is None else token
        if secret:
            self._session.headers["Authorization"] = f"token {secret}"

    def ask(self, method: str, path: str, body: object = None) -> requests.Response:
        """One request; redirects are not followed."""
        url = path if path.startswith("http") else f"{self._url}{path}"
        return self._session.request(method, url, json=body, timeout=30, allow_redirects=False)

    def get(self, path: str) -> Any:  # noqa: ANN401 - any JSON
        """What a call that must succeed answers."""
        answer = self.ask("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, **body: object) -> Any:  # noqa: ANN401 - any JSON
        """What a creation that must succeed answers."""
        answer = self.ask("POST", path, body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def close(self) -> None:
        """Give the connection back."""
        self._session.close()


def protect(client: Client, repo: str, **options: object) -> None:
    """Protect `main` as a fleet's repos are: only keys of the repo push."""
    client.post(
        f"/repos/ops/{repo}/branch_protections",
        **{
            "rule_name": "main",
            "enable_push": True,
            "enable_push_whitelist": True,
            "push_whitelist_deploy_keys": True,
            **options,
        },
    )


def push(
    forge: ForgeServer,
    work: RepoWriter,
    refs: str = "main",
    token: str | None = None,
    *,
    option: str = "",
) -> str:
    """Push to `billing-a`; returns what git said against it, empty when all went well.

    Args:
        forge: where to.
        work: where from.
        refs: what, as git wants it.
        token: None for that of a user who writes.
        option: a push option.
    """
    secret = forge.write_token if token is None else token
    options = [f"--push-option={option}"] if option else []
    url = forge.clone_url("billing-a")
    done = git("push", "--porcelain", *options, url, refs, cwd=work.path, token=secret)
    forge.events.drain()  # git may have its answer before the forge has noted the push
    return "" if done.returncode == 0 else done.stderr + done.stdout


def tip(forge: ForgeServer, branch: str = "main") -> str | None:
    """Where a branch of `billing-a` is."""
    return RepoWriter(forge.path("billing-a")).tip(branch)


def git(
    *arguments: str | Path, cwd: Path | None = None, token: str = "", ssh_command: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run git away from everybody's settings."""
    header = ("-c", f"http.extraHeader=Authorization: token {token}") if token else ()
    return subprocess.run(
        ["git", *header, *arguments],
        cwd=cwd,
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
        env={
            "PATH": os.environ["PATH"],
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_NOSYSTEM": "1",
            "LC_ALL": "C",
            "HOME": "/nowhere",
            "GIT_SSH_COMMAND": ssh_command or "false",
        },
    )
