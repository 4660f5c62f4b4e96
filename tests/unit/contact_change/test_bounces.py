"""Mails that say that another one came back."""

import pytest

from recapito_contact_change.bounces import Bounce, read

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


def test_of_what_a_relay_says_a_status_alone_is_taken() -> None:
    assert read(report().replace(b"Status: 5.1.1", b"Status: anna@posta.test")) == Bounce("n1", "")
