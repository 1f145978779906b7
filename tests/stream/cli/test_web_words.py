"""How a page is asked for on the command line, and what is said where it cannot be had."""

from __future__ import annotations

import json
import re
import signal
import socket
import sys
from pathlib import Path

import pytest

from stream.cli.asked import with_places
from stream.errors import UsageError
from stream.web.access import TOKEN_VARIABLE
from stream.web.place import Place
from tests.command import facestream, is_one_sentence, running
from tests.ports import free_port
from tests.waiting import wait_for
from tests.web_client import TOKEN, ask, log_in, page


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("run --web", "run --web=127.0.0.1:8000"),
        ("run --web 0", "run --web=127.0.0.1:8000 0"),
        ("run --web 8080", "run --web=8080"),
        ("run --web 8080 0", "run --web=8080 0"),
        ("run 0 --web 80", "run 0 --web=80"),
        ("run --web 0.0.0.0:8080 a.mp4", "run --web=0.0.0.0:8080 a.mp4"),
        ("run --web [::]:8080", "run --web=[::]:8080"),
        ("run --web localhost:8080", "run --web=localhost:8080"),
        ("run --web :8080", "run --web=:8080"),
        ("run --web=9000 0", "run --web=9000 0"),
        ("run --web a.mp4", "run --web=127.0.0.1:8000 a.mp4"),
        ("run --web rtsp://host:8554/x", "run --web=127.0.0.1:8000 rtsp://host:8554/x"),
        ("run --web camera:12", "run --web=127.0.0.1:8000 camera:12"),
        ("run --web --web-view-only 0", "run --web=127.0.0.1:8000 --web-view-only 0"),
        ("run --web -- --web 8080", "run --web=127.0.0.1:8000 -- --web 8080"),
        ("run -- --web", "run -- --web"),
    ],
)
def test_the_place_may_be_left_out(words: str, meant: str) -> None:
    assert with_places(words.split()) == meant.split()


@pytest.mark.parametrize(
    ("text", "place"),
    [("8080", ("127.0.0.1", 8080)), ("0.0.0.0:1", ("0.0.0.0", 1)), ("[::1]:65535", ("::1", 65535)), (":8080", ("127.0.0.1", 8080))],
)
def test_a_place_is_an_address_and_a_port(text: str, place: tuple[str, int]) -> None:
    assert Place.parse(text) == Place(*place)


@pytest.mark.parametrize(
    "text", ["", "0", "65536", "99999", "localhost", "localhost:", "a b:80", "http://localhost:80", "1.2.3.4:80:90", "::1", "-5"]
)
def test_another_word_is_no_place(text: str) -> None:
    with pytest.raises(UsageError, match=r"--web .*: write a port from 1 to 65535, or HOST:PORT, such as 127\.0\.0\.1:8000"):
        Place.parse(text)


