"""What gave up is listed, shown and sent again, by a supervisor and by command."""

from collections.abc import Callable
from datetime import UTC, datetime
from email import message_from_string
from email.mime.base import MIMEBase
from email.mime.message import MIMEMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

import pytest
from recapito.contact_change.v1 import dead_letter_pb2 as pb

from recapito_contact_change import bounces, events
from recapito_contact_change.adapters.registry import Registry
from recapito_contact_change.cli import COME_AGAIN, NO_REPORT, NOT_OURS
from recapito_contact_change.flows.note_bounce import NoteBounce, NotYetSent
from recapito_contact_change.store import notices as ledger
from recapito_contact_change.store.tables import OUTBOX
from recapito_servicekit.errors import Kind
from tests.conftest import SetClock
from tests.integration.contact_change.system import Operator, System, refused
from tests.integration.contact_change.test_events import Pump
from tests.support.serving import run_command


class Supervisor:
    """A supervisor before the dead letters."""

    def __init__(self, system: System, operator: Operator | None = None) -> None:
        self.stub = system.letters
        self.metadata = (operator or system.operator("sara", role="supervisor")).metadata

    def list(self) -> list[pb.DeadLetter]:
        return list(self.stub.List(pb.DeadLetterServiceListRequest(), metadata=self.metadata).letters)

    def get(self, letter_id: str) -> pb.DeadLetter:
        return self.stub.Get(pb.DeadLetterServiceGetRequest(letter_id=letter_id), metadata=self.metadata).letter

    def resend(self, letter_id: str) -> pb.DeadLetter:
        return self.stub.Resend(pb.DeadLetterServiceResendRequest(letter_id=letter_id), metadata=self.metadata).letter


def report_of_failure(message_id: str) -> bytes:
    """What a relay sends when the mailbox that it had taken a mail for turns out to be gone."""
    report = MIMEMultipart("report", report_type="delivery-status")
    status = MIMEBase("message", "delivery-status")
    status.attach(message_from_string("Reporting-MTA: dns; relay.example\n"))
    status.attach(message_from_string("Final-Recipient: rfc822; c1@posta.test\nAction: failed\nStatus: 5.1.1\n"))
    report.attach(MIMEText("It could not be delivered."))
    report.attach(status)
    report.attach(MIMEMessage(message_from_string(f"Message-ID: {message_id}\n\nBuongiorno")))
    return report.as_bytes()


def dead_event(system: System, clock: SetClock, pump: Pump, monkeypatch: pytest.MonkeyPatch) -> str:
    """A request whose case could not be made in five tries; its change."""

    def broken(*_: object) -> None:
        raise ValueError("a defect")

    change = system.sign_in().submit()
    with monkeypatch.context() as patch:
        patch.setattr(Registry, "get", broken)
        for _ in range(5):
            pump.run()
            clock.forward(minutes=2)
    return change.change_id


def bounced_mail(system: System, pump: Pump) -> None:
    """A request whose notice to the email on file was refused."""
    system.sign_in().submit()
    system.mailbox.answers = ["550 no such mailbox"]
    pump.run()


