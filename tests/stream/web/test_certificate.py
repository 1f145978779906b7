"""https: with the user's certificate, or one that the machine makes for itself."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from stream.errors import UsageError
from stream.web import certificate
from stream.web.place import Place
from tests.web_server import serving

HOME, WORLD = Place("127.0.0.1", 8000), Place("0.0.0.0", 8000)


def names(path: Path) -> set[str]:
    found = x509.load_pem_x509_certificate(path.read_bytes()).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(name.value) for name in found}


def test_a_machine_makes_a_certificate_that_browsers_take(tmp_path: Path) -> None:
    path = certificate.self_signed(WORLD, ["cams.example.com"], tmp_path / "new" / "folder")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert list(path.parent.iterdir()) == [path]
    made = x509.load_pem_x509_certificate(path.read_bytes())
    assert timedelta(days=390) < made.not_valid_after_utc - datetime.now(UTC) <= timedelta(days=397)
    assert made.not_valid_after_utc - made.not_valid_before_utc <= timedelta(days=397)
    assert made.not_valid_before_utc < datetime.now(UTC)
    assert isinstance(made.public_key(), ec.EllipticCurvePublicKey)
    assert x509.oid.ExtendedKeyUsageOID.SERVER_AUTH in made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    own = socket.gethostname().lower().partition(".")[0]
    assert {"localhost", "127.0.0.1", "::1", "cams.example.com", own, f"{own}.local"} <= names(path)
    said = subprocess.run(["openssl", "x509", "-in", path, "-noout", "-fingerprint", "-sha256"], capture_output=True, text=True, check=True)
    assert said.stdout.strip().endswith(certificate.fingerprint(path))


def test_it_is_kept_while_it_serves_and_made_anew_when_it_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def made(place: Place = HOME, *more: str) -> bytes:
        return certificate.self_signed(place, more, tmp_path).read_bytes()

    first = made()
    assert made() == first
    with_name = made(HOME, "cams.example.com")
    assert with_name != first
    assert made() == with_name, "it has more names than are needed"
    assert made(Place("192.0.2.7", 8000)) != with_name
    path = tmp_path / certificate.FILE
    for broken in (b"", b"no certificate", first[: len(first) // 2], first.replace(b"PRIVATE", b"PUBLIC")):
        path.write_bytes(broken)
        assert made().count(b"BEGIN") == 2
    monkeypatch.setattr(certificate, "VALID_DAYS", 1)
    path.unlink()
    soon_over = made()
    monkeypatch.undo()
    assert made() != soon_over


def test_it_lies_in_the_state_folder_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert certificate.self_signed(HOME, []) == tmp_path / "facestream" / certificate.FILE
    monkeypatch.setenv("XDG_STATE_HOME", "not/absolute")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert certificate.state_folder() == tmp_path / ".local" / "state" / "facestream"
    (tmp_path / "a file").write_text("")
    with pytest.raises(UsageError, match="cannot be kept"):
        certificate.self_signed(HOME, [], tmp_path / "a file" / "x")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "cams.example.com"])
def test_the_page_is_served_by_https(tmp_path: Path, host: str) -> None:
    path = certificate.self_signed(HOME, ["cams.example.com"], tmp_path)
    with serving(certificate=path, key=path, host_names=["cams.example.com"]) as served:
        trusting = ssl.create_default_context(cafile=path)
        with (
            socket.create_connection(("127.0.0.1", served.port), 5) as plain,
            trusting.wrap_socket(plain, server_hostname=host) as connection,
        ):
            connection.sendall(f"GET / HTTP/1.1\r\nHost: {host}:{served.port}\r\nConnection: close\r\n\r\n".encode())
            said = b""
            while piece := connection.recv(65536):
                said += piece
    assert said.startswith(b"HTTP/1.1 200 ")
    assert f"connect-src 'self' wss://{host}:{served.port}".encode() in said
    assert any(certificate.fingerprint(path) in sentence for sentence in served.said)
    assert served.said[0].startswith(f"the page: https://127.0.0.1:{served.port}/")


def test_whoever_speaks_no_tls_harms_nobody(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = certificate.self_signed(HOME, [], tmp_path)
    with serving(certificate=path, key=path) as served:
        for words in (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"\x16\x03\x01\xff\xff", b""):
            with socket.create_connection(("127.0.0.1", served.port), 5) as plain:
                plain.sendall(words)
    assert capfd.readouterr().err == ""


def test_what_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    good = certificate.self_signed(HOME, [], tmp_path)
    other = certificate.self_signed(HOME, [], tmp_path / "other")
    text = tmp_path / "text.pem"
    text.write_text("hello")
    locked = tmp_path / "locked.pem"
    subprocess.run(["openssl", "pkey", "-in", good, "-aes256", "-passout", "pass:secret", "-out", locked], check=True, capture_output=True)
    for one, key, why in (
        (text, good, "cannot be used"),
        (good, text, "cannot be used"),
        (good, locked, "cannot be used"),
        (tmp_path / "none.pem", good, "no such file"),
        (tmp_path, good, "no such file"),
    ):
        with pytest.raises(UsageError, match=why):
            certificate.check(one, key)
    mixed = tmp_path / "mixed.pem"
    mixed.write_bytes(other.read_bytes())
    with pytest.raises(UsageError, match=r"cannot be used for https \(KEY_VALUES_MISMATCH\)"):
        certificate.check(good, mixed)
    if os.geteuid() != 0:
        good.chmod(0)
        with pytest.raises(UsageError, match="cannot be used"):
            certificate.check(good, good)


@pytest.mark.slow
def test_a_handshake_that_is_not_finished_is_hung_up_on(tmp_path: Path) -> None:
    path = certificate.self_signed(HOME, [], tmp_path)
    with serving(certificate=path, key=path) as served, socket.create_connection(("127.0.0.1", served.port), 12) as silent:
        silent.sendall(b"\x16\x03\x01")
        begun = time.monotonic()
        assert silent.recv(1) == b""
        assert 4 < time.monotonic() - begun < 8
