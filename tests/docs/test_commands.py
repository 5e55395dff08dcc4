"""Commands that the pages show: most of them are not run by the CI, all of them have to be commands."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from calosim_tf.cli import build_parser

ROOT = Path(__file__).parents[2]
PAGES = sorted({ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "docs" / "tutorials").glob("*.md")})
# Code is indented by four spaces, or stands between fences
CODE = re.compile(r"^```(?:bash|text|console)\n(.*?)^```$|^    (\S[^\n]*)$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^(?:[A-Z_]+=\S+ )*(?:\.venv/bin/)?calosim (.*)$")
# Left out or filled in by the shell: not for a parser of arguments
NOT_LITERAL = re.compile(r"\.\.\.|[$|`&]|--help")


def commands_on(text: str) -> list[str]:
    """Arguments of each ``calosim`` in the code of a page, without the remark behind it."""
    found = []
    for fenced, indented in re.findall(CODE, re.sub(r" *\\\n *", " ", text)):
        matches = [COMMAND.match(line.strip()) for line in (fenced or indented).splitlines()]
        found += [re.split(r" {3,}| +#", match[1].strip())[0] for match in matches if match]
    return [command for command in found if not NOT_LITERAL.search(command)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_on_a_page_are_commands(page):
    """Breaks when a command or an option is renamed and a page still shows the old one."""
    for command in commands_on(page.read_text(encoding="utf-8")):
        build_parser().parse_args(shlex.split(command))


def test_commands_are_found_wherever_they_stand():
    """Breaks when the test above passes because it looks at nothing."""
    page = "    calosim list   all\n\n```bash\nA=1 calosim info \\\n  photon  # counts\ncalosim x $Y\n```\n"
    assert commands_on(page) == ["list", "info photon"]
    found = [command for page in PAGES for command in commands_on(page.read_text(encoding="utf-8"))]
    assert len(found) > 100
    assert {"train", "generate", "evaluate", "export", "bench"} <= {command.split()[0] for command in found}
