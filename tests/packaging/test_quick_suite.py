"""What ``make test-quick`` leaves out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def chosen(*options: str) -> set[str]:
    """Tests of one file per kind that pytest would run, without their parameters."""
    files = ("tests/cli/test_export.py", "tests/export/test_fold.py", "tests/bundle/test_formats.py")
    call = [sys.executable, "-m", "pytest", "-q", "--collect-only", "-p", "no:cacheprovider", *options, *files]
    done = subprocess.run(call, capture_output=True, text=True, cwd=ROOT, timeout=60, check=False)
    return {line.partition("[")[0] for line in done.stdout.splitlines() if "::" in line}


def test_whatever_uses_a_slow_fixture_is_left_out():
    """Breaks when a test that starts a command or exports a run comes back into the quick suite, also through another
    fixture, or when nothing is left of it.
    """
    slow, quick = chosen("-m", "slow"), chosen("-m", "not slow")
    assert "tests/cli/test_export.py::test_the_bundle_is_whole_and_sound" in slow
    assert "tests/bundle/test_formats.py::test_every_function_that_a_record_names_is_there" in quick
    assert not any(name.startswith("tests/cli/test_export.py") for name in quick)
    assert slow | quick == chosen()
