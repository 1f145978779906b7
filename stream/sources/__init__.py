"""Where frames come from: `opening.open_source` turns what a user types into a `source.Source`.

    `camera` webcams (OpenCV) · `network` RTSP and HTTP (PyAV) · `video` files (PyAV) · `animation` GIF, APNG, WebP, AVIF ·
    `pictures` photos and folders of them · `demo` a camera that moves over a portrait · `loop` a video file in place of a camera

What is live goes through `live.LiveSource`, which never gives up.
"""
