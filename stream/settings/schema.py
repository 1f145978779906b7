"""Every setting, its default, its range and its meaning.

`config.yaml` is written from these models (`as_yaml`), so each default and each comment has one home.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from models.detection.cascade import MIN_FACE_PX, PRESETS, Preset
from models.detection.detector import DetectorOptions, Kind

if TYPE_CHECKING:
    from models.identity.network_file import NetworkFile

SHORT_SIDE_SHARE = 18
"""In moving pictures `min_face_px: auto` looks for faces of this fraction of the short side: 27 px at 480p, 60 at 1080p."""

LOWEST_SCORE = PRESETS["live"][0][2]
"""Of a find of MTCNN by default."""

Share = Annotated[float, Field(ge=0, le=1)]
Thresholds = tuple[Share, Share, Share]
Number = Annotated[float, Field(ge=-1000, le=1000)]
Positive = Annotated[float, Field(ge=0.001, le=1000)]


_THRESHOLDS = "; ".join(f"{name}: {', '.join(f'{lowest:g}' for lowest in thresholds)}" for name, (thresholds, _) in PRESETS.items())
_STEPS = "; ".join(f"{name}: {step:g}" for name, (_, step) in PRESETS.items())


class Section(BaseModel):
    """What all parts of the settings share: unknown keys are refused, and what was checked cannot be changed."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class DetectorSettings(Section):
    """Finds faces."""

    enabled: bool = Field(True, description="false: no faces are looked for at all")
    kind: Kind = Field("mtcnn", description="mtcnn, or yunet with weights of your own (finds more small and masked faces, on the CPU)")
    weights: Path | None = Field(None, description="kind yunet: the path of its ONNX file; null: mtcnn, which brings its own")
    min_face_px: Annotated[int, Field(ge=12, le=10000)] | Literal["auto"] = Field(
        "auto",
        description=f"smallest face to find, px; auto: {MIN_FACE_PX} in pictures, 1/{SHORT_SIDE_SHARE} of the short side but at least "
        f"{MIN_FACE_PX} in videos",
    )
    score: Share | None = Field(None, description="kind yunet: lowest score of a find; null: its own. For mtcnn see thresholds")
    preset: Preset = Field(
        "live",
        description="kind mtcnn: the authors' values to live use, or wider, theirs for benchmarks: more faces, four times the false finds, "
        "1.7 times the time",
    )
    thresholds: Thresholds | None = Field(
        None, description=f"kind mtcnn: lowest scores to pass P-Net, R-Net and O-Net; null: the preset's ({_THRESHOLDS})"
    )
    pyramid_step: Annotated[float, Field(ge=0.5, le=0.95)] | None = Field(
        None, description=f"kind mtcnn: size of each pyramid level relative to the one before; null: the preset's ({_STEPS})"
    )
    mirror: bool = Field(False, description="kind mtcnn, true: look at each face mirrored too; landmarks 7 % closer for a tenth more time")
    device: Literal["auto", "cpu", "gpu"] = Field("auto", description="auto: the GPU where there is one; yunet stays on the CPU")
    precision: Literal["auto", "f32"] = Field("auto", description="auto: bfloat16 where the processor has it; f32: always exact")

    def options(self) -> DetectorOptions:
        """What `load_detector` takes. How small a face may be is said anew for each frame."""
        return DetectorOptions(**self.model_dump(exclude={"enabled", "min_face_px"}))

    def options_for_pictures(self) -> DetectorOptions:
        """The same where there are only pictures, as in training."""
        return replace(self.options(), min_face_px=self.smallest_face_px(0, still=True))

    def smallest_face_px(self, short_side_px: int, *, still: bool) -> int:
        """What `min_face_px` means for a frame whose shorter side is so long."""
        if self.min_face_px != "auto":
            return self.min_face_px
        return MIN_FACE_PX if still else max(MIN_FACE_PX, round(short_side_px / SHORT_SIDE_SHARE))

    @property
    def lowest_score(self) -> float:
        """Of a find."""
        if self.kind == "yunet":
            return LOWEST_SCORE if self.score is None else self.score
        return (self.thresholds or PRESETS[self.preset][0])[2]

    @model_validator(mode="after")
    def _of_one_kind(self) -> Self:
        self.options()  # refuses what belongs to another kind
        return self


