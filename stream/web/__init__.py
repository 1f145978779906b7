"""The run in a browser: every camera's picture with its faces, drawn by the page, and what a user may do with it.

    lane ── CameraView ──> Hub ──> PageConnection (one for each open page, with its own pace) ──> WebSocket ──> page/*.js
                            │
                            └── encoder thread: once for all pages that want the same picture in the same size

The server has a thread and an event loop of its own. Nothing here ever makes a lane wait: a view keeps the newest result and no other.
"""
