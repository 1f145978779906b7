"""No password leaves an address; what cannot be a source is refused in one sentence."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.errors import SourceError
from stream.sources.addresses import redact
from stream.sources.opening import expand, open_source
from tests.media import make_clip


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("rtsp://camera/live", "rtsp://camera/live"),
        ("rtsp://admin:secret@camera:554/live", "rtsp://admin:***@camera:554/live"),
        ("rtsp://admin@camera/live", "rtsp://admin@camera/live"),
        ("rtsp://:secret@camera/live", "rtsp://:***@camera/live"),
        ("rtsp://admin:se@cr@et@camera/live", "rtsp://admin:***@camera/live"),
        ("rtsp://admin:sec/ret@camera/live", "rtsp://admin:***@camera/live"),
        ("rtsp://admin:sec#ret?x@camera/live", "rtsp://admin:***@camera/live"),
        ("rtsp://camera:554/stream@2", "rtsp://camera:554/stream@2"),
        ("http://camera/video?user=me&password=secret&size=2", "http://camera/video?user=me&password=***&size=2"),
        ("http://camera/video?usr=me&pwd=secret", "http://camera/video?usr=me&pwd=***"),
        ("rtsp://[fe80::1]:554/live", "rtsp://[fe80::1]:554/live"),
        ("me@home:photos/x.jpg", "me@home:photos/x.jpg"),
        ("0", "0"),
    ],
)
def test_an_address_is_shown_without_its_password(address, shown):
    assert redact(address) == shown


@given(
    st.text(st.characters(codec="ascii", exclude_characters="\n"), min_size=1).map("S3cr".__add__),
    st.sampled_from(["rtsp", "http", "rtsps"]),
)
def test_no_password_ever_shows(password, scheme):
    assert "S3cr" not in redact(f"{scheme}://admin:{password}@camera/live")


@pytest.mark.parametrize(
    ("address", "cause"),
    [
        ("ftp://me:secret@host/film.mp4", r"ftp:// cannot be read; there are http, https, rtsp, rtsps"),
        ("rtsp://", "names no host"),
        ("rtsp://me:secret@host:port/x", "is not a valid address"),
        ("missing.mp4", "there is no such file or folder"),
        ("", "An empty name is no source"),
        ("file://nas/films/a.mp4", "is a file on another machine"),
        ("file:///films/missing.mp4", "^/films/missing.mp4: there is no such file or folder"),
        ("camera:rtsp://me:secret@127.0.0.1:1/x?token=secret", r"camera rtsp://me:\*\*\*@127.0.0.1:1/x\?token=\*\*\*: cannot be opened"),
    ],
)
def test_what_cannot_be_a_source_is_refused_in_one_sentence(address, cause):
    with pytest.raises(SourceError, match=cause) as refused:
        open_source(address)
    assert "secret" not in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("begin", ["file://", "FILE://localhost", "file:"])
def test_the_address_of_a_file_is_the_file(tmp_path, begin):
    path = make_clip(tmp_path / "a b#1.mp4", times=range(3))
    address = begin + quote(str(path))
    assert expand(address) == [str(path)]
    assert expand(begin + quote(str(tmp_path))) == [str(path)]
    source = open_source(address)
    assert source.info.name == str(path)
    assert source.info.path == path
    assert len(list(source)) == 3


def test_a_file_that_is_called_so_is_itself(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("file:").mkdir()
    make_clip(Path("file:/a.mp4").absolute(), times=range(3))
    assert open_source("file:/a.mp4").info.path == Path("file:/a.mp4")
