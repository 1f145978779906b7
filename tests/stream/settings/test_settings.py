"""Every setting has one default, one comment and a range, and a wrong one is refused in a sentence that helps."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from stream.errors import SettingsError
from stream.settings.loading import load_settings
from stream.settings.schema import SECTIONS, Settings
from stream.settings.template import as_yaml
from tests.paths import ROOT

CONFIG_YAML = ROOT / "config.yaml"


def test_config_yaml_is_what_the_code_says() -> None:
    assert CONFIG_YAML.read_text(encoding="utf-8") == as_yaml()
    assert load_settings(CONFIG_YAML) == Settings() == load_settings()


def test_each_setting_has_a_comment() -> None:
    for name in SECTIONS:
        for key, field in type(getattr(Settings(), name)).model_fields.items():
            assert field.description, f"{name}.{key}"


def test_a_file_changes_what_it_names_and_set_wins(tmp_path: Path) -> None:
    path = tmp_path / "my.yaml"
    path.write_text("detector:\n  min_face_px: 50\n  precision: f32\nclassifier:\n", encoding="utf-8")
    settings = load_settings(path, ["detector.min_face_px=40", "output.crf=18", "classifier.threshold=null"])
    assert settings.detector.min_face_px == 40
    assert settings.detector.precision == "f32"
    assert settings.output.crf == 18
    assert settings.classifier == Settings().classifier


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("detector.min_face=40", "--set: detector.min_face is not a setting (it was given 40). Did you mean min_face_px?"),
        ("detectr.min_face_px=40", "--set: detectr is not a setting (it was given {'min_face_px': 40}). Did you mean detector?"),
        ("detector.min_face_px=3", "--set: detector.min_face_px cannot be 3: it must be greater than or equal to 12 or it must be 'auto'."),
        ("output.crf=99", "--set: output.crf cannot be 99: it must be less than or equal to 51."),
        ("source.open_timeout_s=.nan", "--set: source.open_timeout_s cannot be nan: it must be a finite number."),
        ("output.preset=turbo", "--set: output.preset cannot be 'turbo': it must be 'ultrafast', "),
        ("detector.thresholds=[.6, .7]", "--set: detector.thresholds cannot be [0.6, 0.7]: a value is missing"),
        ("identity.false_names=0.5", "--set: identity.false_names cannot be 0.5: it must be less than or equal to 0.1."),
        ("identity.peopel=x", "--set: identity.peopel is not a setting (it was given 'x'). Did you mean people?"),
        ("output=3", "--set output=3: write it as section.key=value"),
        ("output.crf", "--set output.crf: write it as section.key=value"),
        ("output.crf=[", "--set: output.crf cannot be '[': it must be a valid integer"),
    ],
)
def test_a_wrong_setting_is_refused_with_key_value_and_the_right_name(override: str, sentence: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(None, [override])
    assert str(caught.value).startswith(sentence)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("detector: [1", "is not valid YAML: expected ',' or ']', but got '<stream end>' in line 1."),
        ("- a\n- b", "must hold settings as `key: value`, not list"),
        ("detector: 5", "detector cannot be 5"),
        ("detector:\n  min_face: 4", "detector.min_face is not a setting (it was given 4). Did you mean min_face_px?"),
        ("\x00", "is not valid YAML"),
    ],
)
def test_a_wrong_file_is_refused_by_name(tmp_path: Path, text: str, part: str) -> None:
    path = tmp_path / "my.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load_settings(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert part in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_or_unreadable_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="there is no such settings file"):
        load_settings(tmp_path / "none.yaml")
    with pytest.raises(SettingsError, match="cannot be read as a settings file"):
        load_settings(tmp_path)
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(SettingsError, match="cannot be read as a settings file"):
        load_settings(tmp_path / "bytes.yaml")


def test_the_printed_settings_can_be_read_back() -> None:
    changed = load_settings(None, ["classifier.model=/models/mine: x", "detector.thresholds=[0.5, 0.5, 0.3]"])
    assert Settings.model_validate(yaml.safe_load(as_yaml(changed))) == changed


def test_more_good_looks_than_looks_are_refused() -> None:
    with pytest.raises(SettingsError, match="5 of 3 looks can never be"):
        load_settings(None, ["tracker.confirm=[5, 3]"])


def test_all_sources_share_one_folder_of_people_and_each_may_name_nobody(tmp_path: Path) -> None:
    file = tmp_path / "my.yaml"
    file.write_text("sources: [{name: door, address: 0, identity: {people: friends}}, {name: street, address: 1}]")
    settings = load_settings(file)
    assert settings.people_folder == Path("friends")
    assert [settings.of(one).identity.people for one in settings.sources] == [Path("friends"), None]
    file.write_text("identity: {people: family}\nsources: [{name: door, address: 0, identity: {people: friends}}]")
    with pytest.raises(SettingsError, match=r"sources\.door\.identity\.people: all sources share one folder; null names nobody there\.$"):
        load_settings(file)
    file.write_text("identity: {people: family}\nsources: [{name: door, address: 0, identity: {false_names: 0.05}}]")
    with pytest.raises(SettingsError, match=r"sources\.door\.identity\.false_names is one for all sources"):
        load_settings(file)
