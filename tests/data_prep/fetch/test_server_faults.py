"""Faults of the server: each ends in the right file or in one clear error, never in a wrong file."""

from __future__ import annotations

import hashlib

import pytest

from calosim_tf.data_prep import fetch as fetch_module
from calosim_tf.data_prep.fetch import Patience
from calosim_tf.errors import CalosimError

# What a resumed request contains after "cut" and "stall", and the version it names.
REST = "bytes=150000-"
ETAG = '"first"'


def test_whole_file_is_checked_and_kept(get, server):
    """Breaks if a plain download is wrong, unverified, leaves litter, or is done twice."""
    got = get("normal", n_bytes=len(get.content))
    assert (got.path, got.n_bytes, got.verified, got.downloaded) == (get.target, len(get.content), True, True)
    assert got.sha256 == hashlib.sha256(get.content).hexdigest()
    assert get.only_file() == get.content
    again = get()
    assert (again.downloaded, again.verified, server.seen, get.said) == (False, True, [], [])


@pytest.mark.parametrize(
    ("script", "second_request"),
    [
        (("cut", "normal"), (REST, ETAG)),
        (("stall", "normal"), (REST, ETAG)),
        (("cut", "range ignored"), (REST, ETAG)),
        (("cut", "cut", "normal"), (REST, ETAG)),
        (("cut", "status 503", "normal"), (REST, ETAG)),
        (("status 500", "normal"), (None, None)),
        (("status 416", "normal"), (None, None)),
        (("cut", "status 416", "normal"), (REST, ETAG)),
        (("cut", "wrong part", "normal"), (REST, ETAG)),
        (("cut, no etag", "normal"), (REST, None)),
        (("corrupt", "normal"), (None, None)),
        (("length too small", "normal"), (None, None)),
        (("redirect /elsewhere", "normal"), (None, None)),
    ],
)
def test_ends_in_the_right_file(get, server, script, second_request):
    """Breaks if a temporary fault is fatal, if bytes are requested again, or if a wrong mixture is kept."""
    assert get(*script).verified
    assert get.only_file() == get.content
    assert server.seen[1] == second_request


@pytest.mark.parametrize("md5", [True, False])
@pytest.mark.parametrize("after", ["second version", "second version, If-Range ignored"])
def test_file_that_changes_between_two_tries(get, after, md5):
    """Breaks if halves of two versions are put together, with or without a published checksum."""
    get("cut", after, md5=md5, content=get.other)
    assert get.only_file() == get.other


def test_change_that_only_the_checksum_shows(get):
    """Breaks if a mixture that no header reveals is fatal instead of being fetched again."""
    get("cut", "second version, no sign of it", content=get.other)
    assert get.only_file() == get.other
    assert "wrong checksum" in get.said[-1]


@pytest.mark.parametrize("first", ["cut, no etag", "cut, weak etag"])
def test_no_resume_when_nothing_could_tell_the_versions_apart(get, server, first):
    """Breaks if a file without checksum is resumed though the server names no version of it."""
    get(first, "second version, no sign of it", md5=False)
    assert get.only_file() == get.other
    assert server.seen[1] == (None, None)


@pytest.mark.parametrize(
    ("behaviour", "words", "n_requests"),
    [
        ("status 404", "refused (HTTP 404", 1),
        ("status 403", "refused (HTTP 403", 1),
        ("status 500", "HTTP 500", 3),
        ("status 416", "no part from byte 0", 3),
        ("stall", "the server went silent", 3),
        ("corrupt", "twice with a wrong checksum", 2),
        ("other content", "twice with a wrong checksum", 2),
        ("length too large", "cut after 300000 of 300005 bytes", 3),
        ("length too small", "twice with a wrong checksum", 2),
        ("wrong part", "cut after 150000 of 300000 bytes", 3),
        ("hang up", "", 3),
        ("redirect http://example.invalid/showers", "expected an https address", 1),
        ("redirect ftp://example.invalid/showers", "expected an https address", 1),
        ("redirect file:///etc/passwd", "not allowed", 1),
        ("redirect /showers", "refused (HTTP 302", None),
        ("web page", "web page", 1),
        ("packed", "packed", 1),
    ],
)
def test_ends_in_one_clear_error(get, server, behaviour, words, n_requests):
    """Breaks if a permanent fault leaves a file under the final name, is retried forever, or fails unclearly."""
    with pytest.raises(CalosimError) as caught:
        get(behaviour)
    assert type(caught.value) is CalosimError
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not get.target.exists()
    assert n_requests in (None, len(server.seen))


