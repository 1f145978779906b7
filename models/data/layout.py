"""How a folder of pictures may lie: a folder for each class, or that in a folder for each part, as data sets are handed on.

DATA/CLASS/...
DATA/train/CLASS/...   and DATA/val/CLASS/...   and, or or, DATA/test/CLASS/...     in any spelling of `PARTS`, in any case
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from models.data.samples import Part
from models.errors import ModelError
from models.imaging.folders import files_below, is_left_behind
from models.imaging.picture_formats import is_picture_name
from models.places import exists, is_file, is_folder

PARTS: dict[str, Part] = {
    "train": "train", "training": "train", "trn": "train",
    "val": "validation", "valid": "validation", "validation": "validation", "validate": "validation", "dev": "validation",
    "eval": "validation", "evaluation": "validation",
    "test": "test", "testing": "test", "tests": "test", "tst": "test", "holdout": "test",
}  # fmt: skip
"""By a folder's name, the part of the data that it holds: as Keras, Kaggle, Roboflow and Ultralytics call them. Capitals, what is between
words, a number at the end and the words `AFTER` do not count."""
AFTER = re.compile(r"(set|data|dataset|images|imgs|pictures|photos|split)$")
DEEPEST = 5
"""So many folders, each alone in the other, are looked through for classes (a guess)."""
ORDER: tuple[Part, ...] = ("train", "validation", "test")


def folders_of_parts(data: Path, *, to_judge: bool = False) -> list[tuple[Part | None, Path]]:
    """The folders that hold class folders, each with the part it stands for; `data` itself, for none, where it is not divided.

    Args:
        to_judge: nothing is to be learnt, so train/ may be missing.

    Raises:
        ModelError: parts and something else lie side by side, a part is there twice, or train/ is missing.
    """
    inside = _folders(data)
    found = [(part, folder) for folder in inside if (part := _part(folder))]
    if not found:
        return [(None, data)]
    divided = [folder for _, folder in found if _folders(folder)]
    names = ", ".join(folder.name for folder in inside)
    if len(found) < len(inside):
        if len({part for part, folder in found if folder in divided}) < 2:
            return [(None, data)]  # somebody's class is called so
        others = ", ".join(folder.name for folder in inside if not _part(folder))
        raise ModelError(f"{data}: has the parts {', '.join(folder.name for _, folder in found)} and beside them {others}; move that away.")
    if len(divided) < len(found):
        raise ModelError(
            f"{data}: {names} {'is the name of a part' if len(inside) == 1 else 'are names of parts'} of the data, not of classes, "
            "and not each has a folder for each class in it; known are train, val (valid, validation) and test: rename what is a class."
        )
    if len({part for part, _ in found}) < len(found):
        raise ModelError(f"{data}: {names}: two of these are the same part of the data; leave one of them.")
    if "train" not in {part for part, _ in found} and not to_judge:
        raise ModelError(f"{data}: has {names}, but no train folder to learn from.")
    if len(found) == 1:
        return [(None, divided[0])]
    return sorted(found, key=lambda one: ORDER.index(one[0]))


def class_folders(data: Path) -> list[Path]:
    """The folders of the classes, sorted by name.

    Raises:
        ModelError: there are fewer than two, one has no pictures, or a name cannot be a class.
    """
    if is_file(data):
        raise ModelError(
            f"{data}: is a file; unpack it where it is an archive, and name the folder that has one of pictures for each class."
        )
    if not is_folder(data):
        raise ModelError(f"{data}: there is no such folder; name one that has a folder of pictures for each class.")
    folders = _folders(data)
    if len(folders) < 2:
        found = f"only {folders[0].name}" if folders else "none"
        raise ModelError(
            f"{data}: needs a folder of pictures for each of two or more classes, and has {found}{_where_they_seem_to_lie(data)}."
        )
    for folder in folders:
        _check_name(folder)
        below = files_below(folder)
        if not any(map(is_picture_name, below.files)):
            why = f" ({below.sentences[0].rstrip('.')})" if below.unreadable else ""
            raise ModelError(f"{folder}: has no pictures{why}; fill this class or remove its folder.")
    if len({folder.name.casefold() for folder in folders}) < len(folders):
        raise ModelError(f"{data}: two classes differ only in capital letters; rename one.")
    return folders


def _where_they_seem_to_lie(data: Path) -> str:
    """A sentence's end for a folder of fewer than two classes: where there are more below it, as archives unpack, or why there are none."""
    folder = data
    with suppress(ModelError):
        for _ in range(DEEPEST):
            inside = _folders(folder)
            holds_classes = sum(bool(files_below(one, is_picture_name).files) for one in inside) > 1
            if holds_classes:
                return f"; they seem to lie in {folder}: name that"
            if len(inside) != 1:
                break
            folder = inside[0]
        if any(is_picture_name(path) and is_file(path) for path in folder.iterdir()):
            return f"; the pictures in {folder} lie side by side: sort them into a folder for each class"
    return ""


def folders_of_classes(side: Path, names: Sequence[str]) -> list[Path]:
    """The folder of each of these classes, which must be all there are."""
    found = [folder.name for folder in class_folders(side)]
    if sorted(found) != sorted(names):
        raise ModelError(f"{side}: has the classes {', '.join(found)}; {', '.join(names)} are needed.")
    return [side / name for name in names]


def picture_paths(folder: Path) -> list[Path]:
    """The picture files in the folder and those below, sorted."""
    return sorted(files_below(folder, is_picture_name).files)


def _folders(data: Path) -> list[Path]:
    """Those in a folder, sorted, but for hidden ones and what systems leave behind; none where it is no folder.

    Raises:
        ModelError: it may not be read, or a link in it leads nowhere: a class would be missing.
    """
    if not is_folder(data):
        return []
    try:
        inside = [path for path in data.iterdir() if not is_left_behind(path.name)]
    except OSError as error:
        raise ModelError(f"{data}: cannot be read ({error.strerror}).") from error
    for path in inside:
        if path.is_symlink() and not exists(path) and not path.suffix:
            raise ModelError(f"{path}: leads to {path.readlink()}, which is not there or cannot be read; mend or remove the link.")
    return sorted(path for path in inside if is_folder(path))


def _part(folder: Path) -> Part | None:
    """Of the data that a folder's name says it holds."""
    name = re.sub(r"[\W_]+", "", folder.name.casefold()).rstrip("0123456789")
    return PARTS.get(name) or PARTS.get(AFTER.sub("", name))


def _check_name(folder: Path) -> None:
    """A class's name goes into model.json, tables and file names."""
    name = folder.name
    why = None
    if len(name) > 100:
        why = "it is longer than 100 characters"
    elif not name.isprintable():
        why = "it has characters that cannot be printed"
    elif name.strip() != name or name.endswith("."):
        why = "it begins or ends with a space or ends with a dot"
    elif set(name) & set('\\:*?"<>|'):
        why = 'it has one of \\ : * ? " < > |'
    if why:
        raise ModelError(f"{str(folder)!r}: cannot be the name of a class: {why}; rename the folder.")
