"""Sources that look alike without their passwords are told apart, and their files hold no password."""

from __future__ import annotations

from pathlib import Path

import pytest

from stream.errors import SourceError, UsageError
from stream.job.inputs import open_inputs
from stream.job.outputs import assign_outputs
from stream.settings.schema import Settings


def names_and_files(folder: Path, *addresses: str) -> tuple[list[str], list[str]]:
    inputs, unopened = open_inputs(addresses, Settings())
    assert not unopened
    assign_outputs(inputs, folder, None, overwrite=False, segment=False)
    return [one.source.info.name for one in inputs], [one.output.name for one in inputs if one.output is not None]


def test_two_cameras_that_differ_in_what_is_hidden_have_two_names_and_two_files(tmp_path: Path) -> None:
    one, other = ("rtsp://h:1/user=a_password=S3cret1_channel=1", "rtsp://h:1/user=a_password=S3cret2_channel=1")
    names, files = names_and_files(tmp_path, one, other, "rtsp://h:1/user=a_password=S3cret1_channel=2")
    shown = "rtsp://h:1/user=a_password=***_channel="
    assert names == [f"{shown}1", f"{shown}1 (2)", f"{shown}2"]
    assert len(set(files)) == 3
    assert all(name.startswith("h-1-user-a_password-_channel-") and name.endswith(".mp4") for name in files), files
    assert "S3cret" not in "".join(names + files)


def test_the_same_camera_twice_keeps_its_name(tmp_path: Path) -> None:
    names, files = names_and_files(tmp_path, "rtsp://u:S3cret@h:1/x", "rtsp://u:S3cret@h:1/x")
    assert names == ["rtsp://u:***@h:1/x"] * 2
    assert len(set(files)) == 2


def test_standard_input_is_there_once() -> None:
    with pytest.raises(UsageError, match="standard input is there once"):
        open_inputs(["-", "-"], Settings())


@pytest.mark.parametrize("address", ["rtsp:/admin:S3cret@h/c", "admin:S3cret@h/c", "rtsp://h:x/c?pwd=S3cret", "rtmp://h/S3cret?key=S3cret"])
def test_what_cannot_be_opened_is_told_without_its_password(address: str) -> None:
    with pytest.raises(SourceError) as refused:
        open_inputs([address.replace("/S3cret?", "/live?")], Settings())
    assert "S3cret" not in str(refused.value)
    assert "***" in str(refused.value)
