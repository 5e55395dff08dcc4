"""Commands that the pages show: most of them are not run by the CI, all of them have to be commands."""

from __future__ import annotations

import argparse
import re
import shlex
from pathlib import Path

import pytest

from calosim_tf.cli import build_parser

ROOT = Path(__file__).parents[2]
PAGES = sorted({ROOT / "README.md", *(path for path in (ROOT / "docs").rglob("*.md") if "_build" not in path.parts)})
# Code is indented by four spaces, or stands between fences
CODE = re.compile(r"^```(?:bash|text|console)\n(.*?)^```$|^    (\S[^\n]*)$", re.MULTILINE | re.DOTALL)
# Behind a prompt, variables, or a program that starts it
COMMAND = re.compile(
    r"^(?:\$ )?(?:[A-Z_]+=\S+ )*(?:(?:horovodrun|mpirun|timeout) .*?)?(?:\.venv/bin/)?calosim (?!\"?\$)(.*)$"
)
# A remark, what the shell does with the output or the code, what can be left out or repeated
BEHIND = re.compile(r" {3,}| +#| \|| &$")
LEFT_OUT = re.compile(r" \[[^]]*\]| \.\.\.")
IN_PROSE = re.compile(r"[`;] ?calosim ([a-z]+(?: [^`;]*)?)(?=[`;])")
MAKE = re.compile(r"(?:^ *(?:\$ )?|`|&& )make ([a-z][^`#]*?)(?= {3,}| +#|`|$)", re.MULTILINE)


def commands_on(text: str) -> list[str]:
    """Arguments of each ``calosim`` in the code of a page, without the remark behind it."""
    found = []
    for fenced, indented in re.findall(CODE, re.sub(r" *\\\n *", " ", text)):
        matches = [COMMAND.match(line.strip()) for line in (fenced or indented).splitlines()]
        found += [re.split(BEHIND, match[1].strip())[0] for match in matches if match]
    return [re.sub(LEFT_OUT, "", command) for command in found]


@pytest.fixture(scope="module")
def parser() -> argparse.ArgumentParser:
    return build_parser()


def parser_of(parser: argparse.ArgumentParser, command: list[str]) -> argparse.ArgumentParser:
    """Parser of the command or of its part that the first words name."""
    for word in command:
        parts = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
        if not parts or word not in parts[0].choices:
            break
        parser = parts[0].choices[word]
    return parser


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_on_a_page_are_commands(page, parser):
    """Breaks when a command or an option is renamed and a page still shows the old one."""
    for command in commands_on(page.read_text(encoding="utf-8")):
        arguments = shlex.split(command)
        if arguments[-1] == "--help":
            assert parser_of(parser, arguments).prog.split()[1:] == arguments[:-1]
        else:
            parser.parse_args(arguments)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_in_sentences_have_their_options(page, parser):
    """Breaks when a sentence speaks of a command or an option that is no more; it may leave out the rest."""
    text = " ".join(re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL).split())
    for command in IN_PROSE.findall(text):
        words = command.split()
        part = parser_of(parser, words)
        assert part is not parser, command
        unknown = {word for word in words if re.match(r"--\w", word)} - set(part._option_string_actions)
        assert not unknown, command


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_make_has_the_targets_and_variables_of_a_page(page):
    """Breaks when a target or a variable of the Makefile is renamed and a page still shows the old one."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z0-9-]+):", makefile, re.MULTILINE))
    for given in MAKE.findall(page.read_text(encoding="utf-8")):
        for word in shlex.split(given):
            name, is_set, _ = word.partition("=")
            assert (name in targets) if not is_set else re.search(rf"\b{name}\b", makefile), given


def test_commands_are_found_wherever_they_stand():
    """Breaks when the test above passes because it looks at nothing."""
    page = "    calosim list   all\n\n```bash\nA=1 calosim info \\\n  photon  # counts\n```\n"
    page += "```bash\nmpirun -np 2 calosim x $Y | tail\n```\n"
    page += "```console\n$ calosim data check FILE ...\ncalosim: error: no\n```\n"
    assert commands_on(page) == ["list", "info photon", "x $Y", "data check FILE"]
    found = [command for page in PAGES for command in commands_on(page.read_text(encoding="utf-8"))]
    assert len(found) > 100
    assert {"train", "generate", "evaluate", "export", "bench"} <= {command.split()[0] for command in found}
    assert MAKE.findall("    make docs   # all\n\nSo `make bench` and `make x A=1`") == ["docs", "bench", "x A=1"]
