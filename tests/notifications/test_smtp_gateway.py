"""One suite for the real gateway, over a socket to a real server, and for the fake."""

import asyncio
import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult

from deploy.local.smtp_sink.faults import Action, Fault, Faults, Stage
from deploy.local.smtp_sink.mailbox import Mailbox
from deploy.local.smtp_sink.server import SmtpSink
from services.notifications.domain.replies import Phase, Verdict, judge
from services.notifications.smtp_gateway import AiosmtplibGateway, Letter, SmtpGateway, SmtpServer
from tests.notifications.fake_gateway import FakeGateway

CONTENT = b"Subject: Hello\r\nMessage-ID: <1@waybill.example>\r\n\r\n.One line\r\n"
LETTER = Letter("no-reply@waybill.example", "mia@example.test", CONTENT)


@dataclass
class Post:
    """A gateway and the server behind it."""

    gateway: SmtpGateway
    server: SmtpServer
    mailbox: Mailbox
    faults: Faults

    async def send(self, letter: Letter = LETTER) -> tuple[Verdict, Phase, int | None]:
        reply = await self.gateway.send(self.server, letter)
        return judge(reply), reply.phase, reply.code


@pytest.fixture(params=["real", "fake"])
async def post(request: pytest.FixtureRequest, smtp_sink: SmtpSink) -> AsyncIterator[Post]:
    if request.param == "fake":
        fake = FakeGateway(timeout_seconds=0.2)
        yield Post(fake, SmtpServer("127.0.0.1", 25), fake.mailbox, fake.faults)
        return
    real = AiosmtplibGateway(timeout_seconds=0.2, local_hostname="waybill.example")
    yield Post(real, SmtpServer.of_url(smtp_sink.url), smtp_sink.mailbox, smtp_sink.faults)
    await real.close()


class TestEveryGateway:
    async def test_hands_the_bytes_over_as_they_are(self, post: Post) -> None:
        assert await post.send() == (Verdict.ACCEPTED, Phase.CONTENT, 250)
        (mail,) = post.mailbox
        assert (mail.sender, mail.recipients, mail.raw) == (LETTER.sender, (LETTER.recipient,), CONTENT)

    async def test_tells_a_refused_recipient_with_its_enhanced_status(self, post: Post) -> None:
        post.faults.order(Fault(action=Action.REFUSE))
        reply = await post.gateway.send(post.server, LETTER)
        assert (reply.phase, reply.code, reply.enhanced_status) == (Phase.RECIPIENT, 550, "5.1.1")

    @pytest.mark.parametrize(
        ("stage", "answer", "expected"),
        [
            (Stage.MAIL, "553 5.1.8 Bad sender", (Verdict.SENDER_REFUSED, Phase.SENDER, 553)),
            (Stage.MAIL, "450 4.7.0 Slow down", (Verdict.THROTTLED, Phase.SENDER, 450)),
            (Stage.RCPT, "451 4.7.1 Greylisted", (Verdict.DEFERRED, Phase.RECIPIENT, 451)),
            (Stage.RCPT, "550 5.7.1 Listed", (Verdict.REFUSED, Phase.RECIPIENT, 550)),
            (Stage.DATA, "554 5.6.0 Not this", (Verdict.REFUSED, Phase.CONTENT, 554)),
            (Stage.DATA, "452 4.3.1 Full", (Verdict.DEFERRED, Phase.CONTENT, 452)),
        ],
    )
    async def test_tells_every_answer_with_its_phase(
        self, post: Post, stage: Stage, answer: str, expected: tuple[Verdict, Phase, int]
    ) -> None:
        post.faults.order(Fault(action=Action.REFUSE, stage=stage, answer=answer))
        assert await post.send() == expected
        assert len(post.mailbox) == 0

    async def test_goes_on_after_a_refusal(self, post: Post) -> None:
        post.faults.order(Fault(action=Action.REFUSE, times=1))
        await post.send()
        assert (await post.send())[0] is Verdict.ACCEPTED

    @pytest.mark.parametrize(
        ("stage", "verdict"), [(Stage.RCPT, Verdict.UNREACHABLE), (Stage.ACCEPTED, Verdict.OUTCOME_UNKNOWN)]
    )
    async def test_a_lost_connection_is_unknown_only_once_the_content_was_given(
        self, post: Post, stage: Stage, verdict: Verdict
    ) -> None:
        post.faults.order(Fault(action=Action.DROP, stage=stage, times=1))
        assert (await post.send())[0] is verdict
        assert (await post.send())[0] is Verdict.ACCEPTED

    @pytest.mark.parametrize(
        ("stage", "verdict"), [(Stage.RCPT, Verdict.UNREACHABLE), (Stage.DATA, Verdict.OUTCOME_UNKNOWN)]
    )
    async def test_a_server_that_does_not_answer_in_time_is_let_go(
        self, post: Post, stage: Stage, verdict: Verdict
    ) -> None:
        post.faults.order(Fault(action=Action.SLOW, stage=stage, seconds=30, times=1))
        assert (await post.send())[0] is verdict
        assert (await post.send())[0] is Verdict.ACCEPTED

    async def test_takes_a_recipient_beyond_ascii(self, post: Post) -> None:
        letter = Letter(LETTER.sender, "jörg@example.test", CONTENT)
        assert (await post.send(letter))[0] is Verdict.ACCEPTED
        (mail,) = post.mailbox
        assert mail.recipients == ("jörg@example.test",)


