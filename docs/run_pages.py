"""Run the ``bash`` and ``python`` blocks of Markdown pages, as a reader would who copies them one after another.

    python docs/run_pages.py --jobs 2 --notebooks docs/_build/notebooks docs/tutorials/*.md

Each page gets an empty temporary folder, or where it says ``<!-- runs in a clone -->`` a copy of the sources that
``calosim`` then uses.  A page with the header of Jupytext is a notebook: it runs in one kernel, as in Jupyter.  A block
that ends with anything but 0 ends the program with 1.  Blocks of other kinds (``text``, ``console``) are for reading.
No TensorFlow in here: what runs is what the page says.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
IN_A_CLONE = "<!-- runs in a clone -->"
FENCE = re.compile(r"^```(bash|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SOURCES = ("calosim_tf", "experiments")
NOTEBOOK = "---\njupyter:\n"
CELL_SECONDS = 600


class BlockFailedError(Exception):
    """A block of a page ended with another code than 0."""


@dataclass(frozen=True)
class Block:
    """Commands between two fences; ``line`` is the first one of them in the page."""

    kind: str
    text: str
    line: int

    def command(self) -> list[str]:
        """How it is run."""
        if self.kind == "python":
            return [sys.executable, "-c", self.text]
        return ["bash", "-euo", "pipefail", "-c", self.text]


def blocks_of(page: Path) -> list[Block]:
    """What a reader would copy from a page, in order."""
    text = page.read_text(encoding="utf-8")
    return [Block(m[1], m[2], text[: m.start(2)].count("\n") + 1) for m in FENCE.finditer(text)]


def clone_into(folder: Path) -> Path:
    """Sources in ``folder`` as in a clone; returns what ``PYTHONPATH`` needs for ``calosim`` to use them.

    ``experiments`` and ``data_prep`` are inside of the package once installed, so a second folder joins them by links.
    """
    for name in SOURCES:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "data_prep").symlink_to(ROOT / "data_prep")
    installed = folder / ".installed" / "calosim_tf"
    installed.mkdir(parents=True)
    for path in [*(folder / "calosim_tf").iterdir(), folder / "experiments", folder / "data_prep"]:
        (installed / path.name).symlink_to(path)
    return installed.parent


def environment_in(page: Path, folder: Path) -> dict[str, str]:
    """Variables for the blocks of a page that run in ``folder``, whose sources are put there if the page needs them."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    found = os.environ | {"PATH": path, "MPLBACKEND": "Agg"}
    if IN_A_CLONE in page.read_text(encoding="utf-8"):
        found["PYTHONPATH"] = str(clone_into(folder))
        # without it Python looks first into the folder it runs in, whose package has no experiments inside
        found["PYTHONSAFEPATH"] = "1"
    return found


def run_blocks(page: Path, blocks: Sequence[Block], folder: Path, environment: dict[str, str]) -> None:
    """Run blocks of a page in ``folder``.

    Raises
    ------
    BlockFailedError
        One ended with another code than 0; the message names page and line.
    """
    for block in blocks:
        start = time.monotonic()
        process = subprocess.run(block.command(), cwd=folder, env=environment, stdin=subprocess.DEVNULL, check=False)
        if process.returncode:
            raise BlockFailedError(f"{page}, line {block.line}: the block ended with {process.returncode}")
        print(f"== {page.name}, line {block.line}: {time.monotonic() - start:.1f} s", flush=True)


def is_notebook(page: Path) -> bool:
    """Whether Jupyter opens the page as a notebook."""
    return page.read_text(encoding="utf-8").startswith(NOTEBOOK)


def run_notebook(page: Path, folder: Path, environment: dict[str, str], out: Path | None = None) -> None:
    """Run the cells of a page in ``folder``, in one kernel, and write the notebook with its outputs to ``out``.

    Raises
    ------
    BlockFailedError
        A cell failed, or a command in it; the message has what the cell said.
    """
    import jupytext
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError

    notebook = jupytext.read(page)
    for cell in notebook.cells:
        # By itself a shell cell goes on behind a command that failed
        cell.source = re.sub(r"\A%%bash$", "%%bash -euo pipefail", cell.source, flags=re.MULTILINE)
    # Pictures belong into the notebook; commands choose a back end of their own
    environment = {name: value for name, value in environment.items() if name != "MPLBACKEND"}
    client = NotebookClient(notebook, timeout=CELL_SECONDS, kernel_name="python3", coalesce_streams=True)
    try:
        client.execute(cwd=str(folder), env=environment)
    except (CellExecutionError, CellTimeoutError) as error:
        raise BlockFailedError(f"{page}: a cell failed\n{error}") from error
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, out / f"{page.stem}.ipynb")


def run_page(page: Path, notebooks: Path | None = None) -> float:
    """Run all blocks of a page in a temporary folder; returns the seconds it took."""
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix=f"{page.stem}-") as name:
        folder = Path(name)
        environment = environment_in(page, folder)
        if is_notebook(page):
            run_notebook(page, folder, environment, notebooks)
        else:
            run_blocks(page, blocks_of(page), folder, environment)
    return time.monotonic() - start


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the pages; returns the exit code."""
    parser = argparse.ArgumentParser(description="Run the bash and python blocks of Markdown pages.")
    parser.add_argument("pages", nargs="+", type=Path, metavar="PAGE")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="pages at a time (default 1)")
    parser.add_argument("--notebooks", type=Path, metavar="DIR", help="write the notebooks with their outputs there")
    given = parser.parse_args(arguments)
    with ThreadPoolExecutor(given.jobs) as pool:
        running = {page: pool.submit(run_page, page, given.notebooks) for page in given.pages}
        try:
            for page, result in running.items():
                print(f"{page}: {result.result():.0f} s", flush=True)
        except BlockFailedError as error:
            pool.shutdown(cancel_futures=True)
            print(f"run_pages: error: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