class TrackerSettings(Section):
    """Gives each face a number that stays with it."""

    search_every_s: Annotated[float, Field(ge=0, le=60)] = Field(
        0.25,
        description="how often the whole picture is searched for new faces, s; in between known faces are checked where they should be; "
        "0: every frame is searched",
    )
    confirm: tuple[Annotated[int, Field(ge=1, le=100)], Annotated[int, Field(ge=1, le=100)]] = Field(
        (3, 5), description="a find counts as a face when it is seen in so many of its first so many looks; [1, 1]: at once"
    )
    forget_after_s: Annotated[float, Field(ge=0, le=60)] = Field(1.0, description="a face not seen for so long gets a new number, s")
    min_overlap: Share = Field(0.3, description="least overlap (IoU) of a face with the place where its track should be")

    @model_validator(mode="after")
    def _can_be_confirmed(self) -> Self:
        if self.confirm[0] > self.confirm[1]:
            raise ValueError(f"confirm: {self.confirm[0]} of {self.confirm[1]} looks can never be; the first number is the smaller")
        return self


class ClassifierSettings(Section):
    """Scores each face (CNN)."""

    model: str = Field("face", description="a shipped bundle's name, a bundle's folder, or none")
    threshold: Share | None = Field(None, description="lowest probability of the second class to be called so; null: the bundle's own")
    precision: Literal["auto", "f32"] = Field(
        "auto",
        description="auto: bfloat16 where the processor has it and the bundle says it changes no label in a thousand; f32: always exact",
    )
    every_s: Annotated[float, Field(ge=0, le=60)] = Field(
        0.5, description="how often a tracked face is scored again, s (a new face at once); 0: in every frame"
    )
    uncertain_below: Share = Field(
        0.0, description="a followed face is labelled uncertain while its label is less certain than this, 0.5 to 1; 0: never"
    )
    keep_dropped: bool = Field(False, description="true: also show what the model says is no face")


class HideSettings(Section):
    """Makes faces unrecognisable."""

    style: Literal["none", "blur", "pixelate", "fill"] = Field("none", description="how; none: nobody is hidden")
    whom: str | tuple[str, ...] = Field(
        "everybody",
        description="everybody; unknown: all but the people of identity.people; known: these people; [Ada, Bo]: these of them; "
        "MODEL=LABEL: whom the classifier gives that label. Whoever is not decided yet is hidden",
    )
    shape: Literal["ellipse", "rectangle"] = Field("ellipse", description="of what is covered")
    margin: Annotated[float, Field(ge=0.5, le=5)] = Field(1.0, description="how far beyond a face; 1: whole heads, hair and chin too")
    hold_s: Annotated[float, Field(ge=0, le=5)] = Field(
        0.5, description="for how long a face's place stays covered after it was last seen, s; in files also before it is first seen"
    )
    keep_gps: bool = Field(True, description="false: the place where a picture was taken is left out of its file")

    @property
    def on(self) -> bool:
        return self.style != "none"


