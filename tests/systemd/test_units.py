"""systemd takes the units as they are, they start what exists, and their limits fit the code."""

import itertools
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from aggregator.mirrors import gc
from gitmeter.support.errors import ExitCode
from node_pusher.home.layout import socket_file
from node_pusher.listener import server
from node_pusher.sending import branch, push
from node_pusher.spool.file import connection
from portal.config.tables import PortalConfig
from tests.systemd.units import (
    FOLDER,
    README,
    SERVICES,
    SOCKETS,
    TIMERS,
    command_line,
    command_lines,
    help_text,
    read_unit,
    run,
    service,
    subcommands,
    unknown_words,
    with_programs_here,
)

PUSHERS: Final = (
    "node-pusher.service",
    "books.service",
    "books-reconcile.service",
    "books-renew.service",
    "till-sweep.service",
)
"""What a timer starts, and what pushes then."""

EXPOSURE_TENTHS_MAX: Final = 15
"""Of 100: what `systemd-analyze security` may find at most."""


def in_seconds(timespan: str) -> int:
    shown = run("systemd-analyze", "timespan", timespan)
    assert shown.returncode == 0, shown.stderr
    found = re.search(r"μs: (\d+)", shown.stdout)
    assert found is not None
    return int(found[1]) // 1_000_000


def test_systemd_verifies_every_unit_without_a_word(tmp_path: Path) -> None:
    copies = with_programs_here(tmp_path)
    assert len(copies) == 16
    result = run("systemd-analyze", "verify", "--man=no", *copies)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_verify_sees_a_program_that_is_not_there_and_a_misspelt_key(tmp_path: Path) -> None:
    """The test above can fail."""
    for old, new, said in (
        ("node-pusher --home", "node-pushr --home", "not executable"),
        ("ProtectSystem=strict", "ProtectSystm=strict", "Unknown key"),
    ):
        unit = with_programs_here(tmp_path)[SERVICES.index("node-pusher.service")]
        unit.write_text(unit.read_text().replace(old, new))
        assert said in run("systemd-analyze", "verify", "--man=no", unit).stderr


@pytest.mark.parametrize("name", SERVICES)
def test_exposure_is_below_the_bound_and_as_the_readme_says(name: str) -> None:
    result = run(
        *("systemd-analyze", "security", "--offline=true", "--no-pager"),
        *(f"--threshold={EXPOSURE_TENTHS_MAX}", FOLDER / name),
    )
    assert result.returncode == 0, result.stdout
    assert result.stderr == ""
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", result.stdout)
    assert found is not None
    if run("systemd-analyze", "--version").stdout.startswith("systemd 252 "):
        assert f"| `{name}` | {found[1]} |" in README.read_text()


@pytest.mark.parametrize("name", SERVICES)
def test_what_systemd_still_finds_exposed_is_what_the_readme_explains(name: str) -> None:
    listed = run(
        *("systemd-analyze", "security", "--offline=true", "--no-pager", "--json=short"),
        FOLDER / name,
    )
    rows: list[dict[str, Any]] = json.loads(listed.stdout)
    exposed = {row["json_field"] for row in rows if row["set"] is False and row["exposure"]}
    explained = {
        "RestrictAddressFamilies_AF_INET_INET6",
        "RestrictAddressFamilies_AF_UNIX",
        "PrivateNetwork",
        "IPAddressDeny",
        "RootDirectoryOrRootImage",
        "PrivateMounts",
        "DeviceAllow",  # ProtectClock= adds a read-only clock
        "UMask",  # the aggregator's group may read, for backups
        "SupplementaryGroups",  # by which books and portal read the ledger
    }
    assert exposed <= explained


def test_all_services_are_hardened_alike() -> None:
    """All but the network, which the listener has none of."""
    network = {"RestrictAddressFamilies", "PrivateNetwork", "IPAddressDeny"}

    def hardening(name: str) -> list[tuple[str, str]]:
        lines = list(service(name).items())
        start = [key for key, _ in lines].index("NoNewPrivileges")
        return [line for line in lines[start:] if line[0] not in network]

    first, *others = map(hardening, SERVICES)
    assert len(first) > 20
    for other in others:
        assert other == first


BESIDE: Final = {
    "node-pusher-listen.service": "node-pusher.service",
    "till-sweep.service": "till.service",
    "books-reconcile.service": "books.service",
    "books-renew.service": "books.service",
}
"""Services that work on the home of another one."""


def test_no_two_services_share_an_account_or_a_folder() -> None:
    """But for those of one home."""
    apart = [name for name in SERVICES if name not in BESIDE]
    for key in ("User", "Group", "StateDirectory"):
        assert len({service(name)[key] for name in apart}) == len(apart)
    for name, other in BESIDE.items():
        for key in ("User", "Group", "StateDirectory", "StateDirectoryMode", "UMask"):
            assert service(name)[key] == service(other)[key]


