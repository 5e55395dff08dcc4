"""What ``make tutorials`` runs: every command of the README and the task pages, or a rule says why not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def plans(pages):
    """Blocks and followed rules of every page."""
    table = pages.Table()
    return {pages.name_of(page): table.plan(page) for page in pages.task_pages()}


def test_every_page_for_a_task_is_run(plans):
    """Breaks when the tables of tasks change their form and their pages are not found."""
    assert {"README.md", "docs/index.md", "docs/data.md", "docs/hpc.md", "docs/tutorials/1_train_and_judge.md"} <= set(
        plans
    )
    assert len(plans) > 25
    assert sum(len(blocks) for blocks, _ in plans.values()) > 75


def test_every_command_runs_or_a_rule_says_why_not(pages, plans):
    """Breaks when a page has code of a kind that nothing runs, and when a rule is for a command that is gone."""
    followed = [rule for _, rules in plans.values() for _, rule in rules]
    assert [rule.command for rule in followed if not rule.why] == []
    assert set(pages.Table().rules.values()) - set(followed) == set()
    for page, (blocks, _) in plans.items():
        for block in blocks:
            assert not re.search(r"\b(FILE|RUN|DIR|OUT|TRAIN|LAYOUT|PLAN)\b(?!=)", block.text), (page, block.line)


def test_a_rule_names_tests_and_targets_that_there_are(pages):
    """Breaks when a reason speaks of a test or a step of the CI that was moved."""
    steps = (ROOT / ".ci" / "run").read_text() + (ROOT / "Makefile").read_text()
    for rule in pages.Table().rules.values():
        for path in re.findall(r"(?:tests|docs)/[\w/]+(?:\.\w+)?", rule.why):
            assert (ROOT / path).exists(), rule
        for target in re.findall(r"`make ([\w-]+)`", rule.why):
            assert re.search(rf"^{target}:", steps, re.MULTILINE), rule


def test_commands_are_taken_as_a_reader_would(pages, tmp_path):
    """Breaks when a remark is run, the second line of a command is lost, or output is taken for a command."""
    page = tmp_path / "page.md"
    page.write_text(
        "words\n\n    calosim list      names\n    calosim info \\\n        photon   # counts\n\n    metric 1.0\n\n"
        "```console\n$ calosim doctor\ncalosim: all is well\n```\n\n```cpp\nint main();\n```\n"
    )
    blocks, rules = pages.Table().plan(page)
    assert [(block.text, block.line) for block in blocks] == [
        ("calosim list", 3),
        ("calosim info photon", 4),
        ("calosim doctor", 10),
    ]
    assert [(line, rule.why) for line, rule in rules] == [(15, "")]


def test_the_output_on_a_page_is_compared_but_for_its_numbers(pages, tmp_path):
    """Breaks when a page shows a line that its command no longer prints, or when another number is a failure."""
    said = "metric   value          N\nrecall   0.708 ± 0.011  1755\ncalosim: run folder x; 3.1 s (of 4)\n"
    assert pages.missing_line("metric  value  N\n...\nrecall  0.6 ± 0.2  300\ncalosim: ... 9.9 s (of 2)", said) is None
    assert pages.missing_line("metric  value\ndensity  0.6 ± 0.2  300", said) == "density  0.6 ± 0.2  300"
    page = tmp_path / "page.md"
    page.write_text("```bash\necho recall 0.7\n```\n\n```text\nrecall 0.6\n```\n")
    assert pages.main([str(page)]) == 0
    page.write_text("```bash\necho recall 0.7\n```\n\n```text\ndensity 0.6\n```\n")
    assert pages.main([str(page)]) == 1
