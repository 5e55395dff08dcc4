"""Downloads from a server on this machine that cuts, corrupts, stalls, lies and changes its mind."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import threading
from collections import namedtuple
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from calosim_tf.data import checks
from calosim_tf.data.known_files import KnownFile
from calosim_tf.data_prep import fetch as fetch_module
from calosim_tf.data_prep import sources
from calosim_tf.data_prep.fetch import Patience, fetch
from calosim_tf.data_prep.partial import Partial
from calosim_tf.data_prep.sources import PublicFile
from calosim_tf.errors import CalosimError, ConfigError, DataError

CONTENT = np.random.default_rng(1).bytes(300_000)
OTHER = np.random.default_rng(2).bytes(300_000)
HALF = 150_000
QUICK = Patience(timeout_s=0.25, tries=3, first_wait_s=0.0, longest_wait_s=0.0)

Version = namedtuple("Version", "content etag")
FIRST = Version(CONTENT, '"first"')
SECOND = Version(OTHER, '"second"')


def normal(request, version=FIRST, honour_if_range=True, etag_kept=True):
    """As a good server does; the two flags make it a careless one."""
    begin = 0
    wanted = request.headers.get("Range")
    same = request.headers.get("If-Range") in (None, version.etag) or not honour_if_range
    if wanted and same:
        begin = int(wanted.removeprefix("bytes=").removesuffix("-"))
    if begin >= len(version.content):
        return answer(request, 416, b"", {"Content-Range": f"bytes */{len(version.content)}"})
    headers = {"ETag": version.etag} if etag_kept else {}
    if begin:
        headers["Content-Range"] = f"bytes {begin}-{len(version.content) - 1}/{len(version.content)}"
    return answer(request, 206 if begin else 200, version.content[begin:], headers)


def answer(request, status, body, headers, length=None):
    request.send_response(status)
    for name, value in headers.items():
        request.send_header(name, value)
    request.send_header("Content-Length", str(len(body) if length is None else length))
    request.end_headers()
    request.wfile.write(body)


def whole(body=CONTENT, **options):
    """Ignores Range."""
    return lambda request: answer(request, 200, body, {"ETag": FIRST.etag}, **options)


def cut(request):
    answer(request, 200, CONTENT[:HALF], {"ETag": FIRST.etag}, length=len(CONTENT))


def cut_without_validator(request):
    answer(request, 200, CONTENT[:HALF], {}, length=len(CONTENT))


def cut_with_weak_etag(request):
    answer(request, 200, CONTENT[:HALF], {"ETag": 'W/"first"'}, length=len(CONTENT))


def stall(request):
    cut(request)
    request.wfile.flush()
    request.server.over.wait(5)


def corrupt(request):
    body = bytearray(CONTENT)
    body[123_456] ^= 1
    answer(request, 200, bytes(body), {"ETag": FIRST.etag})


def status(code, **headers):
    return lambda request: answer(request, code, b"", headers)


def redirect(address):
    return status(302, Location=address)


def wrong_part(request):
    """Sends another part than the one asked for."""
    if request.headers.get("Range"):
        return answer(request, 206, CONTENT[:10], {"Content-Range": f"bytes 0-9/{len(CONTENT)}"})
    return cut(request)


class Requests(BaseHTTPRequestHandler):
    def do_GET(self):
        script = self.server.script
        self.server.seen.append((self.headers.get("Range"), self.headers.get("If-Range")))
        behaviour = script.pop(0) if len(script) > 1 else script[0]
        behaviour(self)
        self.close_connection = True

    def log_message(self, *_arguments):
        """Quiet."""


@pytest.fixture
def server():
    """``server.script``: what to do at each request, the last one for ever; ``server.seen``: what was asked."""
    running = ThreadingHTTPServer(("127.0.0.1", 0), Requests)
    running.daemon_threads = True
    running.script, running.seen, running.over = [normal], [], threading.Event()
    running.url = f"http://127.0.0.1:{running.server_address[1]}/showers"
    thread = threading.Thread(target=running.serve_forever, args=(0.01,))
    thread.start()
    yield running
    running.over.set()
    running.shutdown()
    thread.join()
    running.server_close()


@pytest.fixture
def get(server, tmp_path):
    """``get(*script, md5=True, n_bytes=None, **options)`` fetches into an own folder; returns what fetch does."""

    def run(*script, md5=True, n_bytes=None, content=CONTENT, **options):
        if script:
            server.script[:] = script
        server.seen.clear()
        known = KnownFile("showers.hdf5", "showers", hashlib.md5(content).hexdigest() if md5 else None, None, n_bytes)
        source = PublicFile("showers", options.pop("url", server.url), known, "https://record", "doi:1", "CC0")
        options = {"patience": QUICK, "allow_http_localhost": True, "say": run.said.append} | options
        return fetch(source, tmp_path / "data", **options)

    run.said = []
    run.target = tmp_path / "data" / "showers.hdf5"
    run.partial = tmp_path / "data" / "showers.hdf5.partial"
    return run


def only(get):
    """Nothing but the finished file is left."""
    assert [path.name for path in get.target.parent.iterdir()] == ["showers.hdf5"]
    return get.target.read_bytes()


def test_whole_file_is_checked_and_kept(get, server):
    """Breaks if a plain download is wrong, unverified, leaves litter, or is done twice."""
    got = get(normal, n_bytes=len(CONTENT))
    assert (got.path, got.n_bytes, got.verified, got.downloaded) == (get.target, len(CONTENT), True, True)
    assert got.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert only(get) == CONTENT
    again = get()
    assert (again.downloaded, again.verified, server.seen, get.said) == (False, True, [], [])


@pytest.mark.parametrize(
    ("script", "second_request"),
    [
        ((cut, normal), (f"bytes={HALF}-", FIRST.etag)),
        ((stall, normal), (f"bytes={HALF}-", FIRST.etag)),
        ((cut, whole()), (f"bytes={HALF}-", FIRST.etag)),
        ((cut, cut, normal), (f"bytes={HALF}-", FIRST.etag)),
        ((cut, status(503), normal), (f"bytes={HALF}-", FIRST.etag)),
        ((status(500), normal), (None, None)),
        ((status(416), normal), (None, None)),
        ((cut, status(416), normal), (f"bytes={HALF}-", FIRST.etag)),
        ((cut, wrong_part, normal), (f"bytes={HALF}-", FIRST.etag)),
        ((cut_without_validator, normal), (f"bytes={HALF}-", None)),
        ((corrupt, normal), (None, None)),
        ((whole(length=HALF), normal), (None, None)),
        ((redirect("/elsewhere"), normal), (None, None)),
    ],
)
def test_ends_in_the_right_file(get, server, script, second_request):
    """Breaks if a fault that passes is fatal, if bytes are asked for again, or if a wrong mixture is kept."""
    assert get(*script).verified
    assert only(get) == CONTENT
    assert server.seen[1] == second_request


def change_of_version(request):
    normal(request, SECOND)


def change_unnoticed_by_server(request):
    normal(request, SECOND, honour_if_range=False)


def change_unnoticed_by_all(request):
    normal(request, SECOND, honour_if_range=False, etag_kept=False)


@pytest.mark.parametrize("md5", [True, False])
@pytest.mark.parametrize("after", [change_of_version, change_unnoticed_by_server])
def test_file_that_changes_between_two_tries(get, after, md5):
    """Breaks if halves of two versions are put together, with or without a published checksum."""
    get(cut, after, md5=md5, content=OTHER)
    assert only(get) == OTHER


def test_change_that_only_the_checksum_shows(get):
    """Breaks if a mixture that no header reveals is fatal instead of being fetched again."""
    get(cut, change_unnoticed_by_all, content=OTHER)
    assert only(get) == OTHER
    assert "wrong checksum" in get.said[-1]


@pytest.mark.parametrize("first", [cut_without_validator, cut_with_weak_etag])
def test_no_resume_when_nothing_could_tell_the_versions_apart(get, server, first):
    """Breaks if a file without checksum is resumed though the server names no version of it."""
    get(first, change_unnoticed_by_all, md5=False)
    assert only(get) == OTHER
    assert server.seen[1] == (None, None)


@pytest.mark.parametrize(
    ("behaviour", "words", "n_requests"),
    [
        (status(404), "refused (HTTP 404", 1),
        (status(403), "refused (HTTP 403", 1),
        (status(500), "HTTP 500", 3),
        (status(416), "no part from byte 0", 3),
        (stall, "the server went silent", 3),
        (corrupt, "twice with a wrong checksum", 2),
        (whole(OTHER), "twice with a wrong checksum", 2),
        (whole(length=len(CONTENT) + 5), "cut after 300000 of 300005 bytes", 3),
        (whole(length=HALF), "twice with a wrong checksum", 2),
        (wrong_part, "cut after 150000 of 300000 bytes", 3),
        (lambda request: request.connection.close(), "", 3),
        (redirect("http://example.invalid/showers"), "expected an https address", 1),
        (redirect("ftp://example.invalid/showers"), "expected an https address", 1),
        (redirect("file:///etc/passwd"), "not allowed", 1),
        (redirect("/showers"), "refused (HTTP 302", None),
        (lambda request: answer(request, 200, b"<html>", {"Content-Type": "text/html"}), "web page", 1),
        (lambda request: answer(request, 200, b"x", {"Content-Encoding": "gzip"}), "packed", 1),
    ],
)
def test_ends_in_one_clear_error(get, server, behaviour, words, n_requests):
    """Breaks if a fault that stays leaves a file under the final name, is tried for ever, or fails unclearly."""
    with pytest.raises(CalosimError) as caught:
        get(behaviour)
    assert type(caught.value) is CalosimError
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not get.target.exists()
    assert n_requests in (None, len(server.seen))


@pytest.mark.parametrize("behaviour", [status(404), corrupt])
def test_nothing_is_left_of_a_hopeless_fetch(get, behaviour):
    """Breaks if empty or wrong partial files pile up."""
    with pytest.raises(CalosimError):
        get(behaviour)
    assert list(get.target.parent.iterdir()) == []


def test_replaced_file_is_refused_before_it_is_fetched(get, server):
    """Breaks if a file of another size than published is downloaded first and rejected later."""
    with pytest.raises(CalosimError, match="the server has 300000 bytes, the published file 299999; it was replaced"):
        get(normal, n_bytes=299_999)
    assert len(server.seen) == 1


def test_goes_on_after_an_end_of_the_process(get, server):
    """Breaks if what an earlier process received is thrown away, or used for another address."""
    with pytest.raises(CalosimError, match=r"150000 bytes are kept in .*showers.hdf5.partial: run the command again"):
        get(cut, patience=Patience(tries=1))
    assert get.partial.read_bytes() == CONTENT[:HALF]
    assert get(normal, md5=False).path == get.target
    assert server.seen == [(f"bytes={HALF}-", FIRST.etag)]
    get.target.unlink()
    with pytest.raises(CalosimError):
        get(cut, patience=Patience(tries=1))
    get(normal, md5=False, url=server.url + "-elsewhere")
    assert server.seen == [(None, None)]
    assert only(get) == CONTENT


def test_killed_between_last_byte_and_name(get, server):
    """Breaks if a partial file that is complete is fetched again or refused."""
    with pytest.raises(CalosimError):
        get(cut, patience=Patience(tries=1))
    get.partial.write_bytes(CONTENT)
    get(normal)
    assert server.seen == [(f"bytes={len(CONTENT)}-", FIRST.etag)]
    assert only(get) == CONTENT
    get.target.rename(get.partial)
    get(n_bytes=len(CONTENT))
    assert server.seen == []


def test_progress_renews_the_patience(get):
    """Breaks if a long file over a bad line is given up although every try brings a good part of it."""

    def cut_a_fifth(request):
        begin = int((request.headers.get("Range") or "bytes=0-")[6:-1])
        headers = {"ETag": FIRST.etag, "Content-Range": f"bytes {begin}-299999/300000"}
        answer(request, 206 if begin else 200, CONTENT[begin : begin + 60_000], headers, length=300_000 - begin)

    with pytest.raises(CalosimError, match="tried 3 times"):
        get(cut_a_fifth)
    get.partial.unlink()
    patience = Patience(tries=3, first_wait_s=0.0, enough_bytes=50_000)
    assert get(cut_a_fifth, patience=patience).verified


def test_waits_double_up_and_the_server_is_listened_to(get, monkeypatch):
    """Breaks if a busy server is hammered."""
    waits = []
    monkeypatch.setattr(fetch_module.time, "sleep", waits.append)
    with pytest.raises(CalosimError):
        get(status(500), status(500), status(503, **{"Retry-After": "7"}), status(500), patience=Patience(tries=6))
    assert waits == [1, 2, 7, 8, 16]


def test_interrupt_keeps_what_came(get, server):
    """Breaks if Ctrl-C throws the download away."""

    def interrupt(message):
        if "trying again" in message:
            raise KeyboardInterrupt
        get.said.append(message)

    with pytest.raises(KeyboardInterrupt):
        get(cut, say=interrupt)
    assert "150000 bytes are kept" in get.said[0]
    get(normal)
    assert server.seen == [(f"bytes={HALF}-", FIRST.etag)]


def test_second_fetch_of_the_same_file_is_refused(get, server):
    """Breaks if two processes write to the same partial file."""
    get.partial.parent.mkdir()
    with get.partial.open("wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(CalosimError, match="is being fetched by another process"):
            get(normal)
        assert server.seen == []
    get(normal)
    assert only(get) == CONTENT


def test_file_systems_without_locks(get, monkeypatch):
    """Breaks if fetching is impossible on cluster disks that have no locks."""

    def no_locks(*_arguments):
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    get(normal)
    assert only(get) == CONTENT
    assert "no file locks" in get.said[0]


def test_full_disk(get, monkeypatch):
    """Breaks if a disk is filled up although the size is known, or a full disk ends in a traceback or a lost part."""
    usage = namedtuple("Usage", "total used free")
    with monkeypatch.context() as patch:
        patch.setattr(fetch_module.shutil, "disk_usage", lambda _folder: usage(1, 1, len(CONTENT) - 1))
        with pytest.raises(DataError, match="0 MB are still to come, 0 MB are free"):
            get(normal)
    assert list(get.target.parent.iterdir()) == []
    append = Partial.append

    def fail_late(partial, block):
        if partial.size > 100_000:
            raise OSError(errno.ENOSPC, "No space left on device")
        append(partial, block)

    with monkeypatch.context() as patch:
        patch.setattr(Partial, "append", fail_late)
        with pytest.raises(DataError, match=r"cannot be written \(no space left on device\)"):
            get(normal)
    assert get.partial.stat().st_size > 100_000
    get(normal)
    assert only(get) == CONTENT


def test_folder_that_cannot_be_made(get, tmp_path):
    """Breaks if a file in the place of the folder ends in a traceback."""
    (tmp_path / "data").write_text("in the way")
    with pytest.raises(DataError, match="cannot be written"):
        get(normal)


def test_other_file_of_that_name_is_left_alone(get, server):
    """Breaks if a changed or own file is overwritten, or taken for the published one."""
    get.target.parent.mkdir()
    get.target.write_bytes(OTHER)
    with pytest.raises(DataError, match="there already but is not the published file"):
        get(normal)
    assert server.seen == []
    assert get.target.read_bytes() == OTHER
    assert not get(md5=False).verified


def test_names_from_the_server_are_not_used(get, tmp_path):
    """Breaks if a server can choose where the file goes."""
    headers = {"Content-Disposition": 'attachment; filename="../../evil.hdf5"'}
    get(redirect("/../evil.hdf5"), lambda request: answer(request, 200, CONTENT, headers))
    assert only(get) == CONTENT
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_only_https_unless_asked_for(get, server):
    """Breaks if a plain http address is fetched from, or if the switch for tests opens the whole net."""
    with pytest.raises(CalosimError, match="expected an https address"):
        get(normal, allow_http_localhost=False)
    assert server.seen == []
    with pytest.raises(CalosimError, match="expected an https address"):
        get(normal, url="http://example.invalid/showers")


def test_no_server_at_all(get):
    """Breaks if a refused connection is not one clear line."""
    with pytest.raises(CalosimError, match=r"showers: Connection refused \(tried 3 times in a row\); try again later"):
        get(url="http://127.0.0.1:9/showers")
    assert list(get.target.parent.iterdir()) == []


def test_quiet_when_nobody_watches(get, capsys):
    """Breaks if progress or other noise gets into the log of a batch job."""
    get(normal)
    assert capsys.readouterr() == ("", "")


def test_table_of_public_files():
    """Breaks with a typing error in an address, name or checksum, or a file that `data check` would not recognise."""
    for name, file in sources.PUBLIC_FILES.items():
        assert name == file.name
        assert file.url.startswith("https://")
        assert file.record.startswith("https://")
        assert file.content.file_name.startswith(name)
        assert "/" not in file.content.file_name
        for digest, length in ((file.content.md5, 32), (file.content.sha256, 64)):
            if digest:
                assert len(digest) == length
                assert int(digest, 16)
                assert checks.KNOWN_FILES[digest] == file.content.title
    assert len(checks.KNOWN_FILES) == sum(len(f.content.digest_names) for f in sources.PUBLIC_FILES.values()) == 11


def test_names_and_folder(monkeypatch, tmp_path):
    """Breaks if CALOSIM_DATA is ignored or a typing error gets no hint."""
    assert sources.get_public_file("dataset_2_1.hdf5") is sources.PUBLIC_FILES["dataset_2_1"]
    with pytest.raises(ConfigError, match="did you mean 'dataset_1_photons_1'"):
        sources.get_public_file("dataset_1_photon_1")
    with pytest.raises(ConfigError, match="known are dataset_1_photons_1, "):
        sources.get_public_file("xyz")
    monkeypatch.setenv("CALOSIM_DATA", str(tmp_path))
    assert sources.data_folder() == tmp_path
    monkeypatch.delenv("CALOSIM_DATA")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert sources.data_folder() == tmp_path / ".cache" / "calosim"