def test_books_and_portal_may_read_the_ledger_and_nobody_else_reads_another_folder() -> None:
    """They may write to none of it: the folder is open to its group for reading alone."""
    groups = {name: service(name).get("SupplementaryGroups", "") for name in SERVICES}
    for name in ("books-reconcile.service", "books-renew.service", "portal.service"):
        assert groups.pop(name) == service("aggregator.service")["Group"]
        assert "ReadWritePaths" not in service(name)
    assert set(groups.values()) == {""}
    assert service("aggregator.service")["StateDirectoryMode"] == "0750"
    assert service("aggregator.service")["UMask"] == "0027"


@pytest.mark.parametrize("name", ["till.service", "till-sweep.service"])
def test_a_till_starts_where_its_keys_are_and_the_sweep_has_keys_of_its_own(name: str) -> None:
    """One till.toml, which names keys without a folder, serves both units."""
    settings = read_unit(name)["Service"]
    assert settings["WorkingDirectory"] == ["%d"]
    loaded = dict(value.split(":") for value in settings["LoadCredential"])
    assert set(loaded) == {value.split(":")[0] for value in settings["SetCredential"]}
    own = "sweep_" if name == "till-sweep.service" else ""
    for key in ("stripe_key", "clickpesa_key"):
        assert loaded[key] == f"/etc/gitmeter/{own}{key}"
    assert words_of(name)["--config"] == "/etc/gitmeter/till.toml"


def test_what_charges_has_a_home_and_the_one_key_of_its_own() -> None:
    """No other unit has a key that charges, and this one none of another kind."""
    settings = read_unit("till-charge.service")["Service"]
    assert settings["WorkingDirectory"] == ["%d"]
    loaded = dict(value.split(":") for value in settings["LoadCredential"])
    assert set(loaded) == {value.split(":")[0] for value in settings["SetCredential"]}
    assert loaded["stripe_key"] == "/etc/gitmeter/charge_stripe_key"
    assert set(loaded) == {"stripe_key", "till_tag_key", "topup_secret", "hint_secret"}
    others = [FOLDER / name for name in SERVICES if name != "till-charge.service"]
    assert not any("charge_stripe_key" in other.read_text() for other in others)
    assert words_of("till-charge.service")["--config"] == "/etc/gitmeter/till-charge.toml"


def words_of(name: str) -> dict[str, str]:
    """The options of what a service starts, each with the word after it."""
    return dict(itertools.pairwise(command_line(name)))


@pytest.mark.parametrize("name", ["till.service", "till-charge.service", "portal.service"])
def test_what_others_ask_is_started_again_whatever_ended_it(name: str) -> None:
    """Providers repeat their events for days only, and services ask before each job."""
    settings = service(name)
    assert settings["Restart"] == "always"
    assert int(settings["RestartPreventExitStatus"]) == ExitCode.USAGE
    assert read_unit(name)["Unit"]["StartLimitIntervalSec"] == ["0"]


def test_a_portal_works_where_its_configuration_says_by_itself() -> None:
    """`portal.toml` need not state folders, and a Unix socket has one that the unit makes."""
    settings, defaults = service("portal.service"), PortalConfig()
    assert str(defaults.home) == words_of("portal.service")["--home"]
    assert str(defaults.state) == f"/var/lib/{service('aggregator.service')['StateDirectory']}"
    assert settings["StateDirectoryMode"] == "0700"
    assert f"unix:/run/{settings['RuntimeDirectory']}/" in (FOLDER / "portal.service").read_text()
    assert settings["WorkingDirectory"] == "%d"


def test_the_listener_speaks_to_this_machine_alone() -> None:
    settings = service("node-pusher-listen.service")
    assert settings["RestrictAddressFamilies"] == "AF_UNIX"
    assert settings["PrivateNetwork"] == "yes"


@pytest.mark.parametrize("name", SOCKETS)
def test_a_socket_starts_its_service_where_doctor_looks_for_it(name: str) -> None:
    """Who may connect is who may write into the folder."""
    unit = service(name.replace(".socket", ".service"))
    home = Path("/var/lib") / unit["StateDirectory"]
    (settings,) = [read_unit(name)["Socket"]]
    assert settings["ListenStream"] == [str(socket_file(home))]
    assert settings["SocketMode"] == ["0660"]
    assert settings["SocketUser"] == settings["SocketGroup"] == [unit["User"]]
    assert "Accept" not in settings
    assert f"Requires={name}" in (FOLDER / name.replace(".socket", ".service")).read_text()


def test_stopping_the_listener_outwaits_a_busy_spool() -> None:
    settings = service("node-pusher-listen.service")
    longest_s = connection._BUSY_TIMEOUT_S + server._FLUSH_TIMEOUT_S
    assert in_seconds(settings["TimeoutStopSec"]) > longest_s


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_starts_a_command_with_options_that_the_program_knows(name: str) -> None:
    for program, *words in command_lines(name):
        assert unknown_words([Path(program).name, *words]) == []


