"""What the client asks of a forge and what it makes of good answers, over real http."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from ssl import SSLContext

import pytest

from aggregator.config.sections import ForgeConfig
from aggregator.forge import open_forge
from aggregator.forge.interface import DeniedError, Forge, RefusedError
from gitmeter.git_remote.failures import RemoteConfigError
from tests.aggregator.forge.place import SECRET, Place
from tests.support.certificates import Authority
from tests.support.files import write_secret
from tests.support.forge import ForgeServer

NAME = "billing-vm-01"


def test_a_repo_is_made_private_and_empty_and_found_again(place: Place) -> None:
    made = place.client().create_repo(NAME, "main")
    assert (made.private, made.empty, made.archived) == (True, True, False)
    assert (made.name, made.default_branch) == (NAME, "main")
    assert made.clone_url == place.forge.clone_url(NAME)
    assert made.ssh_url == place.forge.ssh_url(NAME)
    assert made.updated_at.utcoffset() == datetime.now(UTC).utcoffset()
    assert place.client().find_repo(NAME) == made
    assert place.client().list_repos().repos == (made,)


def test_the_forge_makes_it_with_short_ids_whatever_its_default_is(place: Place) -> None:
    place.client().create_repo(NAME, "main")
    config = (place.forge.path(NAME) / "config").read_text()
    assert "sha256" not in config


def test_a_name_that_is_not_there_is_none(place: Place) -> None:
    assert place.client().find_repo(NAME) is None


def test_the_old_name_of_a_renamed_repo_is_none(place: Place) -> None:
    place.client().create_repo(NAME, "main")
    place.forge.rename(NAME, "other")
    assert place.client().find_repo(NAME) is None
    assert place.client().find_repo("other") is not None


def test_another_spelling_of_a_name_is_none(place: Place) -> None:
    """A forge takes names in any case; git over ssh and our files do not."""
    place.client().create_repo(NAME.upper(), "main")
    assert place.client().find_repo(NAME) is None
    with pytest.raises(RefusedError, match="already exists"):
        place.client().create_repo(NAME, "main")


@pytest.mark.parametrize("count", [0, 1, 50, 51, 100, 120])
def test_all_repos_are_listed_whatever_pages_they_come_on(place: Place, count: int) -> None:
    for number in range(count):
        place.forge.create(f"r{number}")
    listing = place.client().list_repos()
    assert [repo.name for repo in listing.repos] == [f"r{number}" for number in range(count)]
    assert [repo.id for repo in listing.repos] == sorted(place.forge.org.repos)
    assert place.forge.count("/orgs/ops/repos") == max(1, -(-count // 50))


def test_a_listing_has_the_clock_of_the_forge(tmp_path: Path) -> None:
    at = datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)
    with Place(tmp_path) as place:
        place.forge.org.clock = lambda: at
        place.forge.create("r")
        listing = place.client().list_repos()
    assert listing.at == listing.repos[0].updated_at == at


def test_deploy_keys_come_and_go(place: Place) -> None:
    client = place.client()
    client.create_repo(NAME, "main")
    key = client.add_deploy_key(NAME, "vm-01", place.key("a"))
    assert (key.title, key.key, key.read_only) == ("vm-01", place.key("a"), False)
    assert client.deploy_keys(NAME) == (key,)
    client.delete_deploy_key(NAME, key.id)
    client.delete_deploy_key(NAME, key.id)
    assert client.deploy_keys(NAME) == ()


def test_more_deploy_keys_than_a_page_are_all_there(place: Place) -> None:
    """Forgejo's list of keys counts them but leads to no next page."""
    client = place.client()
    client.create_repo(NAME, "main")
    for number in range(53):
        client.add_deploy_key(NAME, f"key {number}", place.key(str(number)))
    assert len(client.deploy_keys(NAME)) == 53


