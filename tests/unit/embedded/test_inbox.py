"""The inbox: real mails over SMTP, read back over Mailpit's API and on the page."""

import http.client
import json
import smtplib
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any
from urllib.parse import quote

import pytest

from recapito_embedded.inbox.__main__ import InboxSettings, start
from recapito_embedded.inbox.mailbox import BOUND, Mailbox
from tests.conftest import SetClock
from tests.support.ports import free_port


class Inbox:
    """A running inbox and how to reach it."""

    def __init__(self) -> None:
        self.smtp_port, self.http_port = free_port(), free_port()
        settings = InboxSettings(smtp_bind=f"127.0.0.1:{self.smtp_port}", http_bind=f"127.0.0.1:{self.http_port}")
        self._smtp, self._http = start(settings)

    def send(self, to: str, subject: str, text: str, html: str = "") -> None:
        message = EmailMessage()
        message["From"] = "Mutua Esempio <noreply@recapito.example>"
        message["To"] = to
        message["Subject"] = subject
        message["Message-ID"] = "<one@recapito.example>"
        message.set_content(text)
        if html:
            message.add_alternative(html, subtype="html")
        with smtplib.SMTP("127.0.0.1", self.smtp_port, timeout=30) as client:
            client.send_message(message)

    def ask(self, path: str, method: str = "GET", body: str = "", host: str = "localhost") -> tuple[int, str, dict[str, str]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=30)
        connection.request(method, path, body or None, {"Host": host})
        answer = connection.getresponse()
        found = answer.status, answer.read().decode(), dict(answer.getheaders())
        connection.close()
        return found

    def json(self, path: str) -> Any:
        status, body, _ = self.ask(path)
        assert status == 200, body
        return json.loads(body)

    def stop(self) -> None:
        self._smtp.stop()
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    running = Inbox()
    yield running
    running.stop()


def test_a_mail_is_listed_and_read_in_mailpits_shape(inbox: Inbox) -> None:
    inbox.send("Lucia Però <lucia@posta.example>", "Il tuo codice è pronto", "Ecco: 123456\n", "<p>Ecco: <b>123456</b></p>")
    page = inbox.json("/api/v1/messages")
    assert (page["total"], page["messages_count"], page["count"], page["start"]) == (1, 1, 1, 0)
    summary = page["messages"][0]
    assert summary["From"] == {"Name": "Mutua Esempio", "Address": "noreply@recapito.example"}
    assert summary["To"] == [{"Name": "Lucia Però", "Address": "lucia@posta.example"}]
    assert summary["Subject"] == "Il tuo codice è pronto"
    assert summary["Snippet"] == "Ecco: 123456"
    assert summary["MessageID"] == "one@recapito.example"
    assert summary["Size"] > 0
    assert summary["Created"].endswith("Z")
    message = inbox.json(f"/api/v1/message/{summary['ID']}")
    assert message["Text"].strip() == "Ecco: 123456"
    assert message["HTML"].strip() == "<p>Ecco: <b>123456</b></p>"
    assert inbox.json(f"/api/v1/message/{summary['ID']}/headers")["Message-ID"] == ["<one@recapito.example>"]
    assert inbox.json("/api/v1/message/latest")["ID"] == summary["ID"]


def test_search_finds_by_recipient_subject_and_word(inbox: Inbox) -> None:
    inbox.send("393201234519@sms.test", "", "Codice 111111")
    inbox.send("anna@posta.example", "Richiesta ricevuta", "Grazie")

    def found(query: str) -> list[str]:
        return [item["To"][0]["Address"] for item in inbox.json(f"/api/v1/search?query={quote(query)}")["messages"]]

    assert found("to:393201234519@sms.test") == ["393201234519@sms.test"]
    assert found('to:"ANNA@posta.example"') == ["anna@posta.example"]
    assert found('subject:"richiesta ricevuta"') == ["anna@posta.example"]
    assert found("111111") == ["393201234519@sms.test"]
    assert found("to:nobody@posta.example") == []
    assert found("from:noreply") == ["anna@posta.example", "393201234519@sms.test"]


def test_a_recipient_of_the_envelope_alone_is_found(inbox: Inbox) -> None:
    with smtplib.SMTP("127.0.0.1", inbox.smtp_port, timeout=30) as client:
        client.sendmail("a@x.example", ["hidden@x.example"], "Subject: s\r\n\r\nbody\r\n")
    assert inbox.json("/api/v1/search?query=to:hidden@x.example")["messages_count"] == 1


