"""tls against real handshakes: good, expired, early, self-signed, incomplete, wrong name, none."""

from __future__ import annotations

import asyncio
import ssl
from asyncio import StreamReader, StreamWriter
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from collectors import tls
from collectors.base import Measurement, Verdict

pytestmark = pytest.mark.usefixtures("descriptors")
NOW = datetime.now(UTC)
LOCAL = ip_address("127.0.0.1")


async def ask(port: int, timeout: float = 3, **settings: Any) -> Measurement:
    given = {"address": "127.0.0.1", "port": port} | settings
    return await tls.measure(tls.Settings(**given), timeout)


async def hang(reader: StreamReader, writer: StreamWriter) -> None:
    await asyncio.sleep(60)


def showing(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def self_signed(folder: Path, days: float = 30) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Bộ định tuyến")])
    alternative = x509.SubjectAlternativeName([x509.DNSName("router.test")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=100))
        .not_valid_after(NOW + timedelta(days=days))
        .add_extension(alternative, critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    kind = serialization.PrivateFormat.PKCS8
    path = folder / "own.pem"
    path.write_bytes(
        key.private_bytes(pem, kind, serialization.NoEncryption()) + certificate.public_bytes(pem)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


async def test_a_good_certificate_is_up_with_its_days(
    serve: Any, ca: trustme.CA, ca_file: str
) -> None:
    leaf = ca.issue_cert("portal.test", not_after=NOW + timedelta(days=40))
    port = await serve(hang, ssl=showing(leaf))
    result = await ask(port, server_name="portal.test", ca_file=ca_file)
    assert result.verdict is Verdict.OK
    assert 39 < result.values["days_left"] < 40
    assert result.values["handshake_ms"] > 0
    assert result.details["not_after"] == f"{NOW + timedelta(days=40):%Y-%m-%d %H:%M} UTC"
    assert result.details["version"] == "TLSv1.3"
    assert result.details["issuer"]


async def test_an_address_in_the_certificate_is_enough(
    serve: Any, ca: trustme.CA, ca_file: str
) -> None:
    port = await serve(hang, "::1", showing(ca.issue_cert("::1")))
    assert (await ask(port, address="::1", ca_file=ca_file)).verdict is Verdict.OK


async def test_an_expired_certificate_is_told_with_its_days(
    serve: Any, ca: trustme.CA, ca_file: str
) -> None:
    begin, end = NOW - timedelta(days=90), NOW - timedelta(days=10)
    leaf = ca.issue_cert("127.0.0.1", not_before=begin, not_after=end)
    port = await serve(hang, ssl=showing(leaf))
    for verify in (True, False):
        result = await ask(port, ca_file=ca_file, verify=verify)
        assert str(result.reason) == "the certificate expired 10.0 days ago"
        assert -11 < result.values["days_left"] < -10 + 0.1
        assert result.details["subject"]


async def test_a_certificate_that_is_not_valid_yet(
    serve: Any, ca: trustme.CA, ca_file: str
) -> None:
    begin, end = NOW + timedelta(days=5), NOW + timedelta(days=90)
    leaf = ca.issue_cert("127.0.0.1", not_before=begin, not_after=end)
    result = await ask(await serve(hang, ssl=showing(leaf)), ca_file=ca_file)
    assert str(result.reason) == "the certificate is only valid in 5.0 days"
    assert result.values["days_left"] > 80


async def test_an_expired_authority_is_not_blamed_on_the_certificate(
    serve: Any, ca: trustme.CA, ca_file: str, tmp_path: Path
) -> None:
    old = expired_authority(tmp_path)
    result = await ask(await serve(hang, ssl=old[0]), ca_file=str(old[1]))
    assert str(result.reason) == "a certificate in the chain has expired"
    assert result.values["days_left"] > 0


def expired_authority(folder: Path) -> tuple[ssl.SSLContext, Path]:
    root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root_name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Old CA")])
    begin = NOW - timedelta(days=100)
    root = (
        x509.CertificateBuilder()
        .subject_name(root_name)
        .issuer_name(root_name)
        .public_key(root_key.public_key())
        .serial_number(1)
        .not_valid_before(begin)
        .not_valid_after(NOW - timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(root_key, hashes.SHA256())
    )
    leaf = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(root_name)
        .public_key(key.public_key())
        .serial_number(2)
        .not_valid_before(begin)
        .not_valid_after(NOW + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(LOCAL)]), critical=True)
        .sign(root_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "root.pem").write_bytes(root.public_bytes(pem))
    plain = serialization.NoEncryption()
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    (folder / "leaf.pem").write_bytes(private + leaf.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "leaf.pem")
    return context, folder / "root.pem"


async def test_a_self_signed_certificate_is_told_and_still_read(
    serve: Any, ca_file: str, tmp_path: Path
) -> None:
    port = await serve(hang, ssl=self_signed(tmp_path))
    result = await ask(port, server_name="router.test", ca_file=ca_file)
    assert str(result.reason) == "the certificate is self-signed"
    assert 29 < result.values["days_left"] < 30
    assert result.details["subject"] == result.details["issuer"] == "Bộ định tuyến"
    assert (await ask(port, verify=False)).verdict is Verdict.OK


async def test_a_self_signed_certificate_may_be_trusted_by_itself(
    serve: Any, tmp_path: Path
) -> None:
    port = await serve(hang, ssl=self_signed(tmp_path))
    own = str(tmp_path / "own.pem")
    assert (await ask(port, server_name="router.test", ca_file=own)).verdict is Verdict.OK


async def test_a_missing_intermediate_is_an_incomplete_chain(
    serve: Any, ca: trustme.CA, ca_file: str, tmp_path: Path
) -> None:
    leaf = ca.create_child_ca().issue_cert("127.0.0.1")
    whole = await serve(hang, ssl=showing(leaf))
    leaf.private_key_pem.write_to_path(str(tmp_path / "short.pem"))
    leaf.cert_chain_pems[0].write_to_path(str(tmp_path / "short.pem"), append=True)
    short = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    short.load_cert_chain(tmp_path / "short.pem")
    result = await ask(await serve(hang, ssl=short), ca_file=ca_file)
    assert (await ask(whole, ca_file=ca_file)).verdict is Verdict.OK
    assert str(result.reason).startswith("the certificate chain is incomplete")
    assert result.values["days_left"] > 0


async def test_an_untrusted_root_that_is_sent_is_told_apart(
    serve: Any, ca_file: str, tmp_path: Path
) -> None:
    other = trustme.CA()
    leaf = other.issue_cert("127.0.0.1")
    leaf.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "all.pem"))
    other.cert_pem.write_to_path(str(tmp_path / "all.pem"), append=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "all.pem")
    result = await ask(await serve(hang, ssl=context), ca_file=ca_file)
    assert str(result.reason) == "the certificate's root authority is not trusted here"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("mail.test", "the certificate is not for the name mail.test"),
        (None, "the certificate is not for the address 127.0.0.1"),
    ],
)
async def test_a_wrong_name_is_told_and_the_certificate_read(
    serve: Any, ca: trustme.CA, ca_file: str, name: str | None, words: str
) -> None:
    port = await serve(hang, ssl=showing(ca.issue_cert("portal.test")))
    result = await ask(port, server_name=name, ca_file=ca_file)
    assert str(result.reason) == words
    assert result.values["days_left"] > 0


