"""The pages of the documentation, and the program that runs their blocks."""

import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def pages():
    """``docs/run_pages.py`` as a module."""
    spec = importlib.util.spec_from_file_location("run_pages", ROOT / "docs" / "run_pages.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["run_pages"] = module  # its dataclass looks there for its own module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def tutorials():
    """Files of the tutorials."""
    return sorted((ROOT / "docs" / "tutorials").glob("[0-9]_*.md"))