def test_a_place_that_cannot_be_had_is_told_before_a_source_is_opened(tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = facestream("run", "rtsp://127.0.0.1:1/x", "--events", events, "--web", str(port))
    assert done.returncode == 2
    assert is_one_sentence(done.stderr)
    assert re.search(rf"127\.0\.0\.1:{port} cannot be served \(Address already in use\); choose another port", done.stderr)
    assert not events.exists()


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--web=99999",), "write a port"),
        (("--web=192.0.2.77:8000",), "192.0.2.77:8000 cannot be served"),
        (("--web=no.such.host.invalid:8000",), "no address of this machine"),
        (("--web-view-only",), "say --web, too"),
        (("--web-tls", "self-signed"), "say --web, too"),
        (("--web-host-name", "a.example"), "say --web, too"),
        (("--web", "--web-cert", "a.pem"), "--web-cert and --web-key go together"),
        (("--web", "--web-cert", "a.pem", "--web-key", "b.pem"), "a.pem: there is no such file"),
        (("--web", "--web-host-name", "https://a.example"), "a name alone"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(words: tuple[str, ...], why: str) -> None:
    done = facestream("run", "rtsp://127.0.0.1:1/x", *words)
    assert done.returncode == 2
    assert is_one_sentence(done.stderr), done.stderr
    assert why in done.stderr


@pytest.mark.parametrize(
    ("missing", "words", "says"),
    [
        ("starlette", ("--web", "{}"), "--web needs what the extra `web` brings: pip install 'facestream[web]'."),
        ("uvicorn", ("--web", "{}"), "pip install 'facestream[web]'"),
        ("websockets", ("--web", "{}"), "pip install 'facestream[web]'"),
        ("cryptography", ("--web", "{}", "--web-tls", "self-signed"), "pip install 'facestream[web-tls]'"),
    ],
)
def test_without_its_libraries_one_sentence_says_what_to_install(missing: str, words: tuple[str, ...], says: str, tmp_path: Path) -> None:
    (tmp_path / f"{missing}.py").write_text("raise ImportError('not installed')\n", encoding="utf-8")
    path = f"{tmp_path}:{':'.join(sys.path)}"
    done = facestream("run", "x.mp4", *(word.format(free_port()) for word in words), environment={"PYTHONPATH": path})
    assert done.returncode == 2, done.stderr
    assert is_one_sentence(done.stderr), done.stderr
    assert says in done.stderr


def test_all_else_works_without_its_libraries(tmp_path: Path) -> None:
    for missing in ("starlette", "uvicorn", "websockets", "cryptography"):
        (tmp_path / f"{missing}.py").write_text("raise ImportError('not installed')\n", encoding="utf-8")
    out = tmp_path / "events.jsonl"
    path = f"{tmp_path}:{':'.join(sys.path)}"
    done = facestream("demo", "--seconds", "0.5", "--events", out, "--no-window", cwd=tmp_path, environment={"PYTHONPATH": path})
    assert done.returncode == 0, done.stderr
    assert out.stat().st_size > 0


@pytest.mark.slow
def test_the_address_that_is_printed_opens_the_page_and_a_log_never_has_the_token() -> None:
    port = free_port()
    with running("demo", "--web", str(port)) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        found = re.fullmatch(rf"the page: http://127\.0\.0\.1:{port}/#token=([\w-]{{43}})\n", line)
        assert found is not None, line
        assert log_in(port, found[1]).status == 204
        assert ask(port, f"/api/status?token={found[1]}").status == 401
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130
        assert found[1] not in process.stderr.read()
    with running("demo", "--web", str(port), "--log-format", "json") as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        assert TOKEN_VARIABLE in line
        assert "#token" not in line, "a log is kept"
        assert "nobody can open it" in line, "nobody has chosen a token"


@pytest.mark.parametrize("words", [("-o", "out.mp4"), ("--events", "-"), ("--window",)])
def test_what_would_never_be_written_is_refused(words: tuple[str, ...], tmp_path: Path) -> None:
    done = facestream("run", "--web", str(free_port()), *words, "--duration", "1", cwd=tmp_path)
    assert done.returncode == 2
    assert is_one_sentence(done.stderr)
    assert "name one" in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_page_for_others_without_encryption_is_warned_about(tmp_path: Path) -> None:
    for more, warns in (((), True), (("--web-tls", "self-signed"), False)):
        environment = {TOKEN_VARIABLE: TOKEN, "XDG_STATE_HOME": str(tmp_path)}
        with running("run", "--web", f"0.0.0.0:{free_port()}", *more, environment=environment) as process:
            assert process.stderr is not None
            first, second = process.stderr.readline(), process.stderr.readline()
            assert TOKEN not in first + second
            if warns:
                assert "not encrypted" in second
                assert "give no camera to http pages" in second
                assert "--web-tls self-signed" in second
            else:
                assert first.startswith("the page: https://")
                assert "SHA-256" in second
            process.send_signal(signal.SIGINT)
            assert process.wait(10) == 130
            assert "not encrypted" not in process.stderr.read()


@pytest.mark.slow
def test_the_passwords_of_cameras_are_in_no_answer_and_in_no_log() -> None:
    web = free_port()
    closed = free_port()
    addresses = [f"rtsp://admin:geheim99@127.0.0.1:{closed}/live", f"http://127.0.0.1:{closed}/video?user=u&password=geheim99"]
    with running("run", *addresses, "--web", str(web), "--metrics-port", str(web), environment={TOKEN_VARIABLE: TOKEN}) as process:
        bearer = {"Authorization": f"Bearer {TOKEN}"}

        def status() -> list[dict[str, object]]:
            try:
                cameras: list[dict[str, object]] = ask(web, "/api/status", **bearer).json["cameras"]
            except OSError:
                return []
            return cameras

        wait_for(lambda: len([camera for camera in status() if camera["cause"]]) == 2)
        said = [ask(web, path, **bearer).text for path in ("/api/status", "/metrics", "/healthz", "/readyz", "/nothing", "/")]
        with page(web) as open_page:
            said.append(json.dumps(open_page.state()))
        assert "facestream_source_up" in said[1]
        assert "facestream_frames_total" in ask(web, "/metrics", **bearer).text
        assert ask(web, "/metrics").status == 401
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130
        assert process.stdout is not None
        assert process.stderr is not None
        assert "geheim99" not in "".join([*said, process.stdout.read(), process.stderr.read()])
        assert TOKEN not in "".join(said)


@pytest.mark.slow
def test_metrics_on_the_port_of_the_page_must_be_where_the_page_is() -> None:
    port = free_port()
    done = facestream("demo", "--web", str(port), "--metrics-port", str(port), "--seconds", "0.5", environment={TOKEN_VARIABLE: TOKEN})
    assert done.returncode == 0, done.stderr
    done = facestream("run", "0", "--web", str(port), "--metrics-port", str(port), "--metrics-host", "0.0.0.0")
    assert done.returncode == 2
    assert "the page has that port on 127.0.0.1; choose another port" in done.stderr
