"""`sources` in a settings file: cameras with names and settings of their own."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from stream.analysis.analyser import Analyser
from stream.errors import SettingsError, UsageError
from stream.frame import Frame, SourceInfo
from stream.passwords import redact_in
from stream.settings.loading import load_settings
from stream.settings.template import as_yaml
from stream.sources.addresses import redact, with_variables
from tests.command import facestream, is_one_sentence
from tests.media import ffprobe_times, make_clip, rtsp_server


def written(folder: Path, text: str) -> Path:
    path = folder / "cams.yaml"
    path.write_text(text, encoding="utf-8")
    return path


ALL = """
detector: {min_face_px: 30}
output: {crf: 25}
sources:
  - name: Front door
    address: rtsp://viewer:${DOOR}@192.168.1.20/stream1
    detector: {min_face_px: 60}
    tracker:
    source: {rtsp_transport: udp}
  - name: 7
    address: 0
    detector: {enabled: false}
"""


def test_each_source_has_its_own_settings_over_those_for_all(tmp_path: Path) -> None:
    settings = load_settings(written(tmp_path, ALL), ["output.crf=30"])
    door, desk = settings.sources
    assert (door.name, desk.name, desk.address) == ("Front door", "7", "0")
    assert settings.detector.min_face_px == settings.of(desk).detector.min_face_px == 30
    assert settings.of(door).detector.min_face_px == 60
    assert settings.of(door).output.crf == settings.of(desk).output.crf == 30
    assert (settings.of(door).source.rtsp_transport, settings.of(desk).source.rtsp_transport) == ("udp", "tcp")
    assert not settings.of(desk).detector.enabled
    assert load_settings(written(tmp_path, as_yaml(settings))) == settings, "printed, they can be read back"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{name: a, address: 0}", "sources must be a list, each entry with a name and an address."),
        ("[rtsp://u:S3cret@host/x]", "entry 1 of sources: write it as a name and an address, such as {name: "),
        ("[{address: 0}]", "entry 1 of sources: needs a name of letters, digits, spaces, dots, - and _, with a letter "),
        ("[{name: ../x, address: 0}]", "entry 1 of sources: needs a name of letters"),
        ("[{name: on, address: 0}]", "entry 1 of sources: needs a name of letters"),
        ("[{name: a}]", "sources.a needs an address: a camera's index, rtsp://..., a file."),
        ("[{name: a, adress: rtsp://u:S3cret@host/x}]", "sources.a.adress is not a setting. Did you mean address?"),
        ("[{name: a, address: 0}, {name: A, address: 1}]", "two of sources are called A; each needs a name of its own "),
        ("[{name: a, address: 0, detector: {preset: wider}}]", "sources.a.detector.preset is one for all sources: set it outside "),
        ("[{name: a, address: 0, pipeline: {batch_size: 2}}]", "sources.a.pipeline is one for all sources: set it outside "),
        ("[{name: a, address: 0, detector: 5}]", "sources.a.detector must hold settings as `key: value`."),
        (
            "[{name: a, address: 0, detector: {min_face: 40}}]",
            "sources.a.detector.min_face is not a setting (it was given 40). Did you mean min_face_px?",
        ),
        ("[{name: a, address: 0, output: {crf: 99}}]", "sources.a.output.crf cannot be 99: it must be less than or equal to 51."),
        ("[{name: a, address: 'rtsp://u:S3cret@host/x}]", "is not valid YAML: found unexpected end of stream in line 1."),
    ],
)  # fmt: skip
def test_a_wrong_entry_is_told_in_one_sentence_without_its_password(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(written(tmp_path, f"sources: {text}"))
    assert str(caught.value).startswith(f"{tmp_path / 'cams.yaml'}: {sentence}")
    assert "S3cret" not in str(caught.value)


def test_an_address_in_the_wrong_place_is_told_without_its_password(tmp_path: Path) -> None:
    for text in ("source: rtsp://u:S3cret@host/x", "source: {adress: 'rtsp://u:S3cret@host/x'}", "camera: [{a: 'rtsp://u:S3cret@host/x'}]"):
        with pytest.raises(SettingsError) as caught:
            load_settings(written(tmp_path, text))
        assert "rtsp://u:***@host" in str(caught.value)
        assert "S3cret" not in str(caught.value)
    with pytest.raises(SettingsError, match="listed in a settings file only"):
        load_settings(written(tmp_path, ALL), ["sources.7.address=1"])


def test_variables_stand_for_what_the_environment_says() -> None:
    environment = {"PASSWORD": "p@ss/w:rd%", "HOST": "10.0.0.3", "ALL": "rtsp://u:p@host/x"}
    assert with_variables("rtsp://u:${PASSWORD}@${HOST}/x", environment) == "rtsp://u:p%40ss%2Fw:rd%25@10.0.0.3/x"
    assert with_variables("${ALL}", environment) == environment["ALL"]
    assert with_variables("clip$1.mp4", environment) == "clip$1.mp4"
    with pytest.raises(UsageError, match="the environment variable NONE is not set") as caught:
        with_variables("rtsp://u:secret@${NONE}/x", environment)
    assert "secret" not in str(caught.value)
    assert "p@ss" not in redact(with_variables("rtsp://u:${PASSWORD}@host/x", environment))


def test_a_variable_behind_the_host_is_shown_nowhere() -> None:
    environment = {"KEY": "S3cr/et", "HOST": "camera.lan"}
    address = with_variables("http://${HOST}/${KEY}/live", environment)
    assert address == "http://camera.lan/S3cr/et/live"
    assert redact(address) == "http://camera.lan/***/live"
    assert redact_in(f"cannot open {address}: S3cr/et") == "cannot open http://camera.lan/***/live: ***"


def test_a_source_s_own_settings_reach_the_detector_and_the_classifier(tmp_path: Path, portrait: np.ndarray) -> None:
    entries = [{"name": "a", "address": 0}, {"name": "large", "address": 0, "detector": {"min_face_px": 590}}]
    entries += [{"name": "blind", "address": 0, "detector": {"enabled": False}}]
    entries += [{"name": "strict", "address": 0, "classifier": {"threshold": 1.0, "keep_dropped": True}}]
    settings = load_settings(written(tmp_path, json.dumps({"detector": {"device": "cpu"}, "sources": entries})))
    analyser = Analyser.load(settings)
    managers = [analyser.follow(SourceInfo(one.name, live=True), settings.of(one)) for one in settings.sources]
    frames = [Frame.of_image(portrait, source=one.name, captured_at=0) for one in settings.sources]
    labels = [[face.label for face in analysis.faces] for analysis in analyser.look(frames, managers)]
    assert labels == [["face"], [], [], ["not face"]]


@pytest.mark.slow
def test_a_run_without_a_source_runs_those_of_the_settings(tmp_path: Path) -> None:
    """Two cameras, one with a password from the environment, and a file: names everywhere, the password nowhere."""
    clip = make_clip(tmp_path / "clip.mp4")
    with rtsp_server(password="S3cret@/x", rate=15) as server, rtsp_server(rate=10) as other:
        config = written(
            tmp_path,
            f"""
