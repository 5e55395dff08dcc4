"""Run the commands of Markdown pages, as a reader would who copies them one after another.

    python docs/run_pages.py --jobs 2 --notebooks docs/_build/notebooks        # README, tutorials, task pages
    python docs/run_pages.py docs/data.md

Each page gets an empty temporary folder, or where it says ``<!-- runs in a clone -->`` a copy of the sources that
``calosim`` then uses.  A page with the header of Jupytext is a notebook: it runs in one kernel, as in Jupyter.  A block
that ends with anything but 0 ends the program with 1, and so does one whose output lacks a line of the ``text`` block
right behind it; numbers are not compared.  Indented commands run one by one.  What does not run as it stands is in
``run_pages.toml``, with the reason, and is listed at the end.
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
import tomllib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TABLE = Path(__file__).with_suffix(".toml")
IN_A_CLONE = "<!-- runs in a clone -->"
FENCE = re.compile(r"^```(bash|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Between fences, with the output right behind; or indented by four spaces
CODE = re.compile(
    r"^```(?P<kind>\w+)\n(?P<fenced>.*?)^```$(?:\s+^```text\n(?P<output>.*?)^```$)?"
    r"|(?<=\n\n)(?P<indented>(?:    [^\n]*\n)+)",
    re.MULTILINE | re.DOTALL,
)
COMMAND = re.compile(
    r"(?:\$ )?(?:\[ |for |(?:[A-Z_]+=\S+ )*(?:\.venv/bin/|env/bin/)?(?:calosim|make|python[\d.]*|pip|git|tar|jupyter|"
    r"apptainer|apt-get|sbatch|horovodrun|mpirun|snakemake|\.ci/run|docs/_build/\S+)(?: |$))"
)
# What a page says behind a command
REMARK = re.compile(r" +#.*$| {3,}.*$")
# Kinds of code with output and, among it, commands
LINE_BY_LINE = ("indented", "text", "console")
DECIMAL = re.compile(r"\d+\\?\.\d+(?:e\\?-?\d+)?")
# Words that are numbers, with what stands around them
NUMBER = re.compile(r"[(\[]*[-+]?\d[\d,.:/]*(?:\)?e[-+]?\d+)?[%x)\],;:.]*")
SOURCES = ("calosim_tf", "experiments")
NOTEBOOK = "---\njupyter:\n"
CELL_SECONDS = 600


class BlockFailedError(Exception):
    """A block of a page ended with another code than 0, or did not say what the page shows."""


@dataclass(frozen=True)
class Block:
    """Commands between two fences; ``line`` is the first one of them in the page, ``output`` what the page shows."""

    kind: str
    text: str
    line: int
    output: str = ""

    def command(self) -> list[str]:
        """How it is run."""
        if self.kind == "python":
            return [sys.executable, "-c", self.text]
        return ["bash", "-euo", "pipefail", "-c", self.text]


@dataclass(frozen=True)
class Rule:
    """What is done with a command of a page that is not run as it stands; ``instead`` is empty if nothing is."""

    command: str
    instead: str
    why: str


def blocks_of(page: Path) -> list[Block]:
    """What a reader would copy from a page, in order."""
    text = page.read_text(encoding="utf-8")
    return [Block(m[1], m[2], text[: m.start(2)].count("\n") + 1) for m in FENCE.finditer(text)]


class Table:
    """``run_pages.toml``: files that a page takes for granted, names that stand for files, and rules for commands."""

    def __init__(self, path: Path = TABLE) -> None:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
        self.before: dict[str, str] = found["before"]
        self.names: dict[str, dict[str, str]] = found["names"]
        self.rules = {one["command"]: Rule(one["command"], one.get("instead", ""), one["why"]) for one in found["rule"]}

    def plan(self, page: Path) -> tuple[list[Block], list[tuple[int, Rule]]]:
        """Blocks of a page as they are run, and the rules that were followed with their lines."""
        key = name_of(page)
        text = page.read_text(encoding="utf-8")
        blocks = [Block("bash", self.before[key], 0)] if key in self.before else []
        followed: list[tuple[int, Rule]] = []
        for match in CODE.finditer(text):
            group = "indented" if match["indented"] else "fenced"
            block = Block(
                match["kind"] or group, match[group], text[: match.start(group)].count("\n") + 1, match["output"] or ""
            )
            has_command = any(COMMAND.match(line.strip()) for line in block.text.splitlines())
            if (rule := self.rules.get(f"{key}: {block.kind}")) is not None:
                followed += [(block.line, rule)] if has_command or block.kind not in LINE_BY_LINE else []
            elif block.kind == "python" or (block.kind == "bash" and "<<" in block.text):
                blocks.append(block)
            elif block.kind == "bash" or block.kind in LINE_BY_LINE:
                kept, rules = self._commands(key, block)
                blocks += kept
                followed += rules
            else:
                followed.append((block.line, Rule(f"{key}: {block.kind}", "", "")))
        return blocks, followed

    def _commands(self, key: str, block: Block) -> tuple[list[Block], list[tuple[int, Rule]]]:
        """The commands of a block as they are run, all of ``bash`` together, and the rules that were followed."""
        kept: list[Block] = []
        followed: list[tuple[int, Rule]] = []
        for skipped, command in commands_in(block.text, block.kind == "bash"):
            line = block.line + skipped
            rule = self.rules.get(command)
            if rule is not None:
                followed.append((line, rule))
            if rule is None or rule.instead:
                text = self._with_files(key, rule.instead if rule else command)
                kept.append(Block("bash", text, line))
        if block.kind == "bash" and kept:
            kept = [Block("bash", "\n".join(one.text for one in kept), block.line, block.output)]
        return kept, followed

    def _with_files(self, key: str, command: str) -> str:
        for name, file in self.names.get(key, {}).items():
            command = re.sub(rf"(?<![\w$./]){re.escape(name)}(?!\w)", file, command)
        return command


def commands_in(code: str, all_lines: bool) -> list[tuple[int, str]]:
    """Commands of a block without their remarks, and how many lines stand before each; a loop is one command."""
    lines = code.splitlines()
    if any(line.strip().startswith("for ") for line in lines):
        return [(0, code.strip() if all_lines else " ".join(code.split()))]
    found: list[tuple[int, str]] = []
    goes_on = False
    for number, line in enumerate(lines):
        words = line.strip().removeprefix("$ ")
        if goes_on:
            before = found.pop()
            found.append((before[0], f"{before[1]} {words}"))
        elif words and (all_lines or COMMAND.match(words)):
            found.append((number, words))
        goes_on = bool(found) and found[-1][1].endswith("\\")
        if found:
            found[-1] = (found[-1][0], REMARK.sub("", found[-1][1].removesuffix("\\").rstrip()))
    return found


def name_of(page: Path) -> str:
    """Page as the table calls it."""
    return str(page.resolve().relative_to(ROOT)) if page.resolve().is_relative_to(ROOT) else page.name


def task_pages() -> list[Path]:
    """README and index, and what their tables of tasks lead to; the tutorials, which take longest, first."""
    found = {ROOT / "README.md": None, ROOT / "docs" / "index.md": None}
    for page in list(found):
        for row in re.findall(r"^\|.*\|$", page.read_text(encoding="utf-8"), re.MULTILINE):
            found |= {(page.parent / target).resolve(): None for target in re.findall(r"\]\(([^)#\s]+\.md)", row)}
    tutorials = sorted((ROOT / "docs" / "tutorials").glob("*.md"))
    return [*tutorials, *(page for page in found if page not in tutorials)]


def missing_line(shown: str, said: str) -> str | None:
    """First line of a page's output that a program did not say; numbers may differ, ``...`` is anything."""
    for line in shown.splitlines():
        if not re.search(_pattern(line), said):
            return line
    return None


