"""A real RTSP server for tests: GStreamer's, with a test picture that moves, or a clip that somebody has encoded before.

Run by the system's own Python, for that is where GStreamer's bindings are; `media.rtsp_server` starts and stops it:

    /usr/bin/python3 tests/rtsp_server.py --port 8554 [--path /camera] [--size 320x240] [--rate 25] [--codec h264] [--password secret]
    /usr/bin/python3 tests/rtsp_server.py --port 8554 --clip FILE --rate 15 --copies 8     (serves /camera0 to /camera7)

A clip (`clock.make_clip`) is a loop of N pictures that say their numbers: picture k mod N leaves at k / rate seconds of the machine's
monotonic clock. So whoever reads a picture's number knows how old it is.
"""

import argparse
import struct
import threading
import time

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

ENCODERS = {
    "h264": "x264enc tune=zerolatency speed-preset=ultrafast key-int-max={rate} ! rtph264pay name=pay0 pt=96 config-interval=-1",
    "h265": "x265enc tune=zerolatency speed-preset=ultrafast key-int-max={rate} ! rtph265pay name=pay0 pt=96 config-interval=-1",
    "vp8": "vp8enc deadline=1 keyframe-max-dist={rate} ! rtpvp8pay name=pay0 pt=96",
    "mjpeg": "jpegenc ! rtpjpegpay name=pay0 pt=26",
    "sound": "audiotestsrc is-live=true ! alawenc ! rtppcmapay name=pay0 pt=8",
}


def pipeline(codec, size, rate, clip):
    if clip:
        caps = f"video/x-h264,stream-format=byte-stream,alignment=au,framerate={rate}/1"
        source = f"appsrc name=clip is-live=true do-timestamp=true format=time caps={caps}"
        return f"( {source} ! h264parse ! rtph264pay name=pay0 pt=96 config-interval=-1 )"
    if codec == "sound":
        return f"( {ENCODERS[codec]} )"
    width, height = size.split("x")
    picture = f"videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width={width},height={height},framerate={rate}/1"
    return f"( {picture} ! {ENCODERS[codec].format(rate=rate)} )"


class Clip:
    """Plays the pictures of a file to whoever watches, each at its time. In the file each is its length (4 bytes, big-endian) and H.264."""

    def __init__(self, path, rate):
        self._pictures, self._rate, self._watched = [], rate, {}
        with open(path, "rb") as file:  # noqa: PTH123 - as old as the system's Python may be
            while head := file.read(4):
                self._pictures.append(file.read(struct.unpack(">I", head)[0]))
        threading.Thread(target=self._play, daemon=True).start()

    def attach(self, factory, media):
        """A first client has come: the media is made."""
        self._watched[media] = media.get_element().get_by_name_recurse_up("clip")
        media.connect("unprepared", lambda gone: self._watched.pop(gone, None))

    def _play(self):
        number = int(time.monotonic() * self._rate)
        while True:
            number += 1
            time.sleep(max(0, number / self._rate - time.monotonic()))
            number = max(number, int(time.monotonic() * self._rate))  # after a freeze: what was missed is lost, as in a camera
            for source in list(self._watched.values()):
                source.emit("push-buffer", Gst.Buffer.new_wrapped(self._pictures[number % len(self._pictures)]))


def ask_for_password(server, factory, user, password):
    auth = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "viewer")
    auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
    server.set_auth(auth)
    allowed = Gst.Structure.new_empty("viewer")
    allowed.set_value("media.factory.access", True)
    allowed.set_value("media.factory.construct", True)
    factory.add_role_from_structure(allowed)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", required=True)
    parser.add_argument("--path", default="/camera")
    parser.add_argument("--size", default="320x240")
    parser.add_argument("--rate", type=int, default=25)
    parser.add_argument("--codec", choices=ENCODERS, default="h264")
    parser.add_argument("--clip", default="", help="a file of encoded pictures, in place of the test picture")
    parser.add_argument("--copies", type=int, default=0, help="so many cameras: PATH0, PATH1, ...")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--user", default="viewer")
    parser.add_argument("--password", default="")
    wanted = parser.parse_args()

    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address(wanted.host)
    server.set_service(wanted.port)
    server.get_thread_pool().set_max_threads(16)  # with one, a client waits until the cameras of all before it have had a key frame
    server.set_backlog(64)  # five by default: of eight clients at the same moment some would wait a second for TCP's second attempt
    clip = Clip(wanted.clip, wanted.rate) if wanted.clip else None
    for path in [f"{wanted.path}{number}" for number in range(wanted.copies)] or [wanted.path]:
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_launch(pipeline(wanted.codec, wanted.size, wanted.rate, wanted.clip))
        factory.set_shared(True)
        if clip:
            factory.connect("media-configure", clip.attach)
        if wanted.password:
            ask_for_password(server, factory, wanted.user, wanted.password)
        server.get_mount_points().add_factory(path, factory)
    if not server.attach(None):
        raise SystemExit(f"port {wanted.port} is taken")
    print("ready", flush=True)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()
