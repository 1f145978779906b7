"""No password, key or token leaves an address, whatever way it is written in there; what else is in it stays readable."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.passwords import redact, redact_in, redact_mistyped

ADDRESSES = {
    # names and values in the path, as many cameras have them
    "rtsp://h/user=admin_password=S3cr_channel=1_stream=0.sdp": "rtsp://h/user=admin_password=***_channel=1_stream=0.sdp",
    "rtsp://h:554/user=admin&password=S3cr&channel=1": "rtsp://h:554/user=admin&password=***&channel=1",
    "rtsp://h/user=admin_password=a_b/S3cr_channel=1": "rtsp://h/user=admin_password=***_channel=1",
    "rtsp://h/user=admin_password=_channel=1": "rtsp://h/user=admin_password=***_channel=1",
    "rtsp://h/admin/passwd=S3cr/ch=2": "rtsp://h/admin/passwd=***/ch=2",
    # and in the query
    "http://h/v?loginuse=a&loginpas=S3cr": "http://h/v?loginuse=a&loginpas=***",
    "http://h/v?usr=a&pwd=S3cr&w=2": "http://h/v?usr=a&pwd=***&w=2",
    "http://h/v?user=a&pass=S3&cr&w=2": "http://h/v?user=a&pass=***&w=2",
    "http://h/v?token=a#S3cr": "http://h/v?token=***",
    "http://h/v?access_token=S3cr;w=2": "http://h/v?access_token=***;w=2",
    "http://h/v?q=1&pin=1234&sid=S3cr": "http://h/v?q=1&pin=***&sid=***",
    "rtsp://h/cam?channel=1&subtype=0&authbasic=UzNjcg==": "rtsp://h/cam?channel=1&subtype=0&authbasic=***",
    "https://h/v?X-Amz-Signature=S3cr&X-Amz-Date=2026": "https://h/v?X-Amz-Signature=***&X-Amz-Date=2026",
    "https://h/v?sv=2020&sig=S3cr%3D&se=1": "https://h/v?sv=2020&sig=***&se=1",
    "https://h/v?hdnts=exp=1~acl=/*~hmac=S3cr": "https://h/v?hdnts=***~acl=/*~hmac=***",
    "rtsp://h/admin:S3cr/c": "rtsp://h/admin:***/c",
    "rtsp://h/11?pass:S3cr": "rtsp://h/11?pass:***",
    "http://h/v?p=S3cr&u=x": "http://h/v?p=***&u=x",
    "http://h/v?u=a&p=S3cr&w=2": "http://h/v?u=a&p=***&w=2",
    "RTSP://ADMIN:S3CR@CAM/LIVE?PASSWORD=S3CR": "RTSP://ADMIN:***@CAM/LIVE?PASSWORD=***",
    "http://h/v?%70assword=S3cr&w=2": "http://h/v?password=***&w=2",
    "http://h/v?password%3DS3cr": "http://h/v?password=***",
    # in front of the host, with what should have been quoted
    "rtsp://admin:p@s/S3cr@h/c": "rtsp://admin:***@h/c",
    "rtsp://admin:p@S3cr#1@h:554/c": "rtsp://admin:***@h:554/c",
    "rtsp://admin:12/S3cr@cam/c": "rtsp://admin:***@cam/c",
    "rtsp://admin:#S3cr@[fe80::1]:554/c": "rtsp://admin:***@[fe80::1]:554/c",
    "rtsp://admin%3AS3cr@h/c": "rtsp://admin:***@h/c",
    "http://me:S3cr@h/c?mail=a@b.org": "http://me:***@h/c?mail=a@b.org",
    "rtsp://admin;S3cr@h/c": "rtsp://admin:***@h/c",
    "https://ghp_16C7e42F292c6912E7710c838347Ae178B4a@h/c": "https://***@h/c",
    # an address inside another
    "http://h/?url=rtsp://admin:S3cr@cam/live&w=2": "http://h/?url=rtsp://admin:***@cam/live&w=2",
    "http://h/?url=rtsp%3A%2F%2Fadmin%3AS3cr%40cam%2Flive": "http://h/?url=rtsp://admin:***@cam/live",
    "http://h/rtsp/admin:S3cr@cam/live": "http://h/rtsp/admin:***@cam/live",
    "camera:rtspsrc location=rtsp://a:S3cr@h/x ! appsink": "camera:rtspsrc location=rtsp://a:***@h/x ! appsink",
    "camera:rtspsrc user-pw=S3cr location=rtsp://h/x": "camera:rtspsrc user-pw=*** location=rtsp://h/x",
    # tokens as parts of the path
    "http://h/hls/token/S3cr/index.m3u8": "http://h/hls/token/***/index.m3u8",
    "http://tv.org:8080/live/bob/S3cr/17.ts": "http://tv.org:8080/live/***/***/17.ts",
    "http://tv.org:8080/bob/S3cr/17": "http://tv.org:8080/***/***/17",
    "rtsps://10.0.0.1:7441/AbC4dEf9Gh12k8Lm?enableSrtp": "rtsps://10.0.0.1:7441/***?enableSrtp",
    "http://h/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.abcDEF12-_x/a.m3u8": "http://h/***/a.m3u8",
    "http://h/550e8400-e29b-41d4-a716-446655440000/c": "http://h/***/c",
}

SAFE = [
    "rtsp://h/Streaming/Channels/101",
    "rtsp://h:554/h264Preview_01_main",
    "rtsp://h/cam/realmonitor?channel=1&subtype=0",
    "rtsp://[fe80::1%25eth0]:554/live@2",
    "http://10.0.0.2:8080/@user/film.mp4",
    "http://h/BigBuckBunny_320x180_30fps_h264.mp4",
    "http://h/VID20240101Holiday.mp4",
    "http://h/axis-cgi/mjpg/video.cgi?resolution=640x480&fps=15",
    "http://h/list?q=a&p=2",
    "rtsp://h/cam:1/c",
    "http://keys:8080/a",
    "http://h/to?t=12:30:45",
    "http://h/2024-01-02T10:20:30/x.mp4",
    "http://h/to?u=http://other:80/x",
    "recordings/password=1.mp4",
]


@pytest.mark.parametrize(("address", "shown"), ADDRESSES.items())
def test_what_is_secret_is_hidden_and_the_rest_stays(address: str, shown: str) -> None:
    assert redact(address) == shown
    assert redact(shown) == shown
    assert redact_in(f"{shown}: cannot be read ({shown}).") == f"{shown}: cannot be read ({shown})."


@pytest.mark.parametrize("address", SAFE)
def test_what_holds_no_secret_is_shown_as_it_is(address: str) -> None:
    assert redact(address) == redact_in(address) == address


LETTERS = st.text(st.characters(codec="ascii", exclude_characters="\n"), min_size=1)


@given(
    LETTERS, st.sampled_from(["rtsp://h/user=a_password={}_channel=1", "http://h/v?pwd={}&w=2", "rtsp://a:p@{}@h/c", "rtsp://a:1/{}@h/c"])
)
def test_no_password_shows_wherever_it_stands(password: str, address: str) -> None:
    shown = redact(address.format(f"S3cr{password}"))
    assert "S3cr" not in shown
    assert redact(shown) == shown


def test_what_others_say_about_an_address_is_cleaned() -> None:
    told = redact_in("[tcp] 'rtsp://u:S3cr@h/x?token=S3cr', failed; see http://docs/x.")
    assert told == "[tcp] 'rtsp://u:***@h/x?token=***', failed; see http://docs/x."


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("rtsp:/admin:S3cr@h/c", "rtsp:/admin:***@h/c"),
        ("admin:S3cr@192.168.1.5/c", "admin:***@192.168.1.5/c"),
        ("rtsp:/h/user=a&password=S3cr", "rtsp:/h/user=a&password=***"),
        ("12:30:45.mp4", "12:30:45.mp4"),
        ("photos/x.jpg", "photos/x.jpg"),
    ],
)
def test_a_mistyped_address_that_is_taken_for_a_file_hides_its_password_too(name: str, shown: str) -> None:
    assert redact_mistyped(name) == shown