def _pattern(line: str) -> str:
    words = []
    for word in line.split():
        text = DECIMAL.sub(r"[-+\\d.e]+", re.escape(word)).replace(r"\.\.\.", ".*")
        words.append(r"\S+" if NUMBER.fullmatch(word) else text)
    return r"\s+".join(words)


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
    found = os.environ | {"PATH": path, "MPLBACKEND": "Agg", "SOURCES": str(ROOT)}
    text = page.read_text(encoding="utf-8")
    if ".venv/bin/" in text:
        (folder / ".venv").symlink_to(sys.prefix)
    if IN_A_CLONE in text:
        found["PYTHONPATH"] = str(clone_into(folder))
        # without it Python looks first into the folder it runs in, whose package has no experiments inside
        found["PYTHONSAFEPATH"] = "1"
    return found


def run_blocks(page: Path, blocks: Sequence[Block], folder: Path, environment: dict[str, str]) -> None:
    """Run blocks of a page in ``folder``.

    Raises
    ------
    BlockFailedError
        One ended with another code than 0, or did not say what the page shows; the message names page and line.
    """
    for block in blocks:
        start = time.monotonic()
        process = subprocess.run(
            block.command(),
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        print(process.stdout, end="", flush=True)
        if process.returncode:
            raise BlockFailedError(f"{page}, line {block.line}: the block ended with {process.returncode}")
        if (missing := missing_line(block.output, process.stdout)) is not None:
            raise BlockFailedError(f"{page}, line {block.line}: the page shows a line that was not printed:\n{missing}")
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
            run_blocks(page, Table().plan(page)[0], folder, environment)
    return time.monotonic() - start


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the pages; returns the exit code."""
    parser = argparse.ArgumentParser(description="Run the commands of Markdown pages.")
    parser.add_argument("pages", nargs="*", type=Path, metavar="PAGE", help="default: README, tutorials, task pages")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="pages at a time (default 1)")
    parser.add_argument("--notebooks", type=Path, metavar="DIR", help="write the notebooks with their outputs there")
    given = parser.parse_args(arguments)
    pages = given.pages or task_pages()
    with ThreadPoolExecutor(given.jobs) as pool:
        running = {page: pool.submit(run_page, page, given.notebooks) for page in pages}
        try:
            for page, result in running.items():
                print(f"{page}: {result.result():.0f} s", flush=True)
        except BlockFailedError as error:
            pool.shutdown(cancel_futures=True)
            print(f"run_pages: error: {error}", file=sys.stderr)
            return 1
    print_rules(pages)
    return 0


def print_rules(pages: Sequence[Path]) -> None:
    """What was not run as it stands, each rule once per page."""
    table = Table()
    print("== not run as it stands")
    for page in pages:
        for rule, line in sorted({r: n for n, r in reversed(table.plan(page)[1])}.items(), key=lambda item: item[1]):
            print(f"{name_of(page)}, line {line}: {rule.command}\n    {rule.why}")
            if rule.instead:
                print(f"    instead: {rule.instead}")


if __name__ == "__main__":
    sys.exit(main())
