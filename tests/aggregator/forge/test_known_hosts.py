"""A known_hosts file without a key of the server is refused before a node or a pull meets it."""

import subprocess
from pathlib import Path

import pytest

from aggregator.config.sections import ForgeConfig
from aggregator.fleet.known_hosts import forge_known_hosts, host_keys
from aggregator.fleet.node_keys import FleetError
from gitmeter.support.errors import ExitCode
from tests.aggregator.forge.place import Place
from tests.support.ledger.world import World, usage_line
from tests.support.programs import Said, run_aggregator
from tests.support.sshd import SshServer

URL = "ssh://git@forge.example:2222/ops/billing-vm-01.git"
SCP_URL = "git@forge.example:ops/billing-vm-01.git"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE1FHWAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


def hashed(name: str, folder: Path) -> str:
    """A line with its host hashed, by ssh-keygen itself."""
    file = folder / "hashed"
    file.write_text(f"{name} {KEY}\n")
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", str(file)], check=True, capture_output=True)
    return file.read_text().strip()


def test_of_a_known_hosts_file_only_the_lines_of_the_forge_are_handed_on(tmp_path: Path) -> None:
    ours = [
        f"[forge.example]:2222 {KEY}",
        f"other.example,[forge.example]:2222 {KEY} comment",
        f"[*.example]:2222 {KEY}",
        f"@cert-authority [forge.example]:2222 {KEY}",
        hashed("[forge.example]:2222", tmp_path),
    ]
    others = [
        "",
        "# [forge.example]:2222",
        f"forge.example {KEY}",
        f"[forge.example]:2223 {KEY}",
        f"![forge.example]:2222,* {KEY}",
        hashed("forge.example", tmp_path),
        f"|1|%|% {KEY}",
        f"|1|short {KEY}",
        "[forge.example]:2222",
        "@cert-authority [forge.example]:2222 ssh-ed25519",
    ]
    assert host_keys("\n".join((*others, *ours)), URL) == tuple(ours)
    assert host_keys("\n".join((*others, *ours)), SCP_URL)[0] == others[2]
    with pytest.raises(FleetError, match=r"no key of \[forge\.example\]:2222") as raised:
        host_keys("\n".join(others), URL)
    assert "`ssh-keyscan -p 2222 forge.example`" in raised.value.hint


@pytest.mark.parametrize(
    "line",
    [
        "[forge.example]:2222 ssh-ed25519 AAAA...",
        "[forge.example]:2222 ssh-rsa " + KEY.split()[1],
        f"@revoked [forge.example]:2222 {KEY}",
    ],
)
def test_a_line_without_a_key_that_counts_is_not_enough(line: str) -> None:
    """Beside a key that counts it is handed on: what is revoked stays so on the node."""
    with pytest.raises(FleetError):
        host_keys(line, URL)
    good = f"[forge.example]:2222 {KEY}"
    assert host_keys(f"{line}\n{good}", URL) == (line, good)


@pytest.mark.parametrize(
    ("names", "is_taken"),
    [
        ("forge.example.org", True),
        ("[forge.example.org]:2222", True),
        ("ssh.example.org", True),
        ("other.example.net,[ssh.example.org]:2222", True),
        ("192.0.2.7", True),
        ("forge", True),
        ("*.org", True),
        ("|1|Qelqb9X+Hmq6uzB2xzcs0oxrz/k=|Wfe5/C/1Qelqb9X+Hmq6uzB2xzc=", True),
        ("github.com", False),
        ("example.net,[ssh.example.net]:2222", False),
        ("!forge.example.org,*.net", False),
    ],
)
def test_a_forges_ssh_server_has_a_name_of_its_domain(
    tmp_path: Path, names: str, *, is_taken: bool
) -> None:
    """More is not known before it has listed a repo."""
    file = tmp_path / "known_hosts"
    file.write_text(f"{names} {KEY}\n")
    values = {"kind": "forgejo", "org": "ops", "token_file": tmp_path / "token"}
    forge = ForgeConfig.model_validate({"url": "https://forge.example.org/git", **values})
    if is_taken:
        assert forge_known_hosts(forge, file) == file.read_text()
        elsewhere = ForgeConfig.model_validate({"url": "http://127.0.0.1:3000", **values})
        assert forge_known_hosts(elsewhere, file) == file.read_text()
        return
    with pytest.raises(FleetError, match=r"and none of forge\.example\.org") as raised:
        forge_known_hosts(forge, file)
    assert "`ssh-keyscan forge.example.org`" in raised.value.hint
    file.write_text(f"forge.example.org,{file.read_text()}")
    assert forge_known_hosts(forge, file), "as the hint says, where it has another name"