async def test_few_days_fail_only_when_asked_for(serve: Any, ca: trustme.CA, ca_file: str) -> None:
    leaf = ca.issue_cert("127.0.0.1", not_after=NOW + timedelta(days=9.5))
    port = await serve(hang, ssl=showing(leaf))
    assert (await ask(port, ca_file=ca_file)).verdict is Verdict.OK
    result = await ask(port, ca_file=ca_file, min_days=14)
    assert str(result.reason) == "the certificate expires in 9.5 days"


async def test_a_changed_ca_file_is_seen_without_a_restart(
    serve: Any, ca: trustme.CA, tmp_path: Path
) -> None:
    path = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(path))
    port = await serve(hang, ssl=showing(ca.issue_cert("127.0.0.1")))
    assert (await ask(port, ca_file=str(path))).verdict is Verdict.FAILED
    ca.cert_pem.write_to_path(str(path))
    assert (await ask(port, ca_file=str(path))).verdict is Verdict.OK


async def test_a_broken_ca_file_is_our_trouble(serve: Any, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    result = await ask(await serve(hang), ca_file=str(tmp_path / "ca.pem"))
    assert result.verdict is Verdict.UNKNOWN
    assert "ca.pem cannot be used" in str(result.reason)


async def test_peers_without_tls_end_in_words(serve: Any) -> None:
    async def plain(reader: StreamReader, writer: StreamWriter) -> None:
        writer.write(b"220 mail.test ESMTP\r\n")
        await writer.drain()
        await reader.read(1)

    async def close(reader: StreamReader, writer: StreamWriter) -> None:
        await reader.read(10)
        writer.write_eof()
        await reader.read()

    assert str((await ask(await serve(plain))).reason) == "the peer does not speak TLS"
    closed = await ask(await serve(close))
    assert str(closed.reason) == "the peer closed the connection during the TLS handshake"
    silent = await ask(await serve(hang), timeout=0.5)
    assert str(silent.reason) == "no TLS handshake within 0.5 s"


@pytest.mark.parametrize(
    ("alert", "words"),
    [
        (70, "the peer speaks no TLS version that is still safe"),
        (40, "the peer and we have no encryption in common"),
        (112, "the peer does not know the name portal.test"),
        (80, "the TLS handshake failed: tlsv1 alert internal error"),
    ],
)
async def test_what_the_peer_objects_to_is_told(serve: Any, alert: int, words: str) -> None:
    """Alerts of RFC 8446, section 6.2, as a peer sends them instead of its hello."""

    async def object_to_it(reader: StreamReader, writer: StreamWriter) -> None:
        await reader.read(4096)
        writer.write(bytes([21, 3, 1, 0, 2, 2, alert]))
        await writer.drain()

    result = await ask(await serve(object_to_it), server_name="portal.test")
    assert str(result.reason) == words


async def test_the_second_reading_may_fail_and_the_refusal_stays(
    serve: Any, ca_file: str, tmp_path: Path
) -> None:
    """A peer that lets us in once only: the reason is the certificate, not the second time."""
    context = self_signed(tmp_path)
    port = await serve(hang, ssl=context)
    visits = 0

    async def relay(reader: StreamReader, writer: StreamWriter) -> None:
        nonlocal visits
        visits += 1
        if visits > 1:
            await asyncio.sleep(60)
        inner, outer = await asyncio.open_connection("127.0.0.1", port)
        outer.write(await reader.read(65_536))
        writer.write(await inner.read(65_536))
        await writer.drain()
        await reader.read(65_536)
        outer.close()

    result = await ask(await serve(relay), timeout=1, ca_file=ca_file)
    assert str(result.reason) == "the certificate is self-signed"
    assert "days_left" not in result.values


async def test_cancelling_closes_the_connection(serve: Any) -> None:
    task = asyncio.create_task(ask(await serve(hang), timeout=30))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
