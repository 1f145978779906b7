"""`facestream run s3://BUCKET/ARCHIVE -o s3://BUCKET/OUT --resume`: what comes out is what would come out on a disk, whatever ends it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.archives import contents, events, make_archive
from tests.command import facestream, is_one_sentence, running, usual_environment
from tests.object_store import BUCKET, ObjectServer, object_server
from tests.paths import ROOT
from tests.tcp_proxy import CuttableProxy
from tests.waiting import wait_for

pytest.importorskip("s3fs", reason="the extra `cloud` is not installed")
pytest.importorskip("moto", reason="the extra `test` is not installed")

QUICK = ("--set", "detector.min_face_px=60", "--model", "none")
"""Which faces are found does not matter here."""
PHOTOS = f"s3://{BUCKET}/photos"


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory, two_faces: dict[str, Image.Image]) -> Path:
    """With what needs a look before it is planned: pictures that move, and two that would get the same name."""
    place = make_archive(tmp_path_factory.mktemp("archive") / "photos", two_faces, photos=12)
    (place / "clips" / "clip0.mp4").rename(place / "clips" / "a b+c%20.mp4")
    faces = [face.resize((200, 200)) for face in two_faces.values()]
    for name in ("moves.gif", "moves.png", "moves.webp"):
        faces[0].save(place / name, save_all=True, append_images=faces[::-1] * 2, duration=100)
    for name in ("still.gif", "still.webp", "rival.tga", "rival.png"):
        faces[0].save(place / name)
    (place / ".hidden.png").write_bytes((place / "rival.png").read_bytes())
    return place


@pytest.fixture(scope="module")
def whole(archive: Path) -> Path:
    """The same on a disk."""
    place = archive.parent / "whole"
    ended = facestream("run", "photos", "-o", place, "--events", place / "faces.jsonl", "--resume", *QUICK, cwd=archive.parent)
    assert ended.returncode == 1
    (place / "said").write_text(ended.stdout + ended.stderr, encoding="utf-8")
    return place


@pytest.fixture(scope="module")
def server(archive: Path) -> Iterator[ObjectServer]:
    """With the archive in it."""
    with object_server() as one:
        one.fill(archive, "photos")
        one.client().put_object(Bucket=BUCKET, Key="photos/clips/", Body=b"")  # how some programs make a folder
        yield one


@pytest.fixture
def out(request: pytest.FixtureRequest) -> str:
    """A place in the bucket for one test."""
    return "".join(letter if letter.isalnum() else "-" for letter in request.node.name)


def words(out: str, *more: str) -> list[str]:
    return ["run", PHOTOS, "-o", f"s3://{BUCKET}/{out}", "--events", f"s3://{BUCKET}/{out}/faces.jsonl", "--resume", *QUICK, *more]


def check_equal(server: ObjectServer, out: str, whole: Path) -> None:
    files, wanted = server.files(out), contents(whole)
    found = {name: value for name, value in server.contents(out).items() if name != "faces.jsonl"}
    assert found == {name: value for name, value in wanted.items() if name not in ("faces.jsonl", "said")}
    assert len(found) > 30
    told = (whole / "faces.jsonl").read_text(encoding="utf-8").replace('{"source": "photos', f'{{"source": "{PHOTOS}')
    assert files["faces.jsonl"].decode() == told
    assert not [name for name in files if name.startswith(".facestream/begun/")]


def scratch(place: Path) -> list[Path]:
    return [*place.glob("facestream-archive-*")]


def test_results_are_those_of_the_same_files_on_a_disk(server: ObjectServer, whole: Path, out: str, tmp_path: Path) -> None:
    environment = server.environment | {"TMPDIR": str(tmp_path)}
    ended = facestream(*words(out), environment=environment)
    assert ended.returncode == 1, ended.stderr
    check_equal(server, out, whole)
    said = (whole / "said").read_text(encoding="utf-8")
    assert f"{PHOTOS}: 28 pictures, " in ended.stdout
    assert said.count("\n") == (ended.stdout + ended.stderr).count("\n")
    failed = server.files(out)[".facestream/failed.jsonl"].decode()
    assert failed == (whole / ".facestream" / "failed.jsonl").read_text(encoding="utf-8").replace("photos/", f"{PHOTOS}/")
    everything = ended.stdout + ended.stderr + "".join(data.decode("latin1") for data in server.files(out).values())
    assert str(tmp_path) not in everything
    assert server.environment["AWS_SECRET_ACCESS_KEY"] not in everything
    assert scratch(tmp_path) == []


@pytest.mark.slow
def test_what_came_later_and_what_failed_is_done_by_the_same_command(
    server: ObjectServer, two_faces: Any, tmp_path: Path, out: str
) -> None:
    mine = make_archive(tmp_path / "photos", two_faces, photos=2, videos=1)
    source = f"in-{out}"
    server.fill(mine, source)
    command = [word.replace(PHOTOS, f"s3://{BUCKET}/{source}") for word in words(out)]
    assert facestream(*command, environment=server.environment).returncode == 1
    before = server.contents(out)
    client = server.client()
    client.put_object(Bucket=BUCKET, Key=f"{source}/later.png", Body=(mine / "hopper" / "00.png").read_bytes())
    client.put_object(Bucket=BUCKET, Key=f"{source}/empty.jpg", Body=(mine / "hopper" / "00.png").read_bytes())
    client.put_object(Bucket=BUCKET, Key=f"{source}/frozen.png", Body=b"moved to tape", StorageClass="GLACIER")
    client.delete_object(Bucket=BUCKET, Key=f"{source}/clips/empty.mp4")
    ended = facestream(*command, "--retry-failed", environment=server.environment)
    assert ended.returncode == 1
    after = server.contents(out)
    assert {"later.png", "empty.jpg"} <= after.keys() - before.keys()
    assert f"{source}/clips/empty.mp4: there is no such file" in ended.stderr
    reasons = [json.loads(line)["reason"] for line in server.files(out)[".facestream/failed.jsonl"].splitlines()]
    frozen = f"s3://{BUCKET}/{source}/frozen.png: cannot be read (The operation is not valid for the object's storage class)."
    assert frozen in reasons
    assert len(reasons) == 2
    ended = facestream(*command, "--set", "output.jpeg_quality=50", environment=server.environment)
    assert ended.returncode == 2
    assert is_one_sentence(ended.stderr)
    assert f"s3://{BUCKET}/{out}: another run has begun here, with output.jpeg_quality 95 and not 50" in ended.stderr


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_it_can_be_ended_and_goes_on(server: ObjectServer, whole: Path, out: str, tmp_path: Path, number: signal.Signals) -> None:
    with running(*words(out), environment=server.environment | {"TMPDIR": str(tmp_path)}) as process:
        wait_for(lambda: any("/done/" in name for name in names(server, out)), 60)
        process.send_signal(number)
        code = process.wait(20)
    assert code == (130 if number == signal.SIGTERM else -number)
    assert "faces.jsonl" not in names(server, out)
    assert scratch(tmp_path) == [] or number == signal.SIGKILL
    done = [name for name in names(server, out) if "/done/" in name]
    ended = facestream(*words(out), environment=server.environment)
    assert ended.returncode == 1, ended.stderr
    assert "goes on: " in ended.stderr
    assert set(done) < set(names(server, out))
    check_equal(server, out, whole)


def names(server: ObjectServer, out: str) -> list[str]:
    pages = server.client().get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"{out}/")
    return [one["Key"].removeprefix(f"{out}/") for page in pages for one in page.get("Contents", ())]


def test_a_server_that_goes_ends_it_in_a_sentence_and_when_it_is_back_it_goes_on(server: ObjectServer, whole: Path, out: str) -> None:
    with CuttableProxy(server.environment["AWS_ENDPOINT_URL"]) as proxy:
        environment = server.environment | {"AWS_ENDPOINT_URL": proxy.address.rstrip("/")}
        with running(*words(out), environment=environment) as process:
            wait_for(lambda: any("/done/" in name for name in names(server, out)), 60)
            proxy.cut()
            _, said = process.communicate(timeout=60)
        assert process.returncode == 1
        assert is_one_sentence(said), said
        assert said.startswith(f"facestream: s3://{BUCKET}/")
        assert "Could not connect to the endpoint URL" in said or "Connection was closed" in said
        proxy.mend()
        assert facestream(*words(out), environment=environment).returncode == 1
    check_equal(server, out, whole)


def test_one_side_may_be_on_a_disk(server: ObjectServer, archive: Path, whole: Path, out: str, tmp_path: Path) -> None:
    (tmp_path / "few" / "collins").mkdir(parents=True)
    for name in ("collins/00.png", "empty.jpg", "moves.gif"):
        (tmp_path / "few" / name).write_bytes((archive / name).read_bytes())
    server.fill(tmp_path / "few", f"{out}/few")
    there = f"s3://{BUCKET}/{out}"
    ended = facestream(
        "run", f"{there}/few", "-o", "down", "--events", "down/e.jsonl", "--resume", *QUICK, cwd=tmp_path, environment=server.environment
    )
    assert ended.returncode == 1, ended.stderr
    ended = facestream(
        "run",
        "few",
        "-o",
        f"{there}/up",
        "--events",
        f"{there}/up/e.jsonl",
        "--resume",
        *QUICK,
        cwd=tmp_path,
        environment=server.environment,
    )
    assert ended.returncode == 1, ended.stderr
    down, up = contents(tmp_path / "down"), server.contents(f"{out}/up")
    assert down.keys() == up.keys() == {"collins/00.png", "moves.mp4", "e.jsonl"}
    assert down["collins/00.png"] == up["collins/00.png"] == contents(whole)["collins/00.png"]
    sources = [one["source"] for one in events(tmp_path / "down" / "e.jsonl")]
    assert sources == [f"{there}/few/collins/00.png"] + [f"{there}/few/moves.gif"] * 5
    assert server.files(f"{out}/up")["e.jsonl"].decode() == (tmp_path / "down" / "e.jsonl").read_text(encoding="utf-8").replace(
        f"{there}/", ""
    )


def test_single_files_and_patterns_have_addresses_too(server: ObjectServer, out: str, tmp_path: Path) -> None:
    for source, target, count in (
        ("hopper/00.png", "a.png", 1),
        ("moves.gif", "b.mp4", 5),
        ("clips/clip1.mp4", "c.mp4", 25),
        ("hopper/0*.png", "d", 10),
    ):
        place = f"s3://{BUCKET}/{out}/{target}"
        command = ("run", f"{PHOTOS}/{source}", "-o", place, "--events", f"{place}.jsonl", "--resume", *QUICK)
        ended = facestream(*command, environment=server.environment)
        assert ended.returncode == 0, ended.stderr
        files = server.files(out)
        assert files[f"{target}.jsonl"].count(b"\n") == count
        assert target in files or "d/09.png" in files


def test_names_that_no_file_can_have_are_left_out(server: ObjectServer, archive: Path, out: str, tmp_path: Path) -> None:
    client, picture = server.client(), (archive / "hopper" / "00.png").read_bytes()
    for name in ("good.png", "a//b.png", "../../up.png", "n" * 300 + ".png", "folder.png", "folder.png/in.png"):
        client.put_object(Bucket=BUCKET, Key=f"{out}/in/{name}", Body=picture)
    command = ("run", f"s3://{BUCKET}/{out}/in", "-o", f"s3://{BUCKET}/{out}/out", "--resume", *QUICK)
    ended = facestream(*command, environment=server.environment | {"TMPDIR": str(tmp_path)})
    assert ended.returncode == 0, ended.stderr
    found = server.contents(f"{out}/out").keys()
    assert "good.png" in found
    assert len(found) == 2
    assert "is no name that a file can have; left out, and so are 3 others" in ended.stderr
    assert [*tmp_path.rglob("*.png")] == []


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["s3://nowhere/photos", "-o", f"s3://{BUCKET}/x", "--resume"], 1, "s3://nowhere: there is no bucket of this name."),
        ([PHOTOS, "-o", "s3://nowhere/x", "--resume"], 1, "s3://nowhere: there is no bucket of this name."),
        ([f"s3://{BUCKET}/nothing", "-o", f"s3://{BUCKET}/x", "--resume"], 1, f"s3://{BUCKET}/nothing: there is no such file"),
        ([PHOTOS, "-o", "out"], 1, f"{PHOTOS}: what is in an object store is done file by file; say --resume, or --cluster."),
        (["photos", "-o", f"s3://{BUCKET}/x"], 2, f"s3://{BUCKET}/x: into an object store goes only what is done file by file"),
        ([PHOTOS, "-o", PHOTOS, "--resume"], 2, ": this is an input; choose another output."),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(server: ObjectServer, archive: Path, words: list[str], code: int, said: str) -> None:
    ended = facestream("run", *words, *QUICK, cwd=archive.parent, environment=server.environment)
    assert ended.returncode == code, ended.stderr
    assert is_one_sentence(ended.stderr), ended.stderr
    assert said in ended.stderr
    assert not (archive.parent / "s3:").exists()
    assert not [name for name in names(server, "x") if name != "failed.jsonl"]


def test_wrong_and_missing_credentials_are_said_in_a_sentence(archive: Path, tmp_path: Path) -> None:
    with object_server(asks_for_credentials=True) as server:
        ended = facestream(*words("x"), environment=server.environment)
        assert ended.returncode == 1
        assert is_one_sentence(ended.stderr)
        assert "The AWS Access Key Id you provided does not exist in our records" in ended.stderr
        assert server.environment["AWS_SECRET_ACCESS_KEY"] not in ended.stderr
        without = server.environment | {"HOME": str(tmp_path), "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
        ended = facestream(*words("x"), environment=without)
        assert ended.returncode == 1
        assert is_one_sentence(ended.stderr)
        assert "no credentials are found; AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" in ended.stderr


def python(code: str, *arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    environment = usual_environment() | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", f"import sys\n{code}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd, env=environment)


def test_without_the_extra_a_sentence_names_it() -> None:
    code = "sys.modules['s3fs'] = None\nfrom stream.cli.entry import main\nsys.exit(main())"
    ended = python(code, *words("x"))
    assert ended.returncode == 2
    assert ended.stderr == f"facestream: {PHOTOS}: object stores need what the extra `cloud` brings: pip install 'facestream[cloud]'.\n"


def test_nothing_of_it_is_loaded_for_archives_on_a_disk(archive: Path, tmp_path: Path) -> None:
    code = "from stream.cli.app import main\ntry: main()\nexcept SystemExit: pass\n"
    code += "print([name for name in ('fsspec', 's3fs', 'aiohttp', 'botocore') if name in sys.modules])"
    ended = python(code, "run", str(archive / "hopper" / "00.png"), "-o", str(tmp_path), "--resume", *QUICK)
    assert ended.stdout.splitlines()[-1] == "[]", ended.stderr
    assert (tmp_path / "00.png").exists()
