"""A real RTSP server for tests: GStreamer's, with a test picture that moves.

Run by the system's own Python, for that is where GStreamer's bindings are; `media.rtsp_server` starts and stops it:

    /usr/bin/python3 tests/rtsp_server.py --port 8554 [--path /camera] [--size 320x240] [--rate 25] [--codec h264] [--password secret]
"""

import argparse

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

ENCODERS = {
    "h264": "x264enc tune=zerolatency speed-preset=ultrafast key-int-max={rate} ! rtph264pay name=pay0 pt=96 config-interval=-1",
    "mjpeg": "jpegenc ! rtpjpegpay name=pay0 pt=26",
    "sound": "audiotestsrc is-live=true ! alawenc ! rtppcmapay name=pay0 pt=8",
}


def pipeline(codec, size, rate):
    if codec == "sound":
        return f"( {ENCODERS[codec]} )"
    width, height = size.split("x")
    picture = f"videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width={width},height={height},framerate={rate}/1"
    return f"( {picture} ! {ENCODERS[codec].format(rate=rate)} )"


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
    parser.add_argument("--user", default="viewer")
    parser.add_argument("--password", default="")
    wanted = parser.parse_args()

    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(wanted.port)
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(pipeline(wanted.codec, wanted.size, wanted.rate))
    factory.set_shared(True)
    if wanted.password:
        ask_for_password(server, factory, wanted.user, wanted.password)
    server.get_mount_points().add_factory(wanted.path, factory)
    if not server.attach(None):
        raise SystemExit(f"port {wanted.port} is taken")
    print("ready", flush=True)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()
