"""Replies, delays, addresses and tokens: rules without anything around them."""

from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifications.domain.addresses import address_hash, is_deliverable, normalised, one_line
from services.notifications.domain.messages import MOST_TRIES, MessageState, priority_of, retry_delay
from services.notifications.domain.purposes import MailPurpose
from services.notifications.domain.replies import Phase, Reply, Verdict, judge, reason_code, suppresses
from services.notifications.domain.tickets import reply_address, reply_token, thread_header_id
from services.notifications.wording import money, phone, web_address, words

KEY = b"a key for tests"
TICKET = UUID("0199a000-0000-7000-8000-000000000001")


class TestJudge:
    @pytest.mark.parametrize(
        ("reply", "verdict"),
        [
            (Reply(Phase.CONTENT, 250, "2.0.0 Ok"), Verdict.ACCEPTED),
            (Reply(Phase.RECIPIENT, 550, "5.1.1 No such mailbox"), Verdict.REFUSED),
            (Reply(Phase.RECIPIENT, 550, "5.7.1 Blocked"), Verdict.REFUSED),
            (Reply(Phase.CONTENT, 554, "5.6.0 No"), Verdict.REFUSED),
            (Reply(Phase.RECIPIENT, 451, "4.7.1 Greylisted"), Verdict.DEFERRED),
            (Reply(Phase.RECIPIENT, 452, "4.2.2 Mailbox full"), Verdict.DEFERRED),
            (Reply(Phase.CONTENT, 452, "4.3.1 Disk full"), Verdict.DEFERRED),
            (Reply(Phase.SENDER, 450, "4.7.0 Too many messages"), Verdict.THROTTLED),
            (Reply(Phase.CONNECT, 421, "4.7.0 Too many connections"), Verdict.THROTTLED),
            (Reply(Phase.CONNECT, 421, "Busy"), Verdict.UNREACHABLE),
            (Reply(Phase.CONNECT, 554, "No SMTP service here"), Verdict.UNREACHABLE),
            (Reply(Phase.CONNECT), Verdict.UNREACHABLE),
            (Reply(Phase.RECIPIENT), Verdict.UNREACHABLE),
            (Reply(Phase.CONTENT), Verdict.OUTCOME_UNKNOWN),
            (Reply(Phase.SENDER, 553, "5.1.8 Bad sender"), Verdict.SENDER_REFUSED),
            (Reply(Phase.AUTHENTICATE, 535, "5.7.8 Bad credentials"), Verdict.NOT_AUTHENTICATED),
            (Reply(Phase.AUTHENTICATE, 454, "4.7.0 Try later"), Verdict.THROTTLED),
            (Reply(Phase.SENDER, 530, "5.7.0 Authentication required"), Verdict.NOT_AUTHENTICATED),
        ],
    )
    def test_reads_phase_and_code_together(self, reply: Reply, verdict: Verdict) -> None:
        assert judge(reply) is verdict

    def test_our_own_fault_never_marks_a_person(self) -> None:
        ours = [Reply(phase, code, "5.1.1 x") for phase in (Phase.CONNECT, Phase.SENDER) for code in (None, 451, 550)]
        assert not any(suppresses(reply) for reply in ours)

    def test_only_a_missing_mailbox_suppresses(self) -> None:
        assert suppresses(Reply(Phase.RECIPIENT, 550, "5.1.1 No such user"))
        assert not suppresses(Reply(Phase.RECIPIENT, 550, "5.7.1 Listed by a block list"))
        assert not suppresses(Reply(Phase.RECIPIENT, 552, "5.2.2 Mailbox full"))
        assert not suppresses(Reply(Phase.RECIPIENT, 550, "No"))

    def test_the_reason_is_a_stable_word(self) -> None:
        assert reason_code(Reply(Phase.RECIPIENT, 550, "5.1.1 No")) == "no_such_mailbox"
        assert reason_code(Reply(Phase.CONTENT, 554, "5.7.1 Spam")) == "refused_by_policy"
        assert reason_code(Reply(Phase.RECIPIENT, 552, "5.2.2 Full")) == "mailbox_full"
        assert reason_code(Reply(Phase.RECIPIENT, 550, "No")) == "recipient_refused"
        assert reason_code(Reply(Phase.CONTENT, 554, "No")) == "content_refused"

    @given(st.sampled_from(Phase), st.none() | st.integers(200, 599), st.text(max_size=40))
    def test_every_reply_has_a_verdict(self, phase: Phase, code: int | None, text: str) -> None:
        assert judge(Reply(phase, code, text)) in Verdict


