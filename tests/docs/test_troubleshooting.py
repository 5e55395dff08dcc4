"""The messages in docs/troubleshooting.md are those of the code."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "troubleshooting.md"
# Messages of other programs
FOREIGN = ("No module named", "A module that was compiled")
GAP = "\0"


def message_of(node: ast.AST) -> str | None:
    """Text of a string constant; values that are filled in are gaps."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
        return node.value if isinstance(node.value, str) else node.value.decode("latin-1")
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else GAP for part in node.values)
    return None


@pytest.fixture(scope="module")
def messages() -> list[str]:
    files = [path for top in ("calosim_tf", "experiments", "data_prep") for path in (ROOT / top).rglob("*.py")]
    nodes = (node for path in [*files, ROOT / "setup.py"] for node in ast.walk(ast.parse(path.read_text("utf-8"))))
    return [text for node in nodes if (text := message_of(node))]


def quoted() -> list[str]:
    """First cell of every row that is a message."""
    found = re.findall(r"^\| `([^`]+)`", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return [text for text in found if not text.startswith(FOREIGN)]


@pytest.mark.parametrize("text", quoted())
def test_the_message_is_in_the_code(text, messages):
    """Breaks when a message is reworded and the page still quotes the old words."""
    pieces = [piece.strip() for piece in text.split("...") if piece.strip(" :;,()")]
    pattern = re.compile(".*".join(re.escape(piece) for piece in pieces), re.DOTALL)
    assert any(pattern.search(message) for message in messages)


def test_the_page_quotes_messages():
    """Breaks when the table changes its form and nothing is compared any more."""
    assert len(quoted()) > 30
