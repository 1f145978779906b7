"""Results as picture files."""

from __future__ import annotations

from pathlib import Path

from models.imaging.embedded import pictures_within, without_pictures
from models.imaging.metadata import Metadata, read_metadata
from models.imaging.picture_formats import unwritable_suffixes, writable_suffixes
from models.imaging.picture_writer import write_picture
from models.places import exists, is_folder
from stream.errors import PictureError, SinkError
from stream.frame import SourceInfo
from stream.settings.schema import HideSettings, OutputSettings
from stream.sinks.files import claim, make_folder, unwritable
from stream.sinks.result import Result


class PictureSink:
    """Writes each picture to a file, or all below a folder with the input's own names, subfolders and formats.

    A format that cannot be written becomes PNG: photo.heic photo.png, or photo.heic.png where the input holds a photo.png or photo.tga.
    Two pictures that would still get the same name are an error, not one file.
    """

    def __init__(
        self, path: Path, info: SourceInfo, settings: OutputSettings, *, overwrite: bool = False, hide: HideSettings | None = None
    ) -> None:
        """
        Args:
            path: a file (its ending is a picture's) or a folder (anything else).
            hide: where faces are hidden, what else a file says is looked through for copies of them.

        Raises:
            SinkError: the path cannot be written, is the input, or exists and must not be replaced.
        """
        self.path = path
        self.notes: list[str] = []
        self._written: dict[Path, None] = {}
        self._lost: dict[str, list[str]] = {}
        """What did not come along, in words, and from which pictures."""
        self._closed = False
        self._info = info
        self._settings = settings
        self._hide = hide if hide is not None and hide.on else None
        self._overwrite = overwrite
        self._is_folder = is_folder(path) or path.suffix.lower() not in writable_suffixes
        if not self._is_folder:
            claim(path, info.path, overwrite=overwrite)
            return
        try:
            make_folder(path)
        except OSError as error:
            raise SinkError(unwritable(path, error)) from error

    def write(self, result: Result) -> None:
        """Write one picture.

        Raises:
            SinkError: it cannot be written, would replace an input or a picture of this run, or must not replace what is there.
        """
        if self._closed:
            raise SinkError(f"{self.path}: is closed; nothing more can be written to it.")
        source = Path(self._info.file_name or result.frame.source)
        path = place(source, self._info.path, self.path) if self._is_folder else self.path
        if path in self._written:
            raise SinkError(f"{path}: two pictures of this run would have this name; name a folder as the output, or rename one of them.")
        claim(path, None if self._info.file_name else source, overwrite=self._overwrite)
        try:
            metadata = self._info.metadata if isinstance(self._info.metadata, Metadata) else _metadata(source)
            within: tuple[str, ...] = ()
            if self._hide is not None:
                metadata, within = without_pictures(metadata, keep_gps=self._hide.keep_gps), _within(source)
            lost = (*within, *write_picture(path, result.picture, quality=self._settings.jpeg_quality, metadata=metadata))
        except (OSError, PictureError) as error:
            raise SinkError(str(error) if isinstance(error, PictureError) else unwritable(path, error)) from error
        self._written[path] = None
        for what in (*metadata.lost, *lost):
            self._lost.setdefault(what, []).append(result.frame.source)

    @property
    def written(self) -> list[Path]:
        """Every file written, in order."""
        return list(self._written)

    def close(self) -> None:
        """Take no more. Each picture is complete once written."""
        if not self._closed:
            self._closed = True
            for what, pictures in self._lost.items():
                others = f" and {len(pictures) - 1} others" if len(pictures) > 2 else " and another" if len(pictures) == 2 else ""
                self.notes.append(f"{pictures[0]}{others}: had {what}.")


def _metadata(source: Path) -> Metadata:
    try:
        return read_metadata(source)
    except Exception:  # noqa: BLE001 - the picture is there: a damaged remark about it, or a file that is gone since, must not cost it
        return Metadata()


def _within(source: Path) -> tuple[str, ...]:
    try:
        return pictures_within(source)
    except Exception:  # noqa: BLE001 - nothing of it is carried over; only what there was cannot be told
        return ()


def place(source: Path, root: Path | None, folder: Path) -> Path:
    """Where a picture goes in the output folder: as it lies below `root`, as PNG where its own format cannot be written."""
    relative = source.relative_to(root) if root is not None and is_folder(root) and source.is_relative_to(root) else Path(source.name)
    if relative.suffix.lower() not in writable_suffixes:
        relative = relative.with_name(f"{relative.name}.png") if rivals(source) else relative.with_suffix(".png")
    return folder / relative


def rivals(source: Path) -> list[Path]:
    """Beside photo.heic: a photo.png, which needs the name that this would get, or another photo that would become one."""
    if source.suffix.lower() in writable_suffixes:
        return []
    others = {ending for suffix in (".png", *unwritable_suffixes) for ending in (suffix, suffix.upper())} - {source.suffix}
    beside = (source.with_suffix(ending) for ending in others)
    return [path for path in beside if exists(path) and not _is_same(path, source)]


def _is_same(a: Path, b: Path) -> bool:
    """On file systems that do not tell capital letters from small ones, a picture lies also beside itself."""
    try:
        return a.samefile(b)
    except OSError:
        return False