class TestRetryDelay:
    def test_grows_from_five_minutes_by_three_tenths(self) -> None:
        assert retry_delay(1) == timedelta(minutes=5)
        assert retry_delay(2) == timedelta(minutes=6.5)
        assert retry_delay(3) == timedelta(minutes=5 * 1.3**2)

    def test_all_tries_together_take_about_a_day(self) -> None:
        total = sum((retry_delay(tries) for tries in range(1, MOST_TRIES)), timedelta())
        assert timedelta(hours=20) < total < timedelta(hours=30)


class TestMessageState:
    def test_a_lead_goes_before_everything_else(self) -> None:
        assert min(MailPurpose, key=priority_of) is MailPurpose.LEAD_DELIVERY

    def test_each_state_is_waiting_in_hand_or_settled(self) -> None:
        for state in MessageState:
            assert [state.is_waiting, state is MessageState.SENDING, state.is_settled].count(True) == 1


class TestAddresses:
    @pytest.mark.parametrize(
        "address",
        ["leads@southernsun.example", "a.b+c@sub.example.test", "jörg@müller.example", "o'brien@example.test"],
    )
    def test_a_mailbox_is_deliverable(self, address: str) -> None:
        assert is_deliverable(address)

    @pytest.mark.parametrize(
        "address",
        [
            "",
            "nobody",
            "a@b",
            "a b@example.test",
            "a@example.test\r\nBcc: c@example.test",
            "a@example.test, c@example.test",
            "<a@example.test>",
            "a@-example.test",
            ".a@example.test",
            "a..b@example.test",
            "a@exa mple.test",
            "a\x00@example.test",
            "a\ud800@example.test",
            "x" * 65 + "@example.test",
            "a@" + "x" * 250 + ".test",
        ],
    )
    def test_anything_else_is_not(self, address: str) -> None:
        assert not is_deliverable(address)

    def test_one_mailbox_has_one_hash(self) -> None:
        assert address_hash(" Leads@Example.TEST ") == address_hash("leads@example.test")
        assert normalised("ÄNNE@example.test") == normalised("Änne@example.test")

    @given(st.text())
    def test_one_line_never_breaks_a_header(self, text: str) -> None:
        line = one_line(text)
        assert len(line.splitlines()) <= 1
        assert all(character.isprintable() or character == " " for character in line if character < "\x80")
        line.encode()

    def test_marks_that_turn_the_writing_round_are_dropped(self) -> None:
        assert one_line("invoice\u202efdp.exe") == "invoice fdp.exe"


class TestReplyToken:
    def test_fits_a_local_part_and_survives_servers_that_fold_the_case(self) -> None:
        token = reply_token(TICKET, KEY)
        address = reply_address("support@waybill.example", token)
        assert is_deliverable(address)
        assert address.startswith("support+")
        assert token == token.lower()

    def test_is_one_per_ticket_and_key(self) -> None:
        tokens = [reply_token(TICKET, KEY), reply_token(TICKET, b"another key"), reply_token(UUID(int=2), KEY)]
        assert len(set(tokens)) == 3
        assert reply_token(TICKET, KEY) == tokens[0]

    def test_a_thread_has_one_root(self) -> None:
        token = reply_token(TICKET, KEY)
        assert thread_header_id(token, 0, "waybill.example") == f"<ticket.{token}.0@waybill.example>"


class TestWording:
    def test_money_is_exact_to_the_cent(self) -> None:
        assert money(123_450) == "$1,234.50"
        assert money(5) == "$0.05"
        assert money(-100) == "−$1.00"  # noqa: RUF001  # the minus sign is meant

    def test_telephone_numbers_are_written_as_here(self) -> None:
        assert phone("+61412345678") == "0412 345 678"
        assert phone("+61291234567") == "(02) 9123 4567"
        assert phone("+6421234567") == "+6421234567"

    def test_codes_become_words(self) -> None:
        assert words("solar-battery") == "Solar battery"
        assert words("") == ""

    def test_only_web_addresses_become_links(self) -> None:
        assert web_address("https://pay.example.test/i/1") == "https://pay.example.test/i/1"
        assert web_address("javascript:alert(1)") is None
        assert web_address('https://x.test/"onclick=') is None
        assert web_address(None) is None