@pytest.fixture
async def gateway() -> AsyncIterator[AiosmtplibGateway]:
    real = AiosmtplibGateway(connections=4, timeout_seconds=5, local_hostname="waybill.example")
    yield real
    await real.close()


class Counting(SmtpSink):
    """Counts the connections that were opened."""

    opened = 0

    def _open_session(self) -> SMTP:
        self.opened += 1
        return super()._open_session()


class TestConnections:
    async def test_are_few_and_reused(self, gateway: AiosmtplibGateway) -> None:
        async with Counting() as sink:
            server = SmtpServer.of_url(sink.url)
            replies = await asyncio.gather(*(gateway.send(server, LETTER) for _ in range(200)))
            assert {judge(reply) for reply in replies} == {Verdict.ACCEPTED}
            assert len(sink.mailbox) == 200
            assert sink.opened <= 4
            await gateway.close()

    async def test_one_that_the_server_has_dropped_is_replaced_unnoticed(self, gateway: AiosmtplibGateway) -> None:
        async with SmtpSink() as sink:
            server = SmtpServer.of_url(sink.url)
            await gateway.send(server, LETTER)
            await sink.stop_listening()
            await sink.listen()
            assert judge(await gateway.send(server, LETTER)) is Verdict.ACCEPTED
            await gateway.close()

    async def test_a_server_that_is_away_is_unreachable(self, gateway: AiosmtplibGateway, smtp_sink: SmtpSink) -> None:
        await smtp_sink.stop_listening()
        reply = await gateway.send(SmtpServer.of_url(smtp_sink.url), LETTER)
        assert (judge(reply), reply.phase, reply.code) == (Verdict.UNREACHABLE, Phase.CONNECT, None)


class TestAuthentication:
    async def test_signs_in_by_name_and_password(self, gateway: AiosmtplibGateway) -> None:
        async with SmtpSink(accounts={"post": "s3cret/word"}) as sink:
            url = f"smtp://post:s3cret%2Fword@127.0.0.1:{sink.port}"
            assert judge(await gateway.send(SmtpServer.of_url(url), LETTER)) is Verdict.ACCEPTED
            assert [mail.account for mail in sink.mailbox] == ["post"]
            await gateway.close()

    async def test_a_wrong_password_is_the_accounts_fault(self, gateway: AiosmtplibGateway) -> None:
        async with SmtpSink(accounts={"post": "right"}) as sink:
            url = f"smtp://post:wrong@127.0.0.1:{sink.port}"
            reply = await gateway.send(SmtpServer.of_url(url), LETTER)
            assert (judge(reply), reply.phase) == (Verdict.NOT_AUTHENTICATED, Phase.AUTHENTICATE)

    async def test_a_server_that_wants_a_name_gets_none(self, gateway: AiosmtplibGateway) -> None:
        async with SmtpSink(accounts={"post": "right"}) as sink:
            reply = await gateway.send(SmtpServer.of_url(sink.url), LETTER)
            assert judge(reply) is Verdict.NOT_AUTHENTICATED

    async def test_a_changed_password_makes_new_connections(self, gateway: AiosmtplibGateway) -> None:
        async with SmtpSink(accounts={"post": "old"}) as sink:
            old, new = (SmtpServer.of_url(f"smtp://post:{word}@127.0.0.1:{sink.port}") for word in ("old", "new"))
            assert judge(await gateway.send(old, LETTER)) is Verdict.ACCEPTED
            sink.accounts["post"] = "new"
            assert judge(await gateway.send(new, LETTER)) is Verdict.ACCEPTED
            await gateway.close()

    async def test_signs_in_by_an_access_token(self, gateway: AiosmtplibGateway) -> None:
        async with TokenSink() as sink:
            url = f"smtp://post%40example.test:a-token@127.0.0.1:{sink.port}?auth=xoauth2"
            assert judge(await gateway.send(SmtpServer.of_url(url), LETTER)) is Verdict.ACCEPTED
            assert sink.seen == ["user=post@example.test\x01auth=Bearer a-token\x01\x01"]
            await gateway.close()

    async def test_a_server_without_the_means_is_the_accounts_fault(
        self, gateway: AiosmtplibGateway, smtp_sink: SmtpSink
    ) -> None:
        for url in (f"{smtp_sink.url}?starttls=required", f"smtp://a:b@127.0.0.1:{smtp_sink.port}?auth=xoauth2"):
            assert judge(await gateway.send(SmtpServer.of_url(url), LETTER)) is Verdict.NOT_AUTHENTICATED


