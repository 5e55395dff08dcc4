"""``--quiet``, ``--verbose``, and colours."""

import io
import sys

import pytest

from calosim_tf import messages
from calosim_tf.cli import build_parser, main
from calosim_tf.progress import progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def terminal_for(monkeypatch):
    """A terminal in place of stderr, with the normal number of messages (pytest puts its own back before a test)."""
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setitem(messages._loudness, "level", messages.NORMAL)
    return stream


@pytest.mark.parametrize(
    ("arguments", "level"),
    [
        (["list"], messages.NORMAL),
        (["--quiet", "list"], messages.QUIET),
        (["list", "-q"], messages.QUIET),
        (["-v", "data", "check", "f"], messages.VERBOSE),
        (["data", "check", "f", "--verbose"], messages.VERBOSE),
    ],
)
def test_the_option_is_heard_before_and_after_the_command(arguments, level):
    """Breaks when a default of the command overwrites what stands before it."""
    assert build_parser().parse_args(arguments).loudness == level


def test_what_is_said(monkeypatch):
    """Breaks when --quiet hides a warning or an error, or a detail is shown without --verbose."""
    terminal = terminal_for(monkeypatch)
    said = {}
    for level in (messages.QUIET, messages.NORMAL, messages.VERBOSE):
        messages.set_verbosity(level)
        for say in (messages.detail, messages.note, messages.warn, messages.error):
            say(say.__name__)
        said[level] = [line.split()[-1] for line in terminal.getvalue().splitlines()]
        terminal.truncate(0)
        terminal.seek(0)
    assert said[messages.QUIET] == ["warn", "error"]
    assert said[messages.NORMAL] == ["note", "warn", "error"]
    assert said[messages.VERBOSE] == ["detail", "note", "warn", "error"]


def test_colours_are_for_terminals(monkeypatch, capsys):
    """Breaks when escape sequences get into a log, or NO_COLOR is ignored."""
    terminal = terminal_for(monkeypatch)
    messages.warn("hot")
    assert terminal.getvalue() == "calosim: \x1b[33mwarning:\x1b[0m hot\n"
    monkeypatch.setenv("NO_COLOR", "1")
    messages.warn("hot")
    assert terminal.getvalue().endswith("\ncalosim: warning: hot\n")
    monkeypatch.undo()
    messages.error("cold")
    assert capsys.readouterr().err == "calosim: error: cold\n"


def test_quiet_draws_no_progress(monkeypatch):
    """Breaks when the bar depends on the terminal alone."""
    terminal = terminal_for(monkeypatch)
    monkeypatch.setattr("calosim_tf.progress.SILENT_SECONDS", 0.0)
    list(progress(range(3), 3, "counting"))
    assert "counting" in terminal.getvalue()
    messages.set_verbosity(messages.QUIET)
    terminal.truncate(0)
    list(progress(range(3), 3, "counting"))
    assert "counting" not in terminal.getvalue()


def test_verbose_tells_version_time_and_memory(capsys):
    """Breaks when the summary is left out or goes to stdout, which programs read."""
    assert main(["list", "--json", "--verbose"]) == 0
    captured = capsys.readouterr()
    assert "calosim_tf 0." in captured.err
    assert "peak memory" in captured.err
    assert captured.out.startswith("[")
    assert main(["list"]) == 0
    assert capsys.readouterr().err == ""
