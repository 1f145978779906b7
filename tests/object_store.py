"""A real S3 server on this machine, in a process of its own, and what is in it."""

from __future__ import annotations

import hashlib
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.command import usual_environment
from tests.ports import free_port
from tests.waiting import wait_for

BUCKET = "archive"


@dataclass
class ObjectServer:
    """What a test has of it."""

    port: int
    process: subprocess.Popen[bytes] = field(repr=False)

    @property
    def environment(self) -> dict[str, str]:
        """For commands that use it."""
        return {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}",
            "AWS_ACCESS_KEY_ID": "AKIATESTSWORD",
            "AWS_SECRET_ACCESS_KEY": "a-secret-for-nobody",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_MAX_ATTEMPTS": "2",
        }

    def client(self) -> Any:
        import boto3

        environment = self.environment
        return boto3.client(
            "s3",
            endpoint_url=environment["AWS_ENDPOINT_URL"],
            aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
            region_name="us-east-1",
        )

    def fill(self, folder: Path, prefix: str) -> None:
        """Put the files of a folder there."""
        client = self.client()
        for path in folder.rglob("*"):
            if path.is_file():
                client.put_object(Bucket=BUCKET, Key=f"{prefix}/{path.relative_to(folder)}", Body=path.read_bytes())

    def files(self, prefix: str) -> dict[str, bytes]:
        """All that is there, below a prefix."""
        client, found = self.client(), {}
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"{prefix}/"):
            for one in page.get("Contents", ()):
                found[one["Key"].removeprefix(f"{prefix}/")] = client.get_object(Bucket=BUCKET, Key=one["Key"])["Body"].read()
        return found

    def contents(self, prefix: str) -> dict[str, str]:
        """What `archives.contents` says of a folder."""
        files = self.files(prefix).items()
        return {name: hashlib.sha256(data).hexdigest() for name, data in files if not name.startswith(".")}


@contextmanager
def object_server(*, asks_for_credentials: bool = False) -> Iterator[ObjectServer]:
    """A server with an empty bucket.

    Args:
        asks_for_credentials: once the bucket is there, it knows nobody.
    """
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=usual_environment() | ({"INITIAL_NO_AUTH_ACTION_COUNT": "1"} if asks_for_credentials else {}),
    )
    server = ObjectServer(port, process)
    try:
        wait_for(lambda: answers(port), 60)
        server.client().create_bucket(Bucket=BUCKET)
        yield server
    finally:
        process.kill()
        process.wait()


def answers(port: int) -> bool:
    """Whether somebody listens there."""
    try:
        with socket.create_connection(("127.0.0.1", port), 1):
            return True
    except OSError:
        return False