def test_an_event_that_gave_up_is_sent_again_and_has_its_effect_once(
    system: System, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    pump, supervisor = Pump(system), Supervisor(system)
    change_id = dead_event(system, clock, pump, monkeypatch)
    supervisor = Supervisor(system)
    (letter,) = supervisor.list()
    assert (letter.kind, letter.type) == (pb.DEAD_LETTER_KIND_EVENT, "recapito.contact_change.submitted.v1")
    assert (letter.change_id, letter.tries, letter.error) == (change_id, 5, "ValueError")
    assert supervisor.get(letter.letter_id) == letter
    assert supervisor.resend(letter.letter_id) == letter
    assert not supervisor.list()
    pump.run()
    assert [row.change_id for row in system.rows("cases")] == [change_id]
    assert "resent" in [row.action for row in system.rows("history")]
    with refused() as why:
        supervisor.resend(letter.letter_id)
    assert why().kind is Kind.NOT_FOUND


def test_an_old_event_that_is_sent_again_gets_all_its_tries_and_a_day_for_outages(
    system: System, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    pump, supervisor = Pump(system), Supervisor(system)
    dead_event(system, clock, pump, monkeypatch)
    clock.forward(days=3)
    (letter,) = supervisor.list()
    supervisor.resend(letter.letter_id)
    (event,) = pump.due()
    assert (event.tries, event.created_at) == (0, clock())


def test_a_mail_that_was_refused_is_sent_again_under_its_id(system: System) -> None:
    pump, supervisor = Pump(system), Supervisor(system)
    bounced_mail(system, pump)
    (letter,) = supervisor.list()
    assert (letter.kind, letter.type, letter.tries) == (pb.DEAD_LETTER_KIND_NOTICE, "change_requested", 1)
    assert dict(letter.about) == {"channel": "EMAIL", "destination": "C***@p***.test", "locale": "it"}
    supervisor.resend(letter.letter_id)
    pump.run()
    (mail,) = system.mailbox.to("C1@posta.test")
    assert mail["Message-ID"].startswith(f"<{letter.letter_id}@")
    assert not supervisor.list()
    assert {row.state for row in system.rows("notices")} == {"SENT"}


def test_an_event_that_tells_of_nothing_is_shown_too(system: System, clock: SetClock) -> None:
    pump, supervisor = Pump(system), Supervisor(system)
    with system.database.transaction() as tx:
        OUTBOX.add(tx, events.SUBMITTED, "k", {"change_id": "none"}, clock())
    pump.run()
    (letter,) = supervisor.list()
    assert (letter.change_id, letter.error) == ("", "no such change")
    supervisor.resend(letter.letter_id)
    pump.run()
    assert [again.letter_id for again in supervisor.list()] == [letter.letter_id]


@pytest.mark.parametrize("role", ["reviewer", "auditor"])
def test_supervisors_alone_see_them(system: System, role: str) -> None:
    other = Supervisor(system, system.operator("other", role=role))
    attempts: list[Callable[[], object]] = [other.list, lambda: other.get("x"), lambda: other.resend("x")]
    for attempt in attempts:
        with refused() as why:
            attempt()
        assert why().kind is Kind.PERMISSION_DENIED


def test_the_command_lists_shows_and_sends_again(system: System, clock: SetClock) -> None:
    clock.now = datetime.now(UTC)  # the command's own
    pump = Pump(system)
    bounced_mail(system, pump)

    def run(*arguments: str) -> tuple[int, str]:
        done = run_command("contact-change", ["dead-letters", *arguments], system.environment)
        return done.returncode, done.stdout + done.stderr

    code, said = run("list")
    letter_id = said.split()[0]
    assert (code, "change_requested" in said, "550" in said) == (0, True, True)
    code, said = run("show", letter_id)
    assert (code, "C***@p***.test" in said, "C1@posta" in said) == (0, True, False)
    assert run("resend", "nonsense") == (1, "nonsense  no such dead letter\n")
    assert run("resend", "--all") == (0, f"{letter_id}  sent again\n")
    assert run("list") == (0, "no dead letters\n")
    clock.now = datetime.now(UTC)
    pump.run()
    assert system.mailbox.to("C1@posta.test")


def test_a_mail_that_came_back_later_is_refused_like_one_at_once(system: System, clock: SetClock) -> None:
    pump, supervisor = Pump(system), Supervisor(system)
    change = system.sign_in("C1").submit()
    pump.run()
    (mail,) = system.mailbox.to("C1@posta.test")
    report = report_of_failure(str(mail["Message-ID"]))
    note = NoteBounce(system.database, clock)
    bounce = bounces.read(report)
    assert bounce is not None
    assert [note.run(bounce) for _ in range(2)] == [True, False]
    assert not note.run(bounces.Bounce("another", "5.1.1"))
    rosa = system.operator("rosa")
    case_id = system.case_of(change.change_id).case_id
    (refused_mail,) = [each for each in rosa.get(case_id).deliveries if each.state == "FAILED"]
    assert (refused_mail.channel, refused_mail.template, refused_mail.error) == ("EMAIL", "change_requested", "came back 5.1.1")
    assert rosa.history(case_id).count("notice_failed") == 1
    (letter,) = supervisor.list()
    supervisor.resend(letter.letter_id)
    pump.run()
    assert [again["Message-ID"] for again in system.mailbox.to("C1@posta.test")] == [mail["Message-ID"]] * 2
    assert not supervisor.list()


def test_the_command_takes_in_what_came_back(system: System) -> None:
    pump = Pump(system)
    system.sign_in("C1").submit()
    pump.run()
    (mail,) = system.mailbox.to("C1@posta.test")
    came_back = report_of_failure(str(mail["Message-ID"])).decode()
    reports = (came_back, came_back, "Subject: ciao\n\n" + "x" * 3_000_000)
    said = [run_command("contact-change", ["note-bounce"], system.environment, report) for report in reports]
    assert [one.returncode for one in said] == [0] * 3
    told = f"{mail['Message-ID'][1:].partition('@')[0]}  came back"
    assert [one.stdout.strip() for one in said] == [told, NOT_OURS, NO_REPORT]
    assert {row.state for row in system.rows("notices", channel="EMAIL")} == {"FAILED"}


def test_a_report_that_can_not_be_noted_now_stays_with_the_relay(system: System) -> None:
    report = report_of_failure("<n1@recapito.example>").decode()
    away = {**system.environment, "RECAPITO_DATABASE_URL": "postgresql+psycopg://127.0.0.1:9/none"}
    said = run_command("contact-change", ["note-bounce"], away, report)
    assert (said.returncode, said.stdout, "come again" in said.stderr) == (COME_AGAIN, "", True)


def test_a_report_that_is_faster_than_our_own_record_comes_again(system: System, clock: SetClock) -> None:
    pump = Pump(system)
    system.sign_in("C1").submit()
    pump.handle(pump.due()[0])
    (notice,) = system.rows("notices", channel="EMAIL")
    note, bounce = NoteBounce(system.database, clock), bounces.Bounce(notice.notice_id, "5.1.1")
    assert not note.run(bounce)  # nobody can have it yet
    with system.database.transaction() as tx:
        ledger.count_try(tx, notice.notice_id)
    with pytest.raises(NotYetSent):
        note.run(bounce)
    with system.database.transaction() as tx:
        ledger.sent(tx, notice.notice_id, clock())
    assert note.run(bounce)
