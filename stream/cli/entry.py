"""Where the command begins: quietly ended by Ctrl-C from the first moment, before anything is loaded that could complain."""

import os
import signal

from stream.own_models import take_own_models

take_own_models()  # before anything of ours imports `models`

from stream.errors import DONE, FAILED, INTERRUPTED  # noqa: E402


def main() -> None:
    """Load and run the command line."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os._exit(INTERRUPTED))  # there is nothing to finish yet
    import logging

    from stream.console import logs, streams

    streams.prepare()
    from stream.cli.app import main as run

    try:
        run()
    except SystemExit as end:
        if isinstance(end.code, str):
            raise
        # Python's own end takes libraries apart for up to a second, and waits for, or crashes in, a thread that hangs in a driver.
        code = end.code or DONE
        if failure := streams.finish():
            logs.say(f"standard output cannot be written ({failure.strerror}); what was to be read there is lost.", level=logging.ERROR)
            code = code or FAILED
        logs.end()
        os._exit(code)