def test_unknown_commands_and_options_are_found() -> None:
    """The test above can fail."""
    assert "run" in subcommands("aggregator")
    assert "--config" in help_text("aggregator")
    assert unknown_words(["aggregator", "--confg", "x", "run"]) == ["--confg"]
    assert unknown_words(["aggregator", "ruin"]) == ["aggregator without a command"]


@pytest.mark.parametrize("name", PUSHERS)
def test_an_unreachable_remote_is_a_success_and_a_long_push_is_not_cut_off(name: str) -> None:
    settings = service(name)
    assert int(settings["SuccessExitStatus"]) == ExitCode.TRY_LATER
    longest_s = branch.PUSH_TIMEOUT_S + push._GC_TIMEOUT_S + 2 * branch.PROBE_TIMEOUT_S
    assert in_seconds(settings["TimeoutStartSec"]) > longest_s


@pytest.mark.parametrize(
    "name", [*PUSHERS, "till.service", "till-charge.service", "portal.service"]
)
def test_a_pusher_works_on_its_own_state_directory_and_waits_for_init(name: str) -> None:
    home = f"/var/lib/{service(name)['StateDirectory']}"
    assert words_of(name)["--home"] == home
    assert f"{home}/node.toml" in read_unit(name)["Unit"]["ConditionPathExists"]


def test_the_watchdog_outwaits_the_longest_silence_of_the_daemon() -> None:
    watchdog_s = in_seconds(service("aggregator.service")["WatchdogSec"])
    assert watchdog_s > gc._TIMEOUT_S


def test_only_a_wrong_command_line_is_not_tried_again() -> None:
    settings = service("aggregator.service")
    assert settings["Restart"] == "always"
    assert "SuccessExitStatus" not in settings
    assert int(settings["RestartPreventExitStatus"]) == ExitCode.USAGE
    assert read_unit("aggregator.service")["Unit"]["StartLimitIntervalSec"] == ["0"]


def test_a_reload_sends_the_signal_that_takes_the_configuration_over() -> None:
    assert service("aggregator.service")["ExecReload"] == "/bin/kill -HUP $MAINPID"


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_takes_a_bounded_part_of_the_machine(name: str) -> None:
    """Above what it may use by itself, and a child that exceeds it does not end the daemon."""
    settings = service(name)
    high, top = (int(settings[key][:-1]) for key in ("MemoryHigh", "MemoryMax"))
    assert settings["MemoryHigh"][-1] == settings["MemoryMax"][-1]
    assert 0 < high < top
    assert int(settings["TasksMax"]) > 0
    if name == "aggregator.service":
        assert settings["OOMPolicy"] == "continue"


def elapses(timer: str) -> list[datetime]:
    """The next times of a timer, in UTC, without its random delay."""
    (expression,) = read_unit(timer)["Timer"]["OnCalendar"]
    shown = run(
        *("systemd-analyze", "calendar", "--iterations=30"),
        *("--base-time=2026-11-21 11:59:59 UTC", expression),
    )
    assert shown.returncode == 0, shown.stderr
    found = re.findall(r"\(in UTC\): \w+ (\S+ \S+) UTC", shown.stdout)
    return [datetime.fromisoformat(text).replace(tzinfo=UTC) for text in found]


@pytest.mark.parametrize(
    ("timer", "first", "every"),
    [
        ("node-pusher.timer", "12:05", timedelta(hours=1)),
        ("books.timer", "12:00", timedelta(minutes=5)),
        ("books-reconcile.timer", "12:20", timedelta(hours=1)),
        ("books-renew.timer", "12:40", timedelta(hours=1)),
        ("till-sweep.timer", "03:40", timedelta(days=1)),
    ],
)
def test_timers_keep_to_utc_hours_wherever_the_machine_is(
    timer: str, first: str, every: timedelta
) -> None:
    """Local time in tests is 45 minutes off the hour."""
    times = elapses(timer)
    assert len(times) == 30
    assert f"{times[0]:%H:%M}" == first
    assert {later - time for time, later in itertools.pairwise(times)} == {every}


@pytest.mark.parametrize("timer", TIMERS)
def test_a_timer_starts_its_service_catches_up_and_spreads(timer: str) -> None:
    assert timer.replace(".timer", ".service") in SERVICES
    settings = {key: values[-1] for key, values in read_unit(timer)["Timer"].items()}
    assert settings["Persistent"] == "yes"
    assert in_seconds(settings["RandomizedDelaySec"]) > 0
    assert read_unit(timer)["Install"] == {"WantedBy": ["timers.target"]}


@pytest.mark.parametrize(
    "name", ["node-pusher", "books", "books-reconcile", "books-renew", "till-sweep"]
)
def test_what_pushes_waits_for_a_clock_that_is_set(name: str) -> None:
    """`Persistent=` would else push as soon as the machine is up, by whatever its clock says."""
    for unit in (f"{name}.timer", f"{name}.service"):
        section = read_unit(unit)["Unit"]
        for key in ("Wants", "After"):
            assert "time-sync.target" in " ".join(section[key]).split(), unit
    assert "systemd-time-wait-sync.service" in README.read_text()
