"""Faults on this side: full disks, other processes, Ctrl-C, files that are in the way."""

from __future__ import annotations

import errno
import fcntl
from collections import namedtuple

import pytest

from calosim_tf.data_prep import fetch as fetch_module
from calosim_tf.data_prep.partial import Partial
from calosim_tf.errors import CalosimError, DataError

# What a resumed request contains after "cut" and "stall", and the version it names.
REST = "bytes=150000-"
ETAG = '"first"'


def test_interrupt_keeps_what_came(get, server):
    """Breaks if Ctrl-C throws the download away."""

    def interrupt(message):
        if "trying again" in message:
            raise KeyboardInterrupt
        get.said.append(message)

    with pytest.raises(KeyboardInterrupt):
        get("cut", say=interrupt)
    assert "150000 bytes are kept" in get.said[0]
    get("normal")
    assert server.seen == [(REST, ETAG)]


def test_second_fetch_of_the_same_file_is_refused(get, server):
    """Breaks if two processes write to the same partial file."""
    get.partial.parent.mkdir()
    with get.partial.open("wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(CalosimError, match="is being fetched by another process"):
            get("normal")
        assert server.seen == []
    get("normal")
    assert get.only_file() == get.content


def test_file_systems_without_locks(get, monkeypatch):
    """Breaks if fetching is impossible on cluster disks that have no locks."""

    def no_locks(*_arguments):
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    get("normal")
    assert get.only_file() == get.content
    assert "no file locks" in get.said[0]


def test_full_disk(get, monkeypatch):
    """Breaks if a disk is filled up although the size is known, or a full disk ends in a traceback or a lost part."""
    usage = namedtuple("Usage", "total used free")
    with monkeypatch.context() as patch:
        patch.setattr(fetch_module.shutil, "disk_usage", lambda _folder: usage(1, 1, len(get.content) - 1))
        with pytest.raises(DataError, match="0 MB are still to come, 0 MB are free"):
            get("normal")
    assert list(get.target.parent.iterdir()) == []
    append = Partial.append

    def fail_late(partial, block):
        if partial.size > 100_000:
            raise OSError(errno.ENOSPC, "No space left on device")
        append(partial, block)

    with monkeypatch.context() as patch:
        patch.setattr(Partial, "append", fail_late)
        with pytest.raises(DataError, match=r"cannot be written \(no space left on device\)"):
            get("normal")
    assert get.partial.stat().st_size > 100_000
    get("normal")
    assert get.only_file() == get.content


def test_folder_that_cannot_be_made(get, tmp_path):
    """Breaks if a file in the place of the folder ends in a traceback."""
    (tmp_path / "data").write_text("in the way")
    with pytest.raises(DataError, match="cannot be written"):
        get("normal")


def test_other_file_of_that_name_is_left_alone(get, server):
    """Breaks if a changed or own file is overwritten, or mistaken for the published one."""
    get.target.parent.mkdir()
    get.target.write_bytes(get.other)
    with pytest.raises(DataError, match="there already but is not the published file"):
        get("normal")
    assert server.seen == []
    assert get.target.read_bytes() == get.other
    assert not get(md5=False).verified


def test_names_from_the_server_are_not_used(get, tmp_path):
    """Breaks if a server can choose where the file goes."""
    get("redirect /../evil.hdf5", "file name")
    assert get.only_file() == get.content
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_quiet_when_nobody_watches(get, capsys):
    """Breaks if progress or other noise gets into the log of a batch job."""
    get("normal")
    assert capsys.readouterr() == ("", "")
