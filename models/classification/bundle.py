"""A trained model on disk: a folder that says what it is, and is refused if it is not what it says.

model.json    what the scores mean, how crops are cut, the threshold, how good it is, sha256 of each other file
model.keras   the Keras model, for further training and for GPUs
model.xml     the same for CPUs (OpenVINO): takes uint8 RGB
model.bin     its weights
README.md     the card, for people; the program never reads it
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from models.atomic import written_whole
from models.classification.keras_safety import refuse_unsafe
from models.errors import ModelError, already_there
from models.inference.keras_as_meant import as_meant, import_keras
from models.places import checked_path, printable, why_no_new_folder

if TYPE_CHECKING:
    import keras

SHIPPED = Path(__file__).parents[1] / "trained"
"""Where the bundles that come with the program are, a folder each."""
INFO = "model.json"
KERAS = "model.keras"
OPENVINO = "model.xml"
WEIGHTS = "model.bin"
FILES = (KERAS, OPENVINO, WEIGHTS)

Share = Annotated[float, Field(ge=0, le=1)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
LONGEST_NAME = 100
"""Characters, of a model or a class."""
Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class CropRule(_Part):
    """How a face is cut out of a picture; `models.imaging.crops.crop_squares` does it."""

    shape: Literal["square"] = "square"
    margin: Annotated[float, Field(ge=0, le=2)] = 0.0
    """Added on each side of the squared box, as a share of its side."""


class TrainingData(_Part):
    """What the model was trained on."""

    fingerprint: Sha256
    """Of the content of every picture and the name of its class."""
    pictures: dict[Name, Annotated[int, Field(ge=0)]]
    """How many crops of each class it learnt from."""
    learnt_from: Annotated[str, Field(pattern="^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$")] | None = None
    """The pictures that it learnt from or that chose its weights and threshold, as `models.data.learnt` writes them; None: not known."""


class FusionWeights(_Part):
    """How the detector's score joins the network's probability where it is known: logits, weighted and added (`score_fusion`)."""

    network: float
    """Weight of the network's logit."""
    score: float
    """Weight of the logit of the detector's score."""
    bias: float
    name: Name = "mtcnn"
    """The detector whose finds this was fitted on. With another, whose scores mean something else, nothing is joined."""

    @property
    def weights(self) -> tuple[float, float, float]:
        return self.network, self.score, self.bias


class RoundingCheck(_Part):
    """What a less exact arithmetic changed on real crops."""

    crops: Annotated[int, Field(ge=1)]
    labels_changed: Annotated[int, Field(ge=0)]
    largest_change: Share
    """Of a probability."""

    @property
    def harmless(self) -> bool:
        """Fewer than one label in a thousand changed, seen on a thousand or more."""
        return self.crops >= 1000 and self.labels_changed * 1000 < self.crops