class TokenSink(SmtpSink):
    """Knows XOAUTH2, and keeps what was said."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def _open_session(self) -> SMTP:
        session = super()._open_session()
        mechanism = type(session._auth_methods["PLAIN"])
        session._auth_methods = {**session._auth_methods, "XOAUTH2": mechanism(self._xoauth2, True)}
        return session

    async def _xoauth2(self, _server: Any, arguments: list[str]) -> AuthResult:
        self.seen.append(base64.b64decode(arguments[1]).decode())
        return AuthResult(success=True, auth_data="post")


class NotifyingSink(SmtpSink):
    """Offers to name a mail by its envelope id when it comes back, and keeps how it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def _open_session(self) -> SMTP:
        session = super()._open_session()
        push, mail = session.push, session._smtp_methods["MAIL"]

        async def offering(line: Any) -> None:
            if str(line).startswith("250-SIZE"):
                await push("250-DSN")
            await push(line)

        async def asking(line: str) -> None:
            address, *options = line.split()
            self.asked.append(" ".join(option for option in options if option.startswith(("RET=", "ENVID="))))
            await mail(address)

        session.push = offering  # type: ignore[assignment]
        session._smtp_methods = {**session._smtp_methods, "MAIL": asking}
        return session


class TestEnvelopeId:
    async def test_goes_with_the_mail_where_a_server_would_name_it_again(self, gateway: AiosmtplibGateway) -> None:
        letter = Letter(LETTER.sender, LETTER.recipient, CONTENT, "0199a000-0000-7000-8000-000000000035")
        async with NotifyingSink() as sink, SmtpSink() as other:
            replies = [await gateway.send(SmtpServer.of_url(each.url), letter) for each in (sink, sink, other)]
            assert {judge(reply) for reply in replies} == {Verdict.ACCEPTED}
            assert sink.asked == ["RET=HDRS ENVID=0199a000-0000-7000-8000-000000000035"] * 2
            await gateway.close()


class TestOfUrl:
    def test_reads_every_part(self) -> None:
        server = SmtpServer.of_url("smtps://a%40b:c%3Ad@mail.example.test?auth=xoauth2")
        assert server == SmtpServer("mail.example.test", 465, True, False, "a@b", "c:d", True)

    @pytest.mark.parametrize(
        ("option", "start_tls"), [("", None), ("?starttls=required", True), ("?starttls=never", False)]
    )
    def test_takes_encryption_where_it_is_offered_unless_told(self, option: str, start_tls: bool | None) -> None:
        assert SmtpServer.of_url(f"smtp://mail.example.test{option}").start_tls is start_tls

    @pytest.mark.parametrize("url", ["", "http://mail.example.test", "smtp://", "mail.example.test:25"])
    def test_refuses_what_is_none_without_repeating_it(self, url: str) -> None:
        with pytest.raises(ValueError, match="an SMTP URL begins with"):
            SmtpServer.of_url(url)

    def test_a_password_is_in_no_representation(self) -> None:
        assert "word" not in repr(SmtpServer.of_url("smtp://a:word@mail.example.test"))
