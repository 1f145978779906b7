"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

Output = Annotated[Path | None, typer.Option("-o", "--output", help="Write the pictures with boxes: a file, or a folder.")]
Events = Annotated[str | None, typer.Option(help="Write what was found as JSON Lines: a file, or - for stdout.")]
Window = Annotated[
    bool | None, typer.Option("--window/--no-window", help="Show it; default: where a display is there and nothing is written.")
]
Model = Annotated[str | None, typer.Option(help="The classifier: a shipped bundle's name, a bundle's folder, or none.")]
Hide = Annotated[
    Literal["blur", "pixelate", "fill"] | None, typer.Option(help="Make every face unrecognisable; hide.whom in the settings says whose.")
]
PeopleFolder = Annotated[Path | None, typer.Option("--people", metavar="DIR", help="Name the people in this folder (facestream people).")]
Config = Annotated[Path | None, typer.Option(help="A settings file (facestream config prints one to start from).")]
Set = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="One setting, such as detector.min_face_px=40.")]
MetricsPort = Annotated[int | None, typer.Option(min=1, max=65535, help="Serve Prometheus metrics, /healthz and /readyz on this port.")]
MetricsHost = Annotated[str, typer.Option(metavar="ADDRESS", help="The address of this machine that they are served on; 0.0.0.0: all.")]
LogFormat = Annotated[
    Literal["text", "json"], typer.Option(help="How messages are written to stderr: as sentences, or one JSON object a line.")
]
Web = Annotated[
    str | None, typer.Option(metavar="[HOST:]PORT", help="Show it on a page in the browser, on this port; alone: 127.0.0.1:8000.")
]
WebViewOnly = Annotated[bool, typer.Option("--web-view-only", help="The page shows, and can change nothing.")]
WebCert = Annotated[Path | None, typer.Option(help="Serve the page by https with this certificate (PEM).")]
WebKey = Annotated[Path | None, typer.Option(help="The key of --web-cert (PEM).")]
WebTls = Annotated[
    Literal["self-signed"] | None, typer.Option(help="Serve the page by https with a certificate that this machine makes for itself.")
]
WebHostName = Annotated[
    list[str] | None, typer.Option(metavar="NAME", help="A name that the page is reached by besides this machine's own, as behind a proxy.")
]
Rate = Annotated[float | None, typer.Option(min=0.01, max=1000, help="Frames/s of numbered pictures, frames/img%03d.png; default: 25.")]
Cluster = Annotated[
    str | None, typer.Option(metavar="WHERE", help="Run it on several machines: auto (the cluster of this machine), HOST:PORT, or local.")
]
Name = Annotated[str | None, typer.Option(metavar="SITE", help="With --cluster: what these cameras are called together.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace outputs that are there already.")]
Resume = Annotated[
    bool, typer.Option("--resume", help="Files: note in the output what is done, so that the same command goes on whatever ended it.")
]
RetryFailed = Annotated[bool, typer.Option("--retry-failed", help="As --resume, and what could not be done is tried again.")]
