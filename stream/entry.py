"""Where the command begins: quietly ended by Ctrl-C from the first moment, before anything is loaded that could complain."""

import os
import signal


def main() -> None:
    """Load and run the command line."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os._exit(130))  # there is nothing to finish yet
    from stream.cli import main as run

    run()