detector: {{device: cpu}}
sources:
  - {{name: Front door, address: 'rtsp://viewer:${{DOOR}}@127.0.0.1:{server.port}/camera', classifier: {{every_s: 1}}}}
  - {{name: yard, address: '{other.address}', detector: {{enabled: false}}}}
  - {{name: shelf, address: '{clip}'}}
""",
        )
        common = ("--config", config, "-o", tmp_path / "out", "--events", tmp_path / "events.jsonl")
        done = facestream("run", *common, "--max-frames", "30", environment={"DOOR": "S3cret@/x"})
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["Front door.mp4", "shelf.mp4", "yard.mp4"]
    assert len(ffprobe_times(tmp_path / "out" / "Front door.mp4")) > 5, "30 are read, and a busy machine records fewer"
    assert len(ffprobe_times(tmp_path / "out" / "shelf.mp4")) == 30
    events = (tmp_path / "events.jsonl").read_text(encoding="utf-8")
    assert {json.loads(line)["source"] for line in events.splitlines()} == {"Front door", "yard", "shelf"}
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == ["Front door", "yard", "shelf"]
    assert "S3cret" not in done.stdout + done.stderr + events


def test_sources_on_the_command_line_replace_those_of_the_settings_or_pick_one(tmp_path: Path) -> None:
    make_clip(tmp_path / "clip.mp4")
    make_clip(tmp_path / "other.mp4", times=range(12))
    config = written(tmp_path, "sources: [{name: first, address: clip.mp4}, {name: second, address: '${NOT_SET}'}]")
    quick = ("--config", config, "--set", "detector.enabled=false")
    done = facestream("run", "other.mp4", *quick, cwd=tmp_path)
    assert (done.returncode, done.stdout.split(",")[0]) == (0, "other.mp4: 12 frames"), done.stderr
    done = facestream("run", "first", *quick, cwd=tmp_path)
    assert (done.returncode, done.stdout.split(",")[0]) == (0, "first: 30 frames"), done.stderr
    done = facestream("run", *quick, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == "facestream: ${NOT_SET}: the environment variable NOT_SET is not set.\n"
    done = facestream("run", cwd=tmp_path)
    assert (done.returncode, is_one_sentence(done.stderr)) == (2, True), done.stderr
