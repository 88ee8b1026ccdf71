"""Where the programs of demos, tests and benchmarks keep bytecode."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ASK = """
import json, subprocess, sys
from fixtures.bytecode import keep_bytecode
keep_bytecode()
flags = "import sys; print(sys.dont_write_bytecode, sys.pycache_prefix)"
print(json.dumps(subprocess.check_output([sys.executable, "-c", flags], text=True).split()))
"""


@pytest.mark.parametrize(
    ("forbidden", "expected"),
    [("1", ["False", str(Path(sys.prefix) / "bytecode")]), ("", ["False", "None"])],
)
def test_programs_keep_bytecode_elsewhere_only_where_it_is_forbidden_beside_the_sources(
    forbidden: str, expected: list[str]
) -> None:
    environment = {
        **os.environ,
        "PYTHONDONTWRITEBYTECODE": forbidden,
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    environment.pop("PYTHONPYCACHEPREFIX", None)
    found = subprocess.check_output([sys.executable, "-c", ASK], env=environment)
    assert json.loads(found) == expected
