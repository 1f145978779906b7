"""An archive in an object store, done by a real cluster."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from tests.archives import contents, make_archive
from tests.command import facestream, is_one_sentence, running
from tests.object_store import BUCKET, object_server
from tests.stream.cluster.real_cluster import real_cluster
from tests.tcp_proxy import CuttableProxy
from tests.waiting import wait_for

pytest.importorskip("ray", reason="the extra `cluster` is not installed")
pytest.importorskip("s3fs", reason="the extra `cloud` is not installed")
pytest.importorskip("moto", reason="the extra `test` is not installed")
pytestmark = pytest.mark.slow

QUICK = ("--set", "detector.min_face_px=60", "--model", "none")


def test_results_are_those_of_the_same_files_on_a_disk(two_faces: dict[str, Image.Image], tmp_path: Path) -> None:
    """And a store that goes in the midst ends the next run in a sentence."""
    archive, whole, temporary = make_archive(tmp_path / "photos", two_faces, photos=70), tmp_path / "whole", tmp_path / "tmp"
    temporary.mkdir()
    ended = facestream("run", "photos", "-o", whole, "--events", whole / "faces.jsonl", *QUICK, cwd=tmp_path)
    assert ended.returncode == 1, ended.stderr
    there, out, again = (f"s3://{BUCKET}/{name}" for name in ("photos", "out", "again"))
    with object_server() as server, CuttableProxy(server.environment["AWS_ENDPOINT_URL"]) as proxy:
        server.fill(archive, "photos")
        of_the_machines = server.environment | {"AWS_ENDPOINT_URL": proxy.address.rstrip("/"), "TMPDIR": str(temporary)}
        with real_cluster(nodes=2, environment=of_the_machines) as cluster:
            command = ("run", there, "-o", out, "--events", f"{out}/faces.jsonl", "--cluster", cluster.address, *QUICK)
            ended = facestream(*command, environment=cluster.environment, timeout_s=200)
            assert ended.returncode == 1, ended.stderr
            assert f"{there}: 140 pictures, " in ended.stdout
            files, found = server.files("out"), server.contents("out")
            assert [*temporary.glob("facestream-archive-*")] == []
            command = ("run", there, "-o", again, "--cluster", cluster.address, *QUICK)
            with running(*command, environment=cluster.environment) as process:
                wait_for(lambda: any("/done/" in name for name in server.files("again")), 100)
                proxy.cut()
                _, said = process.communicate(timeout=100)
            assert process.returncode == 1
            assert is_one_sentence(said.splitlines()[-1] + "\n"), said
            assert f"s3://{BUCKET}/" in said
    wanted = contents(whole)
    assert found.keys() == wanted.keys()
    assert {name: value for name, value in found.items() if name.endswith(".png")} == {
        name: value for name, value in wanted.items() if name.endswith(".png")
    }
    told = (whole / "faces.jsonl").read_text(encoding="utf-8").replace('{"source": "photos', f'{{"source": "{there}')
    assert files["faces.jsonl"].decode() == told
