"""What a model learnt from, kept in its bundle, so that it is never judged on that: by each picture's file, and by how it looks.

Of a file eight bytes of its SHA-256, and of the picture the 128 bits by which copies are known in another size, format or compression:
which of 64 neighbouring areas is brighter. Neither shows what is in it; only who has the picture can tell that it was among them.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence

import numpy as np

from models.data.copies import are_near
from models.data.samples import Sample

CONTENT_BYTES, LOOK_BYTES = 8, 16
"""Of 32: among a million pictures two others agree in one of 30 million cases. And 128 bits."""


def learnt_from(samples: Sequence[Sample]) -> str | None:
    """Of what is learnt from, as text for a bundle; None where samples do not know their files."""
    kept = sorted({_content(sample) + np.packbits(sample.hashes[0]).tobytes() for sample in samples if len(sample.hashes)})
    return base64.b64encode(b"".join(kept)).decode() if kept else None


def learnt_groups(samples: Sequence[Sample], learnt: str | None) -> set[str]:
    """The groups of which a picture, or one that looks like it, was learnt from: its copies are left out with it."""
    kept = np.frombuffer(base64.b64decode(learnt or ""), np.uint8)
    records = kept[: len(kept) // (CONTENT_BYTES + LOOK_BYTES) * (CONTENT_BYTES + LOOK_BYTES)].reshape(-1, CONTENT_BYTES + LOOK_BYTES)
    known = {record.tobytes() for record in records[:, :CONTENT_BYTES]}
    asked = [sample for sample in samples if len(sample.hashes)]
    near = are_near([sample.hashes for sample in asked], np.unpackbits(records[:, CONTENT_BYTES:], axis=1).astype(bool))
    return {sample.group for sample, is_near in zip(asked, near, strict=True) if is_near or _content(sample) in known}


def _content(sample: Sample) -> bytes:
    return bytes.fromhex(sample.content)[:CONTENT_BYTES]