def check(place: Place, known_hosts: str | None) -> tuple[Said, Said]:
    """What `config check` and `node add` say with this known_hosts file; None: there is none."""
    assert place.forge.ssh is not None
    file = place.forge.ssh.known_hosts_file
    file.unlink(missing_ok=True)
    if known_hosts is not None:
        file.write_text(known_hosts)
    return run(place, "config", "check"), run(place, "node", "add", "vm-01", "--key", KEY)


def run(place: Place, *arguments: str) -> Said:
    """Run the aggregator."""
    return run_aggregator("--config", str(place.config_file), *arguments)


@pytest.mark.parametrize(
    ("known_hosts", "says"),
    [
        ("", "there is no key in"),
        ("# 127.0.0.1:22 SSH-2.0-Go\n", "there is no key in"),
        (None, "cannot be read: No such file"),
    ],
)
def test_a_known_hosts_file_without_a_key_is_refused_before_anything_is_made(
    ssh_place: Place, known_hosts: str | None, says: str
) -> None:
    """As `ssh-keyscan -t ed25519` makes it at a forge whose ssh server has RSA keys alone."""
    checked, added = check(ssh_place, known_hosts)
    for said in (checked, added):
        assert said.code == ExitCode.FAILED
        assert says in said.err
        assert "`ssh-keyscan 127.0.0.1`" in said.err
    assert ": good" not in checked.out
    assert run(ssh_place, "config", "check", "--json").json["usable"] is False
    assert "billing-vm-01" not in {repo.name for repo in ssh_place.forge.org.repos.values()}


def test_a_key_of_another_port_is_found_once_the_forge_states_its_own(ssh_place: Place) -> None:
    """The line that shows the keys names host and port; once they are there the command goes on."""
    server = ssh_place.forge.ssh
    assert server is not None
    good = server.known_hosts_file.read_text()
    checked, added = check(ssh_place, good.replace(f":{server.port} ", ":2222 "))
    assert checked.code == ExitCode.OK
    assert (added.code, added.out.count("node-pusher")) == (ExitCode.FAILED, 0)
    assert f"no key of [127.0.0.1]:{server.port}" in added.err
    assert f"`ssh-keyscan -p {server.port} 127.0.0.1`" in added.err
    assert check(ssh_place, good)[1].ok().out.splitlines()[-1].startswith("printf ")


def test_a_repo_over_ssh_needs_a_key_of_its_host_and_port(tmp_path: Path) -> None:
    """A key of the host without a port counts for any port, as ssh has it."""
    world = World(tmp_path)
    with SshServer(tmp_path / "sshd", host_key="rsa") as server:
        writer = world.repo("node-1", url=server.url(tmp_path / "remotes" / "node-1.git"))
        file = tmp_path / "known_hosts"
        world.configure("node-1", ssh_key_file=server.key_file, known_hosts_file=file)
        world.usage(usage_line())
        good = server.known_hosts_file.read_text()
        bare = good.replace(f"[127.0.0.1]:{server.port}", "127.0.0.1")
        for text in ("", good.replace(f":{server.port}", ":22"), good.replace("127.", "128.")):
            file.write_text(text)
            said = world.run("config", "check")
            assert said.code == ExitCode.FAILED
            assert f"repo node-1 known_hosts_file: {file} has no key of [127.0.0.1]" in said.err
            assert f"`ssh-keyscan -p {server.port} 127.0.0.1`" in said.err
            assert world.pull()["node-1"].admitted == 0
        for text in (good, bare):
            file.write_text(text)
            assert world.run("config", "check").ok().err == ""
            assert world.pull()["node-1"].incident is None
        assert world.node()["cursor"] == writer.tip(), "a server with an RSA key alone is read"


def test_a_file_that_only_the_service_can_read_is_said_not_to_be_looked_at(tmp_path: Path) -> None:
    """Outside of the service, for which systemd keeps it in memory, nothing is known of it."""
    world = World(tmp_path)
    world.repo("node-1", url="ssh://git@forge.example/ops/x.git")
    world.configure("node-1", known_hosts_file="/run/credentials/none.service/known_hosts")
    said = world.run("config", "check").ok()
    assert "can only be read by the service; its keys were not looked at" in said.out
