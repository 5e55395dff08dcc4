"""Pages of the documentation: no empty cell for a paper, a table of published numbers each; no file over the limit."""

import re
from pathlib import Path

import pytest

from calosim_tf.commands.reproduce import BEGIN, END
from calosim_tf.reproduction.documents import DOCUMENTS

ROOT = Path(__file__).parents[2]
PAPERS = sorted((ROOT / "docs" / "papers").glob("*.md"))
LONGEST = 400


def body_rows(text: str) -> list[list[str]]:
    """Cells of all table rows but headings."""
    lines = text.splitlines()
    rules = {number for number, line in enumerate(lines) if line.startswith("|") and not set(line) - set("|-: ")}
    rows = [line for number, line in enumerate(lines) if line.startswith("|") and not {number, number + 1} & rules]
    return [re.split(r"(?<!\\)\|", row)[1:-1] for row in rows]


@pytest.mark.parametrize("page", PAPERS, ids=lambda page: page.stem)
def test_no_cell_of_a_paper_is_empty(page):
    """Breaks when a number is neither given nor explained."""
    rows = body_rows(page.read_text(encoding="utf-8"))
    assert len(rows) > 5
    assert [row for row in rows if not all(cell.strip() for cell in row)] == []


def test_every_source_document_has_a_page_with_its_table():
    """Breaks when a document is added without a page, or the place of its table is lost."""
    assert {page.stem for page in PAPERS} == set(DOCUMENTS)
    for page in PAPERS:
        text = page.read_text(encoding="utf-8")
        assert text.count(BEGIN) == text.count(END) == 1
        assert text.index(BEGIN) < text.index(END)


def test_links_between_pages_and_files_lead_somewhere():
    """Breaks when a page or a file that a page or the README leads to is moved."""
    pages = [ROOT / "README.md", *(path for path in (ROOT / "docs").rglob("*.md") if "_build" not in path.parts)]
    broken = []
    for page in pages:
        text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
            if "://" not in target and not (page.parent / target).exists():
                broken.append(f"{page.relative_to(ROOT)}: {target}")
    assert broken == []


def test_no_file_is_longer_than_the_limit():
    """Breaks when a file grows beyond 400 lines."""
    files = [
        path
        for top in ("calosim_tf", "experiments", "data_prep", "tests", "docs")
        for path in (ROOT / top).rglob("*.py")
    ]
    assert [str(path) for path in files if len(path.read_text("utf-8").splitlines()) > LONGEST] == []