def test_pages_by_start_and_limit(inbox: Inbox) -> None:
    for number in range(3):
        inbox.send("a@x.example", f"n{number}", "x")
    page = inbox.json("/api/v1/messages?start=1&limit=1")
    assert [item["Subject"] for item in page["messages"]] == ["n1"]
    assert page["total"] == 3
    assert inbox.ask("/api/v1/messages?limit=-1")[0] == 400


def test_delete_takes_those_named_or_all(inbox: Inbox) -> None:
    for number in range(3):
        inbox.send("a@x.example", f"n{number}", "x")
    first = inbox.json("/api/v1/messages")["messages"][0]["ID"]
    assert inbox.ask("/api/v1/messages", "DELETE", json.dumps({"IDs": [first]}))[:2] == (200, "ok")
    assert inbox.json("/api/v1/messages")["total"] == 2
    assert inbox.ask("/api/v1/messages", "DELETE", "[1")[0] == 400
    assert inbox.json("/api/v1/messages")["total"] == 2
    assert inbox.ask("/api/v1/messages", "DELETE")[0] == 200
    assert inbox.json("/api/v1/messages")["total"] == 0


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8025", "localhost.evil.example", ""])
def test_a_foreign_host_is_refused(inbox: Inbox, host: str) -> None:
    inbox.send("a@x.example", "s", "secret 123456")
    for path in ("/", "/api/v1/messages"):
        status, body, _ = inbox.ask(path, host=host)
        assert status == 421
        assert "123456" not in body


def test_the_page_escapes_everything_and_tells_texts_from_mails(inbox: Inbox) -> None:
    inbox.send(
        '"<script>alert(1)</script>" <a@x.example>',
        "<img src=x onerror=alert(2)>",
        "<script>alert(3)</script> https://x.example/a?b=1&c=2.",
    )
    inbox.send("393201234519@sms.test", "", "Codice 654321")
    status, body, headers = inbox.ask("/")
    assert status == 200
    assert "<script" not in body
    assert "<img" not in body
    assert body.index("654321") < body.index("onerror")  # the newest first
    assert "+393201234519" in body
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    mail = next(item for item in inbox.json("/api/v1/messages")["messages"] if item["Subject"])
    page = inbox.ask(f"/message/{mail['ID']}")[1]
    assert "<script" not in page
    assert '<a href="https://x.example/a?b=1&amp;c=2" rel=' in page


def test_a_mails_html_is_shown_where_nothing_runs(inbox: Inbox) -> None:
    inbox.send("a@x.example", "s", "t", "<script>alert(1)</script>")
    found = inbox.json("/api/v1/message/latest")["ID"]
    assert f'<iframe sandbox src="/view/{found}.html"' in inbox.ask(f"/message/{found}")[1]
    policy = inbox.ask(f"/view/{found}.html")[2]["Content-Security-Policy"]
    assert policy.startswith("sandbox; default-src 'none'")


def test_what_is_not_there_is_not_found(inbox: Inbox) -> None:
    for path in ("/api/v1/message/none", "/api/v1/other", "/message/none", "/view/none.html", "/etc/passwd"):
        assert inbox.ask(path)[0] == 404


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe\x00",
        b"Subject: =?utf-8?b?!!!?=\r\n\r\nx",
        b"To: <<>>\r\nFrom: @\r\n\r\n",
        b"Content-Type: text/plain; charset=none\r\n\r\n\xe8",
    ],
)
def test_a_crooked_message_is_kept_all_the_same(content: bytes, clock: SetClock) -> None:
    mailbox = Mailbox(clock)
    mailbox.add(content, ["a@x.example"])
    assert [person.address for person in mailbox.all()[0].bcc] == ["a@x.example"]


def test_the_oldest_goes_beyond_the_bound(clock: SetClock) -> None:
    mailbox = Mailbox(clock)
    for number in range(BOUND + 1):
        mailbox.add(f"Subject: {number}\r\n\r\n".encode(), [])
    subjects = [message.subject for message in mailbox.all()]
    assert (len(subjects), subjects[0], subjects[-1]) == (BOUND, str(BOUND), "1")
