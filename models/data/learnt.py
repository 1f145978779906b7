"""What a model learnt from, kept in its bundle, so that it is never judged on that: eight bytes of each file's SHA-256.

It says nothing of what a picture shows; only who has the same file can tell that it was among them.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence

from models.data.samples import Sample

KEPT_BYTES = 8
"""Of 32: among a million pictures two others agree in one of 30 million cases."""


def learnt_from(samples: Sequence[Sample]) -> str | None:
    """Of what is learnt from, as text for a bundle; None where samples do not know their files."""
    kept = sorted({bytes.fromhex(sample.content)[:KEPT_BYTES] for sample in samples if sample.content})
    return base64.b64encode(b"".join(kept)).decode() if kept else None


def learnt_groups(samples: Sequence[Sample], learnt: str | None) -> set[str]:
    """The groups of which a picture was learnt from: its copies are left out with it."""
    content = base64.b64decode(learnt or "")
    known = {content[place : place + KEPT_BYTES] for place in range(0, len(content), KEPT_BYTES)}
    return {sample.group for sample in samples if sample.content and bytes.fromhex(sample.content)[:KEPT_BYTES] in known}