@pytest.mark.parametrize("behaviour", ["status 404", "corrupt"])
def test_nothing_is_left_of_a_hopeless_fetch(get, behaviour):
    """Breaks if empty or wrong partial files pile up."""
    with pytest.raises(CalosimError):
        get(behaviour)
    assert list(get.target.parent.iterdir()) == []


def test_replaced_file_is_refused_before_it_is_fetched(get, server):
    """Breaks if a file of another size than published is downloaded first and rejected later."""
    with pytest.raises(CalosimError, match="the server has 300000 bytes, the published file 299999; it was replaced"):
        get("normal", n_bytes=299_999)
    assert len(server.seen) == 1


def test_goes_on_after_an_end_of_the_process(get, server):
    """Breaks if what an earlier process received is thrown away, or used for another address."""
    with pytest.raises(CalosimError, match=r"150000 bytes are kept in .*showers.hdf5.partial: run the command again"):
        get("cut", patience=Patience(tries=1))
    assert get.partial.read_bytes() == get.content[:150_000]
    assert get("normal", md5=False).path == get.target
    assert server.seen == [(REST, ETAG)]
    get.target.unlink()
    with pytest.raises(CalosimError):
        get("cut", patience=Patience(tries=1))
    get("normal", md5=False, url=server.url + "-elsewhere")
    assert server.seen == [(None, None)]
    assert get.only_file() == get.content


def test_killed_between_last_byte_and_name(get, server):
    """Breaks if a partial file that is complete is fetched again or refused."""
    with pytest.raises(CalosimError):
        get("cut", patience=Patience(tries=1))
    get.partial.write_bytes(get.content)
    get("normal")
    assert server.seen == [(f"bytes={len(get.content)}-", ETAG)]
    assert get.only_file() == get.content
    get.target.rename(get.partial)
    get(n_bytes=len(get.content))
    assert server.seen == []


def test_progress_renews_the_patience(get):
    """Breaks if a long file over a bad line is given up although every try brings a good part of it."""

    with pytest.raises(CalosimError, match="tried 3 times"):
        get("cut a fifth")
    get.partial.unlink()
    patience = Patience(tries=3, first_wait_s=0.0, enough_bytes=50_000)
    assert get("cut a fifth", patience=patience).verified


def test_waits_double_up_and_the_server_is_listened_to(get, monkeypatch):
    """Breaks if a busy server is hammered."""
    waits = []
    monkeypatch.setattr(fetch_module.time, "sleep", waits.append)
    with pytest.raises(CalosimError):
        get("status 500", "status 500", "status 503 Retry-After 7", "status 500", patience=Patience(tries=6))
    assert waits == [1, 2, 7, 8, 16]


def test_only_https_unless_asked_for(get, server):
    """Breaks if a plain http address is fetched from, or if the switch for tests opens the whole net."""
    with pytest.raises(CalosimError, match="expected an https address"):
        get("normal", allow_http_localhost=False)
    assert server.seen == []
    with pytest.raises(CalosimError, match="expected an https address"):
        get("normal", url="http://example.invalid/showers")


def test_no_server_at_all(get):
    """Breaks if a refused connection is not one clear line."""
    with pytest.raises(CalosimError, match=r"showers: Connection refused \(tried 3 times in a row\); try again later"):
        get(url="http://127.0.0.1:9/showers")
    assert list(get.target.parent.iterdir()) == []
