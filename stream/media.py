"""The one home of PyAV and OpenCV: everything in `stream` takes `av` and `cv2` from here.

Importing `av` before `cv2` makes `cv2.imshow` hang for ever, so `import av` stands nowhere else:

    from stream.media import av, cv2

Nor may anything set a level of `av.logging`: PyAV's log handler takes Python's lock on FFmpeg's decoder threads, and the thread that closes
the decoder holds that lock while it waits for them: a deadlock on closing any video that was not read to its end. Left alone, PyAV is silent.
"""

# isort: off
import cv2  # must come first
import av
# isort: on

__all__ = ["av", "cv2"]
