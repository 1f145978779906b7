"""The one home of PyAV and OpenCV: everything in `stream` takes `av` and `cv2` from here.

Importing `av` before `cv2` makes `cv2.imshow` hang for ever, so `import av` stands nowhere else:

    from stream.media import av, cv2
"""

# isort: off
import cv2  # must come first
import av
import av.logging
# isort: on

av.logging.set_level(av.logging.PANIC)  # FFmpeg's own chatter on stderr may hold a camera's password; errors arrive as exceptions

__all__ = ["av", "cv2"]