def test_a_rule_is_made_and_corrected(place: Place) -> None:
    client = place.client()
    client.create_repo(NAME, "main")
    assert client.rules(NAME) == ()
    client.protect(NAME, "main", keys_may_push=True)
    (rule,) = client.rules(NAME)
    assert (rule.rule_name, rule.enable_push, rule.enable_push_whitelist) == ("main", True, True)
    assert (rule.push_whitelist_deploy_keys, rule.require_signed_commits) == (True, False)
    assert rule.enable_merge_whitelist
    options = place.forge.repo(NAME).rules["main"].options
    options |= {
        "push_whitelist_deploy_keys": False,
        "push_whitelist_usernames": ["eve"],
        "enable_merge_whitelist": False,
        "merge_whitelist_usernames": ["mallory"],
        "protected_file_patterns": "usage/**",
        "unprotected_file_patterns": "docs/*",
    }
    (weak,) = client.rules(NAME)
    assert (weak.others_may_push, weak.others_may_merge) == (("eve",), ("mallory",))
    assert (weak.protected_files, weak.unprotected_files) == ("usage/**", "docs/*")
    client.protect(NAME, "main", keys_may_push=True)
    assert client.rules(NAME) == (rule,)
    client.protect(NAME, "**", keys_may_push=False)
    assert [rule.enable_push for rule in client.rules(NAME)] == [True, False]
    client.delete_rule(NAME, "**")
    client.delete_rule(NAME, "**")
    assert client.rules(NAME) == (rule,)


def test_a_webhook_that_is_made_anew_takes_the_place_of_all_with_its_address(
    place: Place,
) -> None:
    client, url = place.client(), "https://meter.example/webhook"
    client.set_hook("https://other.example/", SECRET, "main")
    client.set_hook(url, "old" * 10, "main")
    client.set_hook(url, SECRET, "main")
    assert [hook.url for hook in client.hooks()] == ["https://other.example/", url]
    ours = client.hooks()[1]
    assert (ours.kind, ours.events, ours.branch_filter) == ("forgejo", ("push",), "main")
    assert (ours.active, ours.content_type) == (True, "json")
    assert [hook.secret for hook in place.forge.org.hooks.values()] == [SECRET, SECRET]


def test_archiving_and_privacy_are_set(place: Place) -> None:
    client = place.client()
    place.forge.create(NAME, private=False)
    client.close_to_people(NAME)
    client.set_archived(NAME, archived=True)
    found = client.find_repo(NAME)
    assert found is not None
    assert (found.private, found.archived) == (True, True)
    client.set_archived(NAME, archived=False)
    found = client.find_repo(NAME)
    assert found is not None
    assert not found.archived


def test_the_token_goes_as_a_header_of_its_own_and_never_into_an_address(place: Place) -> None:
    place.client().list_repos()
    assert place.forge.authorizations == [f"token {place.forge.admin_token}"]
    assert place.forge.count(place.forge.admin_token) == 0


def test_a_new_token_in_the_file_is_used_at_once(place: Place) -> None:
    client = place.client()
    place.use_token("wrong")
    with pytest.raises(DeniedError):
        client.list_repos()
    place.use_token(place.forge.read_token)
    assert client.list_repos().repos == ()


def test_netrc_and_the_bundles_of_requests_are_not_looked_at(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = write_secret(tmp_path / "netrc", "machine 127.0.0.1 login eve password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "none"))
    place.client().list_repos()
    assert place.forge.authorizations == [f"token {place.forge.admin_token}"]


def test_a_token_file_that_every_user_may_read_is_refused(place: Place) -> None:
    place.token_file.chmod(0o644)
    with pytest.raises(RemoteConfigError, match="every user"):
        place.client().list_repos()
    assert place.forge.count() == 0


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@contextmanager
def tls_forge(folder: Path, context: SSLContext) -> Iterator[Forge]:
    with ForgeServer(folder / "forge", tls=context) as server:
        token_file = write_secret(folder / "token", server.admin_token)
        yield open_forge(
            ForgeConfig(
                kind="forgejo", url=server.base_url, org=server.org.name, token_file=token_file
            )
        )


def test_the_authority_of_ssl_cert_file_is_trusted(
    tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    with tls_forge(tmp_path, authority.good()) as forge:
        assert forge.create_repo(NAME, "main").name == NAME


def untrusted(authority: Authority, patch: pytest.MonkeyPatch) -> SSLContext:
    patch.delenv("SSL_CERT_FILE")
    return authority.good()


def of_another_host(authority: Authority, patch: pytest.MonkeyPatch) -> SSLContext:
    del patch
    return authority.of_another_host()


def expired(authority: Authority, patch: pytest.MonkeyPatch) -> SSLContext:
    del patch
    return authority.expired()


@pytest.mark.parametrize("context", [untrusted, of_another_host, expired])
def test_a_server_with_a_bad_certificate_is_told_nothing(
    tmp_path: Path,
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
    context: Callable[[Authority, pytest.MonkeyPatch], SSLContext],
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    with (
        tls_forge(tmp_path, context(authority, monkeypatch)) as forge,
        pytest.raises(DeniedError) as caught,
    ):
        forge.list_repos()
    assert "certificate" in caught.value.hint
    assert not caught.value.retry
