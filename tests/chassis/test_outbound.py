"""Requests to strangers' addresses: what is never called, and what the worst of receivers can do to us."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from chassis.outbound import Answer, Fault, Guard, Limits, Outbound, Refused, Resolve, is_public
from tests.kit.webhook_sink import Answering, answers, dripping, endless, never, raw, webhook_sink

LOOPBACK = (ip_network("127.0.0.0/8"),)
SHORT = Limits(connect_seconds=1, total_seconds=1)
BODY = b'{"type":"lead.assigned"}'


def resolving(*turns: Sequence[str]) -> Resolve:
    """Answers with each in turn, as a name does that changes its mind; the last one stays."""
    left = list(turns)

    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return left.pop(0) if len(left) > 1 else left[0]

    return resolve


@asynccontextmanager
async def calling(limits: Limits = SHORT, resolve: Resolve | None = None) -> AsyncIterator[Outbound]:
    async with Outbound(Guard(LOOPBACK, resolve), limits) as outbound:
        yield outbound


async def answer_to(answering: Answering, limits: Limits = SHORT) -> Answer:
    async with webhook_sink() as sink, calling(limits) as outbound:
        sink.answers = [answering]
        return await outbound.post(sink.url, {}, BODY)


class TestAddresses:
    @pytest.mark.parametrize(
        "address",
        [
            *("127.0.0.1", "127.9.9.9", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254"),  # noqa: S104
            *("100.64.0.1", "192.0.0.8", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.51.100.7", "203.0.113.9"),
            *("224.0.0.1", "255.255.255.255", "240.0.0.1", "::", "::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8"),
            *("64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2001:0:7f00:1::", "2001:db8::1", "fe80::1"),
            *("fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1", "3fff::1", "5f00::1", "no address", "127.1", ""),
        ],
    )
    def test_that_are_not_the_open_internet(self, address: str) -> None:
        assert not is_public(address)

    @pytest.mark.parametrize("address", ["1.1.1.1", "93.184.216.34", "203.0.112.1", "2606:4700:4700::1111"])
    def test_that_are(self, address: str) -> None:
        assert is_public(address)

    async def test_are_refused_where_one_of_a_host_is_private(self) -> None:
        guard = Guard(resolve=resolving(["93.184.216.34", "10.0.0.5"]))
        with pytest.raises(Refused, match="private_address"):
            await guard.check("https://leads.example/")

    async def test_are_refused_where_a_host_has_none(self) -> None:
        async def fails(_host: str, _port: int) -> Sequence[str]:
            raise OSError("no such host")

        for guard in (Guard(resolve=resolving([])), Guard(resolve=fails)):
            with pytest.raises(Refused, match="unresolvable"):
                await guard.check("https://leads.example/")

    @pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "0x7f.1", "127.1", "[::1]", "[::ffff:10.0.0.1]"])
    async def test_are_seen_through_however_they_are_written(self, host: str) -> None:
        guard = Guard()
        with pytest.raises(Refused, match=r"private_address|unresolvable"):
            await guard.check(f"https://{host}/")
        guard.close()


class TestUrls:
    @pytest.mark.parametrize(
        ("url", "why"),
        [
            ("http://leads.example/", "not_https"),
            ("ftp://leads.example/", "not_https"),
            ("//leads.example/", "not_https"),
            ("https://leads.example:22/", "port"),
            ("https://leads.example:80/", "port"),
            ("https://leads.example:99999/", "not_a_url"),
            ("https://user:pass@leads.example/", "not_a_url"),
            ("https://@leads.example/", "not_a_url"),
            ("https://leads.example/#part", "not_a_url"),
            ("https://leads.example\\@127.0.0.1/", "not_a_url"),
            ("https://leads.example/a\r\nHost: other", "not_a_url"),
            ("https://leads.example/ a", "not_a_url"),
            ("https://b\u00fccher.example/", "not_a_url"),
            ("https://[fe80::1%25eth0]/", "not_a_url"),
            ("https:///path", "not_a_url"),
            ("https://[::1/", "not_a_url"),
            ("https://leads.example/" + "a" * 2_000, "not_a_url"),
            ("", "not_https"),
        ],
    )
    def test_that_are_never_called(self, url: str, why: str) -> None:
        with pytest.raises(Refused) as refused:
            Guard().target_of(url)
        assert refused.value.why in (why, "not_a_url")

    def test_are_read_once(self) -> None:
        target = Guard().target_of("https://Leads.Example:8443/in?from=waybill")
        assert (target.host, target.port, target.path) == ("leads.example", 8443, "/in?from=waybill")
        assert target.netloc == "leads.example:8443"

    def test_of_a_laptop_are_let_through_on_a_laptop_alone(self) -> None:
        assert Guard(LOOPBACK).target_of("http://127.0.0.1:5000/").port == 5000


class TestRebinding:
    async def test_connects_to_what_it_checked(self) -> None:
        """The name is public when it is set and private when it is called: the call looks itself."""
        guard = Guard(resolve=resolving(["93.184.216.34"], ["127.0.0.1"]))
        async with webhook_sink() as sink, Outbound(guard, SHORT) as outbound:
            await guard.check("https://leads.example/")
            answer = await outbound.post("https://leads.example/", {}, BODY)
        assert (answer.status, answer.fault, sink.connections) == (None, Fault.PRIVATE_ADDRESS, 0)

    async def test_asks_for_the_name_once_a_call(self) -> None:
        """Between look and connection nothing is resolved again."""
        asked = []

        async def resolve(host: str, _port: int) -> Sequence[str]:
            asked.append(host)
            return ["127.0.0.1"]

        async with webhook_sink() as sink, calling(resolve=resolve) as outbound:
            url = f"http://leads.example:{sink.port}/in"
            assert (await outbound.post(url, {}, BODY)).status == 200
            assert (await outbound.post(url, {}, BODY)).status == 200
        assert asked == ["leads.example"] * 2
        assert sink.connections == 2
        assert sink.received[0].headers["host"] == f"leads.example:{sink.port}"


class TestRequests:
    async def test_carry_what_they_are_given_and_nothing_else(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
        async with webhook_sink() as sink, calling() as outbound:
            sink.answers = [answers(204, Set_Cookie="a=b")]
            await outbound.post(sink.url, {"webhook-id": "1"}, BODY)
            await outbound.post(sink.url, {"webhook-id": "1"}, BODY)
        for received in sink.received:
            assert (received.request_line, received.body) == ("POST /leads HTTP/1.1", BODY)
            assert received.headers == {
                "host": f"127.0.0.1:{sink.port}",
                "connection": "close",
                "content-length": str(len(BODY)),
                "webhook-id": "1",
            }

    async def test_follow_no_redirect(self) -> None:
        async with webhook_sink() as sink, webhook_sink() as inner, calling() as outbound:
            for place in (inner.url, "http://169.254.169.254/latest/meta-data/"):
                sink.answers = [answers(307, Location=place)]
                assert (await outbound.post(sink.url, {}, BODY)).status == 307
        assert inner.connections == 0


class TestAnswers:
    async def test_tell_their_status(self) -> None:
        assert (await answer_to(answers(503, b"later", Retry_After="30"))).status == 503

    async def test_tell_when_to_come_again(self) -> None:
        assert (await answer_to(answers(429, Retry_After="30"))).retry_after == "30"

    async def test_that_never_begin_end_by_the_deadline(self) -> None:
        until = asyncio.Event()
        answer = await answer_to(never(until), Limits(total_seconds=0.2))
        until.set()
        assert (answer.status, answer.fault) == (None, Fault.TIMEOUT)

    async def test_whose_head_drips_end_by_the_deadline(self) -> None:
        until = asyncio.Event()
        answer = await answer_to(dripping(b"HTTP/1.1 200 OK\r\nX-A: ", until), Limits(total_seconds=0.2))
        until.set()
        assert (answer.status, answer.fault) == (None, Fault.TIMEOUT)

    async def test_that_promise_to_continue_for_ever_end_by_the_deadline(self) -> None:
        answer = await answer_to(endless(b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000, 1), Limits(total_seconds=2))
        assert answer.status is None

    async def test_stand_once_their_head_is_whole_though_the_body_drips(self) -> None:
        until = asyncio.Event()
        first = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
        answer = await answer_to(dripping(first, until), Limits(total_seconds=0.3))
        until.set()
        assert (answer.status, answer.fault) == (200, None)

    @pytest.mark.parametrize("length", [b"Content-Length: 99999999\r\n", b"Transfer-Encoding: chunked\r\n", b""])
    async def test_are_read_no_further_than_64_kb(self, length: bytes) -> None:
        first = b"HTTP/1.1 200 OK\r\n" + length + b"\r\n"
        if b"chunked" in length:
            first += b"ffffff\r\n"
        answer = await answer_to(endless(first), Limits(total_seconds=5))
        assert (answer.status, answer.bytes_read) == (200, 65_536)

    async def test_that_lie_about_their_length_stand(self) -> None:
        answer = await answer_to(raw(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"))
        assert (answer.status, answer.fault) == (200, None)

    async def test_with_more_head_than_sense_are_broken(self) -> None:
        answer = await answer_to(endless(b"HTTP/1.1 200 OK\r\nX-A: ", 1))
        assert (answer.status, answer.fault) == (None, Fault.BROKEN)

    async def test_that_are_no_http_are_broken(self) -> None:
        for said in (b"SSH-2.0-OpenSSH_9.6\r\n", b"", b"HTTP/1.1 two hundred\r\n\r\n"):
            answer = await answer_to(raw(said))
            assert (answer.status, answer.fault) == (None, Fault.BROKEN)

    async def test_of_nobody_are_told_as_unreachable(self) -> None:
        async with webhook_sink() as sink:
            url = sink.url
        async with calling() as outbound:
            assert (await outbound.post(url, {}, BODY)).fault is Fault.UNREACHABLE


class TestTls:
    async def test_holds_the_certificate_against_the_name(self, tmp_path: Path) -> None:
        server = certificate_for("other.example", tmp_path)
        trusting = ssl.create_default_context(cafile=str(tmp_path / "certificate.pem"))
        async with webhook_sink(server) as sink, _trusting(trusting) as outbound:
            wrong = await outbound.post(f"https://leads.example:{sink.port}/", {}, BODY)
            right = await outbound.post(f"https://other.example:{sink.port}/", {}, BODY)
        assert (wrong.status, wrong.fault, right.status) == (None, Fault.TLS, 200)
        assert len(sink.received) == 1

    async def test_trusts_no_stranger(self, tmp_path: Path) -> None:
        server = certificate_for("leads.example", tmp_path)
        async with webhook_sink(server) as sink, calling(resolve=resolving(["127.0.0.1"])) as outbound:
            answer = await outbound.post(f"https://leads.example:{sink.port}/", {}, BODY)
        assert (answer.fault, sink.received) == (Fault.TLS, [])

    @pytest.mark.parametrize("limits", [Limits(connect_seconds=0.2), Limits(connect_seconds=5, total_seconds=0.2)])
    async def test_that_is_never_answered_ends_and_leaves_no_connection(self, limits: Limits) -> None:
        async with webhook_sink() as sink, calling(limits) as outbound:
            answer = await outbound.post(sink.url.replace("http:", "https:"), {}, BODY)
        assert (answer.status, answer.fault) == (None, Fault.TIMEOUT)


@asynccontextmanager
async def _trusting(context: ssl.SSLContext) -> AsyncIterator[Outbound]:
    async with Outbound(Guard(LOOPBACK, resolving(["127.0.0.1"])), SHORT, context) as outbound:
        yield outbound


def certificate_for(name: str, directory: Path) -> ssl.SSLContext:
    """A server's context with a certificate that it signed itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (directory / "certificate.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (directory / "key.pem").write_bytes(pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "certificate.pem", directory / "key.pem")
    return context