class ModelInfo(_Part):
    """What `model.json` says."""

    format: Literal[1] = 1
    name: Name
    meaning: str
    """What the scores mean, in a sentence."""
    classes: Annotated[tuple[Name, ...], Field(min_length=2)]
    """In the order of the columns of `Classifier.classify`."""
    drop: tuple[Name, ...] = ()
    """Classes that mean "this is no face": such finds are left out of results."""
    architecture: Name
    input_px: Annotated[int, Field(ge=8, le=2048)]
    colours: Literal["RGB"] = "RGB"
    crop: CropRule
    threshold: Share | None
    """Two classes: the lowest probability of the second class to be called so. None for more: the likeliest class wins."""
    threshold_rule: str
    """How the threshold was chosen."""
    temperature: Annotated[float, Field(gt=0)] | None = None
    """By what the last sums were divided so that the scores fit pictures not learnt from: built into the weights. None: not calibrated."""
    detector: FusionWeights | None = None
    """What the detector's score adds; None: nothing. Only for a second class that is a face at all."""
    bfloat16: RoundingCheck | None = None
    """What computing in bfloat16 would change; None: not measured, so it is not done."""
    metrics: dict[Name, float]
    """Measured on pictures it never saw; flat, floats."""
    data: TrainingData
    trained_on: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    seed: int
    versions: dict[Name, Name]
    files: dict[str, Sha256]

    @property
    def columns(self) -> int:
        """Of the network's output: one sigmoid for two classes, else one for each class."""
        return 1 if len(self.classes) == 2 else len(self.classes)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len(set(self.classes)) != len(self.classes):
            raise ValueError("two classes have the same name")
        if not set(self.drop) < set(self.classes):
            raise ValueError("drop must name some of the classes")
        if (self.threshold is None) != (len(self.classes) > 2):
            raise ValueError("two classes need a threshold, and only two")
        if self.detector is not None and len(self.classes) > 2:
            raise ValueError("the detector's score is evidence between two classes only")
        if set(self.files) != set(FILES):
            raise ValueError(f"files must list {', '.join(FILES)}")
        return self


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle whose every file was checked."""

    folder: Path
    info: ModelInfo

    @property
    def openvino(self) -> Path:
        return self.folder / OPENVINO

    @property
    def keras(self) -> Path:
        return self.folder / KERAS


def shipped_names() -> list[str]:
    """The bundles that come with the program."""
    return sorted(path.parent.name for path in SHIPPED.glob(f"*/{INFO}"))


def read_bundle(model: str | Path) -> Bundle:
    """The bundle of that shipped name, or in that folder (a shipped name wins: write `./face` for a folder of your own).

    Raises:
        TypeError: this is neither a name nor a path.
        ModelError: it is unknown, foreign, incomplete, or not what it was when it was written.
    """
    checked_path(model, "a model's name or folder")
    shipped = shipped_names()
    folder = SHIPPED / model if str(model) in shipped else Path(model)
    try:
        if folder.is_file():
            raise ModelError(f"{model}: is a file; a model is named by its folder, the one that {INFO} is in.")
        if not folder.is_dir():
            raise ModelError(f"{model}: there is no such model. Shipped are: {', '.join(shipped)}; any other is named by its folder.")
        info = _read_info(folder)
        for name, expected in info.files.items():
            if _sha256(folder / name) != expected:
                raise ModelError(f"{folder}: {name} is not the file that {INFO} describes (its sha256 differs); get the model anew.")
    except FileNotFoundError as error:
        raise ModelError(f"{folder}: is not a complete model: there is no {Path(error.filename).name} in it.") from None
    except OSError as error:
        raise ModelError(f"{model}: cannot be read ({error.strerror}).") from error
    return Bundle(folder, info)


def load_keras_model(bundle: Bundle) -> keras.Model:
    """The bundle's Keras model, for a GPU or for further training.

    Raises:
        ModelError: it holds code, or cannot be read.
    """
    import_keras()
    import keras

    try:
        refuse_unsafe(bundle.keras)
        with as_meant():
            model = keras.saving.load_model(bundle.keras, compile=False, safe_mode=True)
    except ModelError:
        raise
    except Exception as error:  # fed a damaged file, Keras raises anything from zlib.error to RecursionError
        raise ModelError(
            f"{bundle.keras}: cannot be read as a Keras model ({(str(error) or type(error).__name__).splitlines()[0]})."
        ) from error
    side, columns = bundle.info.input_px, bundle.info.columns
    if (model.input_shape, model.output_shape) != ((None, side, side, 3), (None, columns)):
        raise ModelError(f"{bundle.keras}: takes {model.input_shape} and gives {model.output_shape}, which {INFO} does not describe.")
    return model


def write_bundle(
    folder: Path, make_info: Callable[[dict[str, str]], ModelInfo], save_into: Callable[[Path], None], make_card: Callable[[ModelInfo], str]
) -> Bundle:
    """Writes a bundle completely or not at all; an earlier bundle in the same place is replaced.

    Args:
        make_info: gets the sha256 of each file by name.
        save_into: writes `FILES` into the folder it is given.
        make_card: gives the text of README.md.

    Raises:
        ModelError: the place holds something else, or cannot be written. What was there before is untouched.
    """
    check_place(folder)
    try:
        with written_whole(folder) as fresh:
            fresh.mkdir()
            save_into(fresh)
            info = make_info({name: _sha256(fresh / name) for name in FILES})
            (fresh / INFO).write_text(json.dumps(info.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
            (fresh / "README.md").write_text(make_card(info), encoding="utf-8")
    except OSError as error:
        raise ModelError(f"{folder}: the model could not be written ({error.strerror or error}); nothing was changed.") from error
    return read_bundle(folder.absolute())  # the folder, also where its name alone is that of a shipped one


def check_place(folder: Path, *, overwrite: bool = True) -> None:
    """Refuses, before hours of work, a place where a bundle may not be written.

    Raises:
        ModelError: there is something other than an empty folder or an earlier bundle, or one that must not be replaced.
    """
    if why := why_no_new_folder(folder):
        raise ModelError(f"{printable(folder)}: {why}.")
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not (folder / INFO).is_file():
        raise ModelError(f"{folder}: holds something other than a model; name a new folder.")
    if not overwrite:
        raise ModelError(already_there(folder, "model"))


def _read_info(folder: Path) -> ModelInfo:
    path = folder / INFO
    try:
        return ModelInfo.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ModelError(f"{path}: is not a model description of format 1 ({place + ': ' if place else ''}{first['msg']}).") from None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
