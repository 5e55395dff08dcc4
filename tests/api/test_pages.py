"""The pages for Python programs and the examples in the docstrings of the interface, run in one session each."""

from __future__ import annotations

import doctest
import importlib
import re
import warnings
from pathlib import Path

import pytest

import calosim_tf

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
MODULES = ("generator", "loading", "showers", "evaluation", "training")
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", ["python", "cookbook"])
def test_the_blocks_of_a_page_run_one_after_another(page, bundle_folder, tmp_path, monkeypatch):
    """Breaks when a name or argument that a page shows is gone, or a recipe no longer works."""
    pytest.importorskip("uproot")
    monkeypatch.chdir(tmp_path)
    # as the page exports it
    (tmp_path / "photon_bundle").symlink_to(bundle_folder)
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    session: dict = {}
    for found in BLOCK.finditer(text):
        program = "\n" * text[: found.start(1)].count("\n") + found[1]
        with warnings.catch_warnings():
            # of awkward, uproot and pandas: for those who keep them
            warnings.simplefilter("ignore", DeprecationWarning)
            exec(compile(program, f"{page}.md", "exec"), session)
    assert len(session) > 10


@pytest.mark.parametrize("module", MODULES)
def test_examples_give_what_they_show(module, tmp_path, monkeypatch):
    """Breaks when an example in a docstring fails or gives something else."""
    monkeypatch.chdir(tmp_path)
    found = importlib.import_module(f"calosim_tf.api.{module}")
    result = doctest.testmod(found, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.attempted > 0
    assert result.failed == 0


def test_every_public_function_has_an_example():
    """Breaks when a name is added to the interface without one."""
    functions = ("load", "generate", "open_showers", "evaluate", "train", "Showers")
    assert [name for name in functions if ">>>" not in getattr(calosim_tf, name).__doc__] == []
    assert ">>>" in calosim_tf.Generator.generate.__doc__
    assert set(calosim_tf.__all__) - {*functions, "Generator"} == {
        "CalosimError",
        "CalosimWarning",
        "GeneratorInfo",
        "TrainedRun",
    }