class IdentitySettings(Section):
    """Names faces by photos of known people."""

    people: Path | None = Field(None, description="the folder that facestream people keeps; null: nobody is named")
    network: Path | None = Field(
        None,
        description="another network that describes faces: an ONNX file of the ArcFace kind (112 px); null: the one that ships",
    )
    network_mean: Number | tuple[Number, Number, Number] = Field(
        127.5, description="what such a network takes is (pixel - mean) / scale, of 0 to 255: the mean, or that of red, green and blue"
    )
    network_scale: Positive | tuple[Positive, Positive, Positive] = Field(128.0, description="the scale, or three")
    network_channels: Literal["rgb", "bgr"] = Field("rgb", description="in which order it takes them: rgb or bgr")
    cohort: Path | None = Field(None, description="strangers to measure by; null: those that ship, and your own (people calibrate)")
    false_names: Annotated[float, Field(ge=0.001, le=0.1)] = Field(0.01, description="of strangers, the share that may get somebody's name")
    min_eyes_px: Annotated[float, Field(ge=4, le=1000)] = Field(
        15.0, description="a face whose eyes are less far apart is too small to tell who it is, px"
    )
    every_s: Annotated[float, Field(ge=0, le=60)] = Field(
        0.5, description="how often a tracked face is looked at again, s (a new face at once); 0: in every frame"
    )

    @property
    def network_file(self) -> NetworkFile:
        """The network that describes faces."""
        from models.identity.network_file import NetworkFile  # most runs name nobody

        if self.network is None:
            return NetworkFile()
        return NetworkFile(self.network, self.network_mean, self.network_scale, self.network_channels)

    @model_validator(mode="after")
    def _of_one_network(self) -> Self:
        for key in ("network_mean", "network_scale", "network_channels"):
            is_usual = getattr(self, key) == type(self).model_fields[key].default
            if is_usual or (self.network is not None and self.network_file.is_onnx):
                continue
            raise ValueError(f"{key} has a meaning only where network names an ONNX file (.onnx)")
        return self


class SourceSettings(Section):
    """Cameras and files."""

    open_timeout_s: Annotated[float, Field(gt=0, le=600)] = Field(5.0, description="longest time to wait for a camera to answer, s")
    read_timeout_s: Annotated[float, Field(gt=0, le=600)] = Field(
        2.0, description="a camera silent for so long is lost and opened again, s"
    )
    retry_min_s: Annotated[float, Field(gt=0, le=60)] = Field(0.2, description="first pause before a lost camera is tried again, s")
    retry_max_s: Annotated[float, Field(gt=0, le=600)] = Field(2.0, description="longest such pause, s")
    rtsp_transport: Literal["tcp", "udp"] = Field("tcp", description="how RTSP pictures travel")
    camera_width: Annotated[int, Field(ge=0, le=16384)] = Field(0, description="asked of a webcam, px; 0: whatever it gives")
    camera_height: Annotated[int, Field(ge=0, le=16384)] = Field(0, description="the same, px")
    camera_rate: Annotated[float, Field(ge=0, le=1000)] = Field(0.0, description="the same, frames/s")
    rate: Annotated[float, Field(gt=0, le=1000)] = Field(
        25.0, description="of numbered pictures as one video (frames/img%03d.png), frames/s"
    )
    loop: bool = Field(False, description="true: a video file is played as a camera: at its own pace, over and over, without its sound")


class OutputSettings(Section):
    """What is written."""

    enabled: bool = Field(True, description="false: this source is not written, although -o names a place; for one of sources")
    encoder: Literal["auto", "libx264", "h264_nvenc", "h264_qsv", "h264_amf", "h264_videotoolbox"] = Field(
        "auto", description="of H.264; auto: special hardware where it works and is as good, else libx264 (facestream doctor tells)"
    )
    crf: Annotated[int, Field(ge=0, le=51)] = Field(18, description="H.264 quality: lower is better and larger")
    preset: Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow"] = Field(
        "veryfast", description="H.264 effort: slower makes smaller files"
    )
    audio: bool = Field(True, description="keep a file's sound")
    segment_minutes: Annotated[float, Field(ge=0, le=1440)] = Field(
        0.0, description="cameras: a new file every so many minutes of the clock, named by UTC; 0: one file"
    )
    track_events: bool = Field(False, description="true: --events also gets a line for each track when it is over")
    jpeg_quality: Annotated[int, Field(ge=1, le=100)] = Field(95, description="of JPEG and WebP pictures")


class PipelineSettings(Section):
    """How frames move."""

    batch_size: Annotated[int, Field(ge=1, le=256)] = Field(4, description="frames of a file looked at in one go")
    queue_size: Annotated[int, Field(ge=1, le=1024)] = Field(8, description="frames of a file that may wait before each stage")
    stalled_after_s: Annotated[float, Field(gt=0, le=3600)] = Field(
        10.0, description="a thread that has been at one piece of work for so long is called stalled by /healthz, s"
    )


