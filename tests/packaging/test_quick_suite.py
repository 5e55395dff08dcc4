"""What ``make test-quick`` leaves out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = ("tests/cli/test_export.py", "tests/cli/test_user_errors.py", "tests/bundle/test_formats.py")


@pytest.mark.slow
def test_whatever_uses_a_slow_fixture_is_left_out():
    """Breaks when a test that starts a command comes back into the quick suite, also through another fixture, or when
    nothing is left of it.
    """
    call = [sys.executable, "-m", "pytest", "-q", "--collect-only", "-p", "no:cacheprovider", "-m", "not slow", *FILES]
    done = subprocess.run(call, capture_output=True, text=True, cwd=ROOT, timeout=60, check=False)
    found = {line.partition("::")[0] for line in done.stdout.splitlines() if "::" in line}
    assert found == {"tests/bundle/test_formats.py"}, done.stdout
