"""An analyser that looks at nothing: it tells what the events say."""

from __future__ import annotations

from collections.abc import Sequence

from stream.analysis.analyser import Analyser
from stream.analysis.whom import Whom
from stream.errors import UsageError
from stream.fingerprint import fingerprint, fingerprint_of
from stream.frame import SourceInfo
from stream.replay.replaying import Replaying
from stream.replay.saved import Begin, SavedEvents
from stream.settings.schema import Settings


class Replay(Analyser):
    """Answers for sources from the events of a run. No network is loaded."""

    def __init__(self, saved: SavedEvents) -> None:
        super().__init__(None, None)
        self._saved = saved
        self._begins: dict[str, dict[str, Begin]] = {}
        """Of each source that was found in the events: of a video under its name, of pictures under the path of each."""
        self._hides_more: dict[str, bool] = {}
        """Of each, whether faces are to be hidden that the events do not hide."""
        self._followed: list[Replaying] = []

    def match(self, info: SourceInfo, settings: Settings) -> Settings:
        """Find the events of a source, before any work.

        Returns:
            What holds for it then: where its events hide faces, its settings do.

        Raises:
            UsageError: there are none, or they are of another file; or they cannot tell whom to hide.
        """
        self._check_whom(settings)
        if info.live:
            raise UsageError(f"{info.name}: is a camera; only what is in a file can be drawn again.")
        files: Sequence[tuple[str, str | None]] = [(info.name, fingerprint_of(info))]
        if info.still and info.pictures:
            files = [(str(path), fingerprint(path)) for path in info.pictures]
        found = {name: begin for name, mark in files if (begin := self._saved.find(name, mark)) is not None}
        if not found:
            raise UsageError(f"{info.name}: there are no events of it in {self._saved.path}; those are of {self._saved.names}.")
        unsure = [name for name, mark in files if name in found and (mark is None or found[name].fingerprint is None)]
        if unsure:
            others = f" and {len(unsure) - 1} more" if len(unsure) > 1 else ""
            self._saved.notes.append(
                f"{unsure[0]}{others}: the events do not say of which file they are (no fingerprint); sizes and times alone are compared."
            )
        self._begins[info.name] = found
        self._hides_more[info.name] = settings.hide.on
        style = next((one.hides for one in found.values() if one.hides is not None), None)
        return settings if settings.hide.on or style is None else settings.changed({"hide": {"style": style}})

    def follow(self, info: SourceInfo, settings: Settings) -> Replaying:
        made = Replaying(info, settings, self._saved.path, self._begins[info.name], hides_more=self._hides_more[info.name])
        self._followed.append(made)
        return made

    def _check_whom(self, settings: Settings) -> None:
        """Whoever is misspelt would be seen."""
        whom, saved = Whom.of(settings.hide.whom), self._saved
        if not settings.hide.on:
            return
        if whom.label is not None and saved.labels and whom.label not in saved.labels:
            labels = " or ".join(sorted(saved.labels))
            raise UsageError(f"hide.whom: the events in {saved.path} tell of {labels}, not of {whom.label}.")
        if missing := sorted(whom.names - saved.people):
            raise UsageError(f"hide.whom: the events in {saved.path} tell of nobody who is called {' or '.join(missing)}.")

    @property
    def notes(self) -> list[str]:
        """What the user should know in the end."""
        return [note for one in self._followed for note in one.notes]
