"""The tutorials as notebooks: one Markdown file each, which Jupytext opens and CI executes."""

from __future__ import annotations

import subprocess
import sys

import pytest

jupytext = pytest.importorskip("jupytext")


def test_every_tutorial_is_a_notebook_with_a_cell_for_each_block(pages, tutorials):
    """Breaks when a tutorial loses its header, or Jupyter would show one of its blocks as text."""
    assert len(tutorials) == 6
    for page in tutorials:
        assert pages.is_notebook(page), page.name
        cells = [cell.source for cell in jupytext.read(page).cells if cell.cell_type == "code"]
        blocks = pages.blocks_of(page)
        assert [cell.removeprefix("%%bash\n").strip() for cell in cells] == [block.text.strip() for block in blocks]
        shells = [cell.startswith("%%bash\n") for cell in cells]
        assert shells == [block.kind == "bash" for block in blocks]


@pytest.mark.slow
def test_a_cell_that_fails_stops_the_notebook(pages, tmp_path):
    """Breaks when a notebook passes whose command failed half-way, or whose outputs are lost."""
    page = tmp_path / "page.md"
    # a process of its own: a kernel leaves an event loop behind in the one that started it
    command = [sys.executable, pages.__file__, str(page), "--notebooks", str(tmp_path / "out")]
    head = f"{pages.NOTEBOOK}  kernelspec:\n    display_name: Python 3\n    name: python3\n---\n\n"
    page.write_text(f"{head}```bash\nfalse | cat\necho went on\n```\n")
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    assert process.returncode == 1
    assert "a cell failed" in process.stderr
    assert "------ stdout -----" not in process.stderr, "echo was reached"
    page.write_text(f"{head}```python\nnumber = 41\n```\n\n```python\nnumber + 1\n```\n\n```bash\npwd\n```\n")
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    written = jupytext.read(tmp_path / "out" / "page.ipynb")
    assert [cell.outputs[0]["data"]["text/plain"] for cell in written.cells[1:2]] == ["42"]
    assert str(tmp_path) not in written.cells[2].outputs[0]["text"]
