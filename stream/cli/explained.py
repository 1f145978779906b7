"""Commands that answer an exit code, and each explained error with one sentence."""

from __future__ import annotations

import functools
import logging
import os
import sys
from collections.abc import Callable
from typing import ParamSpec

import typer

from stream.console import logs
from stream.errors import ASKED_WRONGLY, DONE, FAILED, INTERRUPTED, FacestreamError, UsageError
from stream.signals import interruptible, is_interrupted

P = ParamSpec("P")


def commands_of(app: typer.Typer) -> Callable[[Callable[P, int]], Callable[P, None]]:
    """What makes a function that answers an exit code a command of `app`."""

    def command(work: Callable[P, int]) -> Callable[P, None]:
        made = explained(work)
        app.command()(made)
        return made

    return command


def explained(work: Callable[P, int]) -> Callable[P, None]:
    """Makes a function that answers an exit code one that ends with it, and each explained error one sentence on stderr."""

    @functools.wraps(work)
    def command(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            with interruptible():  # from here on there may be something to finish
                code = work(*args, **kwargs)
        except KeyboardInterrupt:
            code = INTERRUPTED
        except BrokenPipeError:  # the reader of our output has gone: `facestream ... | head`
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains once more at its end
            code = DONE
        except Exception as error:
            if is_interrupted():
                code = INTERRUPTED
            elif isinstance(error, FacestreamError):
                logs.say(str(error), level=logging.ERROR)
                code = ASKED_WRONGLY if isinstance(error, UsageError) else FAILED
            else:
                raise
        raise typer.Exit(code)

    return command
