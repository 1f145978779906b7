"""The cluster that a command works on: joined as long as it takes, then left. Ray is imported here and nowhere before."""

from __future__ import annotations

import logging
import os
import re
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from stream.errors import ClusterError, UsageError

MISSING = "--cluster needs what the extra `cluster` brings: pip install 'facestream[cluster]'."
NAMESPACE = "facestream"
"""Of the names of our actors."""
LOCAL_STORE_BYTES = 100 << 20
"""For objects that tasks give each other: ours are paths and reports. Ray takes at least 75 MB."""
ANSWER_S = 5.0
"""A cluster whose port is not open after so long is not there (a guess)."""
ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",  # it tells its makers about each run otherwise
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",  # it prints what happens to nodes to standard output, where results are
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # it warns about what it will do from some version on
}


def check_place(where: str) -> None:
    """
    Raises:
        UsageError: `where` names no cluster.
    """
    if where.startswith("ray://"):
        raise UsageError(
            f"--cluster {where}: long work is not begun through Ray's client; say --cluster auto on a machine of the cluster, or hand "
            "the command over with ray job submit."
        )
    if where not in ("auto", "local") and not re.fullmatch(r"(?:[^\s/:]+|\[[^\s/]+\]):\d{1,5}", where):
        raise UsageError(f"--cluster {where}: say auto, local, or HOST:PORT of the cluster's head, such as 192.0.2.10:6379.")


def check_installed() -> None:
    """To be called before anything else imports Ray, which reads its environment then.

    Raises:
        UsageError: Ray is not installed.
    """
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    try:
        import ray  # noqa: F401
    except ImportError as error:
        raise UsageError(MISSING) from error


@contextmanager
def connected(where: str) -> Iterator[None]:
    """Join a cluster, and leave it when the block ends; Ray can be used between.

    Args:
        where: "auto" is the cluster that this machine belongs to (or that `RAY_ADDRESS` names), "HOST:PORT" the one with that head,
            "local" a cluster of this machine alone, which begins and ends with the block.

    Raises:
        UsageError: `where` names no cluster, or Ray is not installed.
        ClusterError: there is no cluster, or none that this program can work with.
    """
    check_place(where)
    check_installed()
    import ray

    address = os.environ.get("RAY_ADDRESS", "auto") if where == "auto" else where
    if address not in ("auto", "local"):
        check_place(address)
        _check_answers(address)
    alone = {"include_dashboard": False, "object_store_memory": LOCAL_STORE_BYTES} if address == "local" else {}
    try:
        with _own_signals(), _unheard():
            ray.init(address, namespace=NAMESPACE, log_to_driver=False, logging_level=logging.ERROR, **alone)
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        ray.shutdown()
        raise ClusterError(_why_not(address, str(error))) from error
    try:
        yield
    finally:
        with _own_signals():
            ray.shutdown()


def _check_answers(address: str) -> None:
    """Ray itself tries for a minute."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), ANSWER_S):
            pass
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ClusterError(f"{address}: no cluster answers there ({reason}); ray start --head begins one.") from error


@contextmanager
def _own_signals() -> Iterator[None]:
    """Ray takes SIGTERM to itself; it is given back."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _unheard() -> Iterator[None]:
    """What Ray's part in C++ writes to standard error is not for users: that it was told to write less, for example."""
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _why_not(address: str, reason: str) -> str:
    """The sentence for what Ray says."""
    versions = re.findall(r"(Ray|Python): (\S+)", reason)
    if "ersion mismatch" in reason and versions:
        theirs = ", ".join(f"{name} {version}" for name, version in versions[:2])
        ours = f"Ray {_ray_version()}, Python {'.'.join(map(str, sys.version_info[:3]))}"
        return f"{address}: the cluster has {theirs}, and this machine {ours}; all machines need the same to the last digit."
    if "Could not find any running Ray" in reason:
        return "--cluster auto: this machine is in no cluster; begin one with ray start, name one as HOST:PORT, or say --cluster local."
    if "multiple active Ray" in reason:
        return "--cluster auto: this machine is in several clusters; name one as HOST:PORT."
    if "Failed to connect" in reason:
        return (
            f"{address}: the cluster does not let us in; where it asks for a token, RAY_AUTH_MODE=token and the token are needed here, too."
        )
    return f"{address}: the cluster cannot be joined ({' '.join(reason.split())[:300].rstrip('.')})."


def _ray_version() -> str:
    import ray

    return str(ray.__version__)
