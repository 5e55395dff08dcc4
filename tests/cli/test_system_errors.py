"""What the operating system refuses is one line at the command line, whatever the command was doing."""

import errno
import os
import signal
import sys

import pytest

from calosim_tf import cli
from calosim_tf.commands import list_experiments

FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/data/out.csv")
NO_TEMPORARY = FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp']")
NO_CACHE = OSError("Matplotlib requires access to a writable cache directory; set the MPLCONFIGDIR variable")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (FULL, "/data/out.csv: no space left on device"),
        (NO_TEMPORARY, "no usable temporary directory"),
        (NO_CACHE, "matplotlib requires access to a writable cache directory"),
        (MemoryError(), "out of memory"),
    ],
)
def test_one_line_and_exit_1(monkeypatch, capsys, error, words):
    """Breaks if a full disk or an unwritable folder for temporary files ends in a traceback."""

    def refuse(args):
        raise error

    monkeypatch.setattr(list_experiments, "run", refuse)
    assert cli.main(["list"]) == 1
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert message.startswith("calosim: error: ")
    assert words in message


def test_sigterm_lets_commands_clean_up(monkeypatch):
    """Breaks if a batch system's SIGTERM leaves the file that a command was writing."""
    cleaned = []

    def interrupted(args):
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            signal.pause()
        finally:
            cleaned.append(True)

    monkeypatch.setattr(list_experiments, "run", interrupted)
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as leaving:
        cli.main(["list"])
    assert leaving.value.code == 128 + signal.SIGTERM
    assert cleaned
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="file names are bytes on Linux only")
def test_a_file_name_that_is_no_text_is_printed(calosim, without_tensorflow, tmp_path):
    """Breaks if a name in another encoding ends the command with UnicodeEncodeError, or moves the cursor."""
    name = os.fsdecode(b"caf\xe9\x1b[31m.hdf5")
    process = calosim("data", "check", tmp_path / name, **without_tensorflow)
    assert process.returncode == 2
    assert "caf\\udce9\\x1b[31m.hdf5: no such file" in process.stderr
