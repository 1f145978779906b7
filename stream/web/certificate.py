"""Certificates for https: the user's own, or one that this machine makes for itself and keeps."""

from __future__ import annotations

import hashlib
import ipaddress
import os
import socket
import ssl
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from stream.errors import UsageError
from stream.web.access import own_names
from stream.web.place import Place

if TYPE_CHECKING:
    from cryptography import x509

MISSING = "--web-tls self-signed needs what the extra `web-tls` brings: pip install 'facestream[web-tls]'."
VALID_DAYS = 397
"""Browsers take no longer ones."""
RENEWED_BEFORE = timedelta(days=1)
FILE = "self-signed.pem"


def check(certificate: Path, key: Path) -> None:
    """
    Raises:
        UsageError: they cannot be used for https.
    """
    for path in (certificate, key):
        if not path.is_file():
            raise UsageError(f"{path}: there is no such file.")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password=lambda: "")  # or it asks on the terminal
    except (OSError, ValueError) as error:  # ssl's own errors are among them
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
        raise UsageError(f"{certificate} and {key} cannot be used for https ({reason}).") from error


def self_signed(place: Place, names: Iterable[str], folder: Path | None = None) -> Path:
    """A PEM file with a key and its certificate for all that this machine is called; the kept one while it serves.

    Args:
        names: further host names.
        folder: where it is kept; the user's state folder if None.

    Raises:
        UsageError: it cannot be made or kept.
    """
    try:
        import cryptography  # noqa: F401
    except ImportError as error:
        raise UsageError(MISSING) from error
    wanted = names_of(place) | {name.lower().removesuffix(".") for name in names}
    try:
        path = (folder or state_folder()) / FILE
        if not _serves(path, wanted):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write(path, _made(wanted))
    except (OSError, RuntimeError) as error:  # RuntimeError: nobody knows where home is
        raise UsageError(f"--web-tls self-signed: the certificate cannot be kept ({error}).") from error
    return path


def fingerprint(path: Path) -> str:
    """SHA-256 of a certificate, as browsers show it."""
    text = path.read_text(encoding="ascii", errors="replace")
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    first = begin + text.partition(begin)[2].partition(end)[0] + end
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(first)).digest().hex(":").upper()


def names_of(place: Place) -> set[str]:
    """What a page at that place is opened by: names and addresses."""
    names = {"localhost", "127.0.0.1", "::1"}
    if place.is_loopback:
        return names
    return names | own_names() | ({place.host.lower()} if place.host not in ("0.0.0.0", "::") else _own_addresses())


def state_folder() -> Path:
    """`$XDG_STATE_HOME/facestream`, by default under `~/.local/state`."""
    given = Path(os.environ.get("XDG_STATE_HOME", ""))
    return (given if given.is_absolute() else Path.home() / ".local" / "state") / "facestream"


def _own_addresses() -> set[str]:
    """Those by which this machine would reach others. Nothing is sent."""
    found = set()
    for family, far in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as unsent:
            unsent.connect((far, 9))
            found.add(unsent.getsockname()[0])
    return found


def _serves(path: Path, wanted: set[str]) -> bool:
    from cryptography import x509

    try:
        check(path, path)
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
        now = datetime.now(UTC)
        if not certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc - RENEWED_BEFORE:
            return False
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (UsageError, ValueError, x509.ExtensionNotFound):
        return False
    return wanted <= {str(name.value) for name in names}


def _made(names: Iterable[str]) -> bytes:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "facestream")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))  # for phones whose clock is late
        .not_valid_after(now - timedelta(hours=1) + timedelta(days=VALID_DAYS))
        .add_extension(x509.SubjectAlternativeName([_alternative(name) for name in sorted(names)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    return private + certificate.public_bytes(serialization.Encoding.PEM)


def _alternative(name: str) -> x509.GeneralName:
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _write(path: Path, data: bytes) -> None:
    """All of it or nothing, for its owner alone."""
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    beside.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
