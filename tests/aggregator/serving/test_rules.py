"""The example alert rules: Prometheus itself checks them, and they speak of what there is."""

import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from aggregator.incidents.kinds import IncidentKind
from aggregator.serving.health import LOOP_AGE_MAX_S, PULL_GRACE_S, PULLS_LATE
from aggregator.serving.metrics import Metrics
from aggregator.serving.pulse import Pulse
from tests.aggregator.serving.measured import names_in
from tests.conftest import ROOT
from tests.support.ledger.world import World, usage_line

RULES: Final = ROOT / "docs" / "prometheus" / "gitmeter.rules.yml"
CASES: Final = Path(__file__).with_name("rules_test.yml")
_METRIC: Final = re.compile(r"\b(?:gitmeter|process)_[a-z_]+")
_KINDS: Final = re.compile(r'kind[!=]~"([^"]*)"')


def promtool(*words: str) -> None:
    done = subprocess.run(["promtool", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_rules_are_rules() -> None:
    promtool("check", "rules", str(RULES))


def test_each_alert_fires_when_it_should_and_none_for_a_sound_daemon() -> None:
    promtool("test", "rules", str(CASES))


def test_each_alert_has_a_case() -> None:
    alerts = set(re.findall(r"alert: (\w+)", RULES.read_text()))
    assert alerts
    assert alerts - set(re.findall(r'alertname="(\w+)"', CASES.read_text())) == set()


def test_every_metric_that_the_rules_name_is_served(tmp_path: Path) -> None:
    """A name that nobody serves makes an alert that never fires."""
    world = World(tmp_path)
    world.usage(usage_line())
    world.pull()
    pulse = Pulse(lambda: datetime.now(UTC), 360)
    pulse.pull_started()
    pulse.pull_finished()
    pulse.forge_checked(is_complete=True)
    served = names_in(Metrics(world.config.database_path, pulse, lambda: world.now).text())
    named = set(_METRIC.findall(RULES.read_text()))
    assert named
    assert named - served == set()


def test_the_alerts_have_the_limits_of_the_check_of_health() -> None:
    """Two opinions on what is late would be one too many."""
    text = " ".join(RULES.read_text().split())
    assert f"gitmeter_loop_age_seconds > {LOOP_AGE_MAX_S} " in text
    assert f"> {PULLS_LATE} * gitmeter_pull_interval_seconds + {PULL_GRACE_S} " in text


def test_the_cases_name_metrics_that_the_rules_name() -> None:
    named = set(_METRIC.findall(RULES.read_text()))
    assert set(_METRIC.findall(CASES.read_text())) - named == set()


def test_every_incident_kind_that_the_rules_name_is_one() -> None:
    kinds = {kind for found in _KINDS.findall(RULES.read_text()) for kind in found.split("|")}
    assert kinds
    assert kinds - set(IncidentKind) == set()