class ClusterSettings(Section):
    """Archives on several machines (--cluster)."""

    cores_per_worker: Annotated[int, Field(ge=1, le=256)] = Field(2, description="of a machine, for each worker that looks at files")
    workers: Annotated[int, Field(ge=0, le=100_000)] = Field(0, description="at most, on all machines together; 0: as many as have cores")
    cut_minutes: Annotated[float, Field(ge=0, le=1440)] = Field(
        10.0, description="a video from this length on is done by several workers, in segments; 0: none is"
    )
    silent_s: Annotated[float, Field(ge=1, le=86_400)] = Field(
        300.0, description="a worker of whose file nothing comes for so long hangs and is ended, s"
    )


OWN: dict[str, frozenset[str]] = {
    "detector": frozenset({"enabled", "min_face_px"}),
    "tracker": frozenset(TrackerSettings.model_fields),
    "classifier": frozenset({"threshold", "every_s", "uncertain_below", "keep_dropped"}),
    "hide": frozenset(HideSettings.model_fields),
    "identity": frozenset({"people", "min_eyes_px", "every_s"}),
    "source": frozenset(SourceSettings.model_fields),
    "output": frozenset(OutputSettings.model_fields) - {"track_events"},
}
"""What a source of `sources` may set for itself. The rest is one for all of them: they share one worker, its models and its batches."""


WHILE_RUNNING: dict[str, frozenset[str]] = {
    "detector": frozenset({"enabled", "min_face_px"}),
    "tracker": frozenset(TrackerSettings.model_fields) - {"search_every_s"},
    "classifier": frozenset({"model", "threshold", "every_s", "uncertain_below", "keep_dropped"}),
    "hide": frozenset({"style", "whom", "shape", "margin", "hold_s"}),
    "identity": frozenset({"min_eyes_px", "every_s"}),
}
"""What may change while a run goes on: what is asked anew at each look. The rest is built into models, threads and outputs."""


class NamedSource(Section):
    """One of `sources`: a camera, or what else `facestream run` takes, with a name and settings of its own."""

    name: str
    address: str
    """As it is written in the file: `${NAME}` in it stands for an environment variable (`sources.addresses.with_variables`)."""
    changes: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Settings of its own, by section and key."""


class Settings(Section):
    """All settings."""

    detector: DetectorSettings = DetectorSettings()
    tracker: TrackerSettings = TrackerSettings()
    classifier: ClassifierSettings = ClassifierSettings()
    hide: HideSettings = HideSettings()
    identity: IdentitySettings = IdentitySettings()
    source: SourceSettings = SourceSettings()
    output: OutputSettings = OutputSettings()
    pipeline: PipelineSettings = PipelineSettings()
    cluster: ClusterSettings = ClusterSettings()
    sources: tuple[NamedSource, ...] = ()

    def of(self, source: NamedSource) -> Settings:
        """What holds for one of `sources`: its own settings over these, and no `sources`."""
        return self.model_copy(update={"sources": ()}).changed(source.changes)

    def of_name(self, name: str) -> Settings:
        """What holds for the source of that name: its own settings, where `sources` has it, else these."""
        return next((self.of(one) for one in self.sources if one.name == name), self)

    @property
    def everyone(self) -> list[Settings]:
        """These, and those of each of `sources`."""
        return [self, *map(self.of, self.sources)]

    @property
    def people_folder(self) -> Path | None:
        """The folder of known people, one for all sources; None: nobody is named anywhere."""
        return next((one.identity.people for one in self.everyone if one.identity.people is not None), None)

    def changed(self, changes: Mapping[str, Mapping[str, Any]]) -> Settings:
        """These with other values, by section and key.

        Raises:
            ValidationError: pydantic's, of what does not fit.
        """
        values = {section: getattr(self, section).model_dump() for section in SECTIONS}
        own = {section: {**values.get(section, {}), **keys} for section, keys in changes.items()}
        return Settings.model_validate({**values, **own, "sources": self.sources})


SECTIONS = tuple(name for name in Settings.model_fields if name != "sources")


def checked_settings(settings: object) -> Settings:
    """
    Raises:
        TypeError: they are something else.
    """
    if not isinstance(settings, Settings):
        raise TypeError(f"settings are what stream.settings.loading.load_settings gives, not {type(settings).__name__}")
    return settings
