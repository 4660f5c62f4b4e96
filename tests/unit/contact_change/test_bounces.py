"""Mails that say that another one came back.

``reports`` holds what real relays (Postfix 3.7, Exim 4.96, OpenSMTPD 6.8) wrote about notices of ours, with example names and
without our text.
"""

import base64
import re
from pathlib import Path

import pytest

from recapito_contact_change.bounces import Bounce, read

WRITTEN = Path(__file__).parent / "reports"
ID = "0123456789abcdef0123456789abcdef"
REPORT = """From: MAILER-DAEMON@relay.example (Mail Delivery System)
To: noreply@recapito.example
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="=_b"

--=_b
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you that your message could not be delivered.

--=_b
Content-Type: message/delivery-status

Reporting-MTA: dns; relay.example
Arrival-Date: Mon, 23 Nov 2026 05:00:00 +0100

Final-Recipient: rfc822; anna@posta.test
Action: {action}
Status: 5.1.1
Remote-MTA: dns; mx.posta.test
Diagnostic-Code: smtp; 550 5.1.1 <anna@posta.test>:
    unknown user

--=_b
{returned}
--=_b--
"""
WHOLE = """Content-Type: message/rfc822

From: noreply@recapito.example
Message-ID: <{id}@recapito.example>
Subject: x

Buongiorno"""
HEADERS = """Content-Type: text/rfc822-headers

From: noreply@recapito.example
Message-ID: <{id}@recapito.example>"""


def report(returned: str = WHOLE, action: str = "failed") -> bytes:
    return REPORT.format(action=action, returned=returned.format(id="n1")).encode()


@pytest.mark.parametrize("returned", [WHOLE, HEADERS])
def test_a_mail_that_came_back_says_which_and_why(returned: str) -> None:
    assert read(report(returned)) == Bounce("n1", "5.1.1")


@pytest.mark.parametrize("action", ["delayed", "delivered", "relayed", ""])
def test_a_delay_is_no_bounce(action: str) -> None:
    assert read(report(action=action)) is None


@pytest.mark.parametrize(
    "mail",
    [b"", b"\xff\x00", b"Subject: out of office\n\nback on Monday", report("Content-Type: text/plain\n\nno id"), report()[:400]],
)
def test_what_is_no_such_report_tells_nothing(mail: bytes) -> None:
    assert read(mail) is None


def test_parts_within_parts_without_end_are_passed_over() -> None:
    """The relay would hand such a mail over again and again, and anybody may write one."""
    assert read(b"Content-Type: message/rfc822\r\n\r\n" * 5_000) is None


def test_of_what_a_relay_says_a_status_alone_is_taken() -> None:
    said = report().replace(b"Status: 5.1.1", b"Status: anna@posta.test")
    assert read(said) == Bounce("n1", "5.1.1")
    assert read(said.replace(b"550 5.1.1", b"550")) == Bounce("n1", "")


@pytest.mark.parametrize(
    ("relay", "found"),
    [
        ("postfix-utf8", Bounce(ID, "5.6.7")),  # the address is beyond ASCII (RFC 6533)
        ("postfix-delay", None),
        ("exim-full", Bounce(ID, "5.2.2")),  # its Status is 5.0.0 whatever happened; after mbox's own first line
        ("opensmtpd-full", Bounce(ID, "5.0.0")),  # no multipart/report
    ],
)
def test_reports_of_real_relays(relay: str, found: Bounce | None) -> None:
    report = (WRITTEN / f"{relay}.eml").read_bytes()
    assert read(report) == read(report.replace(b"\n", b"\r\n")) == found


def test_parts_about_addresses_beyond_ascii_may_be_encoded() -> None:
    def encoded(part: re.Match[bytes]) -> bytes:
        return part[1] + b"Content-Transfer-Encoding: base64\n\n" + base64.encodebytes(part[2]) + b"\n--"

    report = (WRITTEN / "postfix-utf8.eml").read_bytes()
    pattern = rb"(Content-Type: message/global[a-z-]*\n)Content-Transfer-Encoding: 8bit\n\n(.*?)\n--(?=824BC)"
    changed, count = re.subn(pattern, encoded, report, flags=re.DOTALL)
    assert (count, read(changed)) == (2, Bounce(ID, "5.6.7"))


def test_of_a_diagnosis_digits_alone_are_taken() -> None:
    report = (WRITTEN / "exim-full.eml").read_bytes()
    for said in (b"smtp; 552 full@posta.example", b"smtp; 552 9.9.9 full", b"x-exim; 5.2.2", b"smtp; 552-5.2.2222"):
        assert read(report.replace(b"smtp; 552 5.2.2 Mailbox full", said)) == Bounce(ID, "5.0.0")


@pytest.mark.parametrize("made_up", ["a b", "\0", "%", "a" * 65, "", "' OR ''='"])
def test_what_is_no_id_is_looked_up_nowhere(made_up: str) -> None:
    assert read(report().replace(b"<n1@", f"<{made_up}@".encode())) is None
