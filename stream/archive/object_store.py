"""Object stores, by fsspec: what is written there is to be seen whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from stream.errors import StorageError, UsageError
from stream.passwords import redact_in

MISSING = "{}: object stores need what the extra `cloud` brings: pip install 'facestream[cloud]'."
AT_ONCE = 16
"""Files on their way: a photo takes a request's time and hardly any of the line (a guess)."""
PIECE_BYTES, PIECES_AT_ONCE = 1 << 24, 4
"""In which large files go: together they are in memory."""

T = TypeVar("T")
R = TypeVar("R")


class AccessError(StorageError):
    """This one may not be read."""


class ObjectStore:
    """Files by their addresses, `s3://BUCKET/KEY`. Any thread.

    Credentials, region and endpoint are those that the environment and the usual files name.

    Each method raises a `StorageError` where the store cannot be used.
    """

    def __init__(self, address: str) -> None:
        """
        Raises:
            UsageError: the extra is not installed.
        """
        try:
            import fsspec
            import s3fs  # noqa: F401
        except ImportError as error:
            raise UsageError(MISSING.format(address)) from error
        with _explained(address, "used"):
            self._system: Any = fsspec.filesystem(
                address.partition(":")[0],
                skip_instance_cache=True,
                use_listings_cache=False,
                default_block_size=PIECE_BYTES,
                max_concurrency=PIECES_AT_ONCE,
                config_kwargs={"max_pool_connections": 2 * AT_ONCE},
            )

    def below(self, address: str, most: int | None = None) -> Iterator[tuple[str, int]]:
        """The address and the bytes of each file whose address begins so, by name; no more than `most`, up to a thousand."""
        bucket, _, start = address.partition("://")[2].partition("/")
        more: dict[str, Any] = {} if most is None else {"MaxKeys": most}
        while True:
            with _explained(address, "read"):
                page = self._system.call_s3("list_objects_v2", Bucket=bucket, Prefix=start, **more)
            for one in page.get("Contents", ()):
                yield f"{address.partition(':')[0]}://{bucket}/{one['Key']}", int(one["Size"])
            if most is not None or not page.get("IsTruncated"):
                return
            more = {"ContinuationToken": page["NextContinuationToken"]}

    def read(self, address: str, most: int | None = None) -> bytes:
        """All of one that is not empty, or its first bytes.

        Raises:
            FileNotFoundError: there is none of this address.
        """
        with _explained(address, "read"):
            found: bytes = self._system.cat_file(address, start=0, end=most)
            return found

    def write(self, address: str, data: bytes) -> None:
        with _explained(address, "written"):
            self._system.pipe_file(address, data)

    def get(self, address: str, place: Path, moved: Callable[[], None] = lambda: None) -> None:
        """Fetch one.

        Args:
            moved: called again and again; what it raises ends it.

        Raises:
            FileNotFoundError: there is none of this address.
            AccessError: it may not be read.
        """
        with _explained(address, "read"):
            self._system.get_file(address, str(place), callback=_callback(moved))

    def put(self, place: Path, address: str, moved: Callable[[], None] = lambda: None) -> None:
        """The other way round."""
        with _explained(address, "written"):
            self._system.put_file(str(place), address, callback=_callback(moved), chunksize=PIECE_BYTES, max_concurrency=PIECES_AT_ONCE)

    def remove(self, address: str) -> None:
        """Also where there is none."""
        with _explained(address, "written"):
            self._system.rm_file(address)


def at_once(function: Callable[[T], R], of: Iterable[T]) -> list[R]:
    """What it answers, for several at a time. The first error ends it all."""
    with ThreadPoolExecutor(AT_ONCE, "object store") as pool:
        try:
            return list(pool.map(function, of))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _callback(moved: Callable[[], None]) -> Any:
    from fsspec.callbacks import Callback

    class Moved(Callback):  # type: ignore[misc]
        def call(self, *_: object, **__: object) -> None:
            moved()

    return Moved()


@contextmanager
def _explained(address: str, what: str) -> Iterator[None]:
    """What the libraries raise as our errors."""
    from aiohttp import ClientError
    from botocore.exceptions import BotoCoreError, NoCredentialsError
    from botocore.exceptions import ClientError as Refused

    try:
        yield
    except (OSError, BotoCoreError, ClientError, Refused) as error:
        answer = getattr(error.__cause__, "response", {}).get("Error", {}) if error.__cause__ is not None else {}
        code, reason = answer.get("Code"), " ".join(str(error).split()).rstrip(".")
        if isinstance(error, FileNotFoundError) and code != "NoSuchBucket":
            raise
        if code == "NoSuchBucket":
            bucket = "/".join(address.split("/")[:3])
            raise StorageError(f"{bucket}: there is no bucket of this name.") from error
        if isinstance(error, NoCredentialsError):
            reason = (
                "no credentials are found; AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a file such as ~/.aws/credentials, hold them"
            )
        kind = AccessError if isinstance(error, PermissionError) else StorageError
        raise kind(f"{address}: cannot be {what} ({redact_in(reason)}).") from error
