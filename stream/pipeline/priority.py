"""Who waits where there is more work than cores: looks for recordings, and both for the picture on the screen."""

from __future__ import annotations

LOOKS, RECORDINGS = 10, 5
"""How far the threads stand back, in steps of `nice`. Eight cameras in a window and recorded, on 2 busy cores: 14.7 of 15 pictures/s were
shown, 14.4 with 5 and 5, 12.3 without (measured; a camera was looked at every 0.6, 0.6 and 0.4 s at the longest). A thread that waits
for the interpreter's lock is not at work, so the one that holds it goes on."""
