"""``recapito-contact-change``: reads settings, wires, serves or works."""

import argparse
import asyncio
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from random import SystemRandom
from typing import Final

import grpc
from recapito.contact_change.v1 import contact_change_pb2_grpc, dead_letter_pb2_grpc, privacy_pb2_grpc, review_pb2_grpc

from recapito_contact_change import doctor, events, operations
from recapito_contact_change.adapters.codes import Codes
from recapito_contact_change.adapters.mails import Mails
from recapito_contact_change.adapters.registry import Registry
from recapito_contact_change.cli import add_dead_letters, add_note_bounce
from recapito_contact_change.flows.answer_question import AnswerQuestion, CheckAnswer
from recapito_contact_change.flows.apply_decision import ApplyDecision
from recapito_contact_change.flows.cancel_change import CancelChange
from recapito_contact_change.flows.clean_up import CleanUp
from recapito_contact_change.flows.dead_letters import DeadLetters
from recapito_contact_change.flows.decide_case import DecideCase
from recapito_contact_change.flows.freeze_customer import FreezeCustomer, Restore
from recapito_contact_change.flows.measure_applied import MeasureApplied
from recapito_contact_change.flows.note_bounce import NoteBounce
from recapito_contact_change.flows.open_case import OpenCase
from recapito_contact_change.flows.read_cases import ReadCases
from recapito_contact_change.flows.read_changes import ReadChanges
from recapito_contact_change.flows.read_document import ReadDocument
from recapito_contact_change.flows.read_load import ReadLoad
from recapito_contact_change.flows.read_zones import ReadZones
from recapito_contact_change.flows.repudiate import Repudiate
from recapito_contact_change.flows.send_notice import SendNotice
from recapito_contact_change.flows.submit_request import SubmitRequest
from recapito_contact_change.flows.take_case import TakeCase
from recapito_contact_change.flows.tell_team import TellTeam
from recapito_contact_change.flows.upload_document import UploadDocument
from recapito_contact_change.flows.wish_mobile import WishMobile
from recapito_contact_change.hashes import DocumentHashes
from recapito_contact_change.metrics import Waiting
from recapito_contact_change.servicers.customer import ContactChangeServicer, CustomerFlows
from recapito_contact_change.servicers.dead_letters import DeadLetterServicer
from recapito_contact_change.servicers.privacy import ContactChangePrivacyServicer
from recapito_contact_change.servicers.review import ReviewFlows, ReviewServicer
from recapito_contact_change.settings import ContactChangeSettings
from recapito_contact_change.store.tables import OUTBOX
from recapito_documents import stores
from recapito_documents.keys import KeyRing
from recapito_documents.reading import lines_of
from recapito_servicekit import backlog, calling, cli, logs, management, persons, serving, sql, work
from recapito_servicekit.clock import Clock, system_clock
from recapito_servicekit.mail import Mailer
from recapito_servicekit.queues import Consumer, Handler, Relay
from recapito_servicekit.settings import load
from recapito_servicekit.sql import Database
from recapito_servicekit.tls import Identity

SERVICE: Final = "contact-change"
SERVICES: Final = tuple(
    f"recapito.contact_change.v1.{name}"
    for name in ("ContactChangeService", "ReviewService", "DeadLetterService", "ContactChangePrivacyService")
)
ROLES: Final = ("relay", "intake", "applier", "mailer", "clean-up", "team-mail", "reader")


async def wire(settings: ContactChangeSettings, clock: Clock = system_clock) -> serving.Wiring:
    """The servicers and what they stand on; on the running loop."""
    identity = Identity.read(settings)
    database = Database(settings.database_url, settings.threads)
    to_auth = calling.channel(settings.auth_address, identity)
    to_otp = calling.channel(settings.otp_address, identity)
    to_sessions = calling.aio_channel(settings.auth_address, identity)
    registry, codes = Registry(to_auth), Codes(to_otp)
    hashes = DocumentHashes(KeyRing.parse(settings.document_keys))
    pipeline = stores.pipeline(settings, settings.limits)
    reader = ReadCases(database, registry, clock)
    own = ReadChanges(database, settings.policy.answer_within)
    customer = CustomerFlows(
        upload=UploadDocument(database, pipeline, clock, settings.policy),
        wish=WishMobile(database, registry, clock, settings.policy),
        codes=codes,
        submit=SubmitRequest(database, registry, codes, hashes, clock, settings.policy, confirm=settings.confirm_new_mobile),
        read=own,
        cancel=CancelChange(database, registry, own, clock),
        answer=AnswerQuestion(database, own, clock, settings.policy),
        repudiate=Repudiate(database, registry, clock),
    )
    review = ReviewFlows(
        read=reader,
        read_document=ReadDocument(database, pipeline, clock),
        take=TakeCase(database, registry, reader, clock, settings.policy),
        decide=DecideCase(database, registry, reader, hashes, clock),
        restore=Restore(database, registry, reader, clock),
        load=ReadLoad(database, clock, settings.policy),
        clock=clock,
    )

    def add(server: grpc.aio.Server) -> None:
        contact_change_pb2_grpc.add_ContactChangeServiceServicer_to_server(ContactChangeServicer(customer), server)
        review_pb2_grpc.add_ReviewServiceServicer_to_server(ReviewServicer(review), server)
        dead_letter_pb2_grpc.add_DeadLetterServiceServicer_to_server(DeadLetterServicer(DeadLetters(database, clock)), server)
        rights = ContactChangePrivacyServicer(database, pipeline, clock)
        privacy_pb2_grpc.add_ContactChangePrivacyServiceServicer_to_server(rights, server)

    async def ready() -> bool:
        return await asyncio.to_thread(database.ping)

    relay = Relay(database, OUTBOX, settings.broker_url, events.SOURCE, events.QUEUE_OF, clock)
    end_relay = work.beside("relay", relay.run_at_once) if settings.publish_at_once else lambda: None

    async def close() -> None:
        await asyncio.to_thread(end_relay)
        await to_sessions.close()
        to_auth.close()
        to_otp.close()
        database.close()

    return serving.Wiring(add, SERVICES, persons.introspection(to_sessions), ready, close, clock)


def roles(settings: ContactChangeSettings, clock: Clock = system_clock) -> dict[str, work.Role]:
    """The background jobs by name."""
    identity = Identity.read(settings)
    database = Database(settings.database_url, len(ROLES) + settings.intake_threads + settings.mailer_threads)
    registry = Registry(calling.channel(settings.auth_address, identity))
    codes = Codes(calling.channel(settings.otp_address, identity))
    mailer, policy = Mailer(settings), settings.policy
    mails = Mails(
        mailer, settings.company, settings.help_contact, settings.portal_url, settings.console_url, settings.answer_days
    )

    hashes = DocumentHashes(KeyRing.parse(settings.document_keys))
    pipeline = stores.pipeline(settings, settings.limits)
    read = settings.read_zones
    open_case = OpenCase(database, registry, hashes, clock, SystemRandom(), settings.second_review_percent, read_zones=read)
    check_answer = CheckAnswer(database, registry, hashes, clock, read_zones=read)
    freeze = FreezeCustomer(database, registry, clock)
    links, links_live = bool(settings.portal_url), policy.repudiate_within
    send_notice = SendNotice(database, mails, codes, clock, links=links, links_live=links_live)
    keep = timedelta(days=settings.document_days)

    def consumer(queue: str, handlers: Mapping[str, Handler]) -> work.Role:
        return Consumer(database, OUTBOX, settings.broker_url, queue, handlers, clock, settings.delivery_tries).run

    return {
        "relay": Relay(database, OUTBOX, settings.broker_url, events.SOURCE, events.QUEUE_OF, clock).run,
        "intake": consumer(
            events.INTAKE_QUEUE,
            {events.SUBMITTED: open_case.run, events.ANSWERED: check_answer.run},
        ),
        "applier": consumer(
            events.APPLY_QUEUE,
            {
                events.DECIDED: ApplyDecision(database, registry, clock).run,
                events.APPLIED: MeasureApplied(database, clock).run,
                events.FROZEN: freeze.run,
                events.RESTORED: freeze.run,
            },
        ),
        "mailer": consumer(events.NOTICES_QUEUE, {events.NOTICE: send_notice.run}),
        "reader": ReadZones(database, registry, pipeline, lines_of if read else None, clock).run,
        "team-mail": TellTeam(
            database, mails, clock, settings.policy, settings.team_email, timedelta(minutes=settings.team_email_minutes)
        ).run,
        "clean-up": CleanUp(database, registry, pipeline, hashes, clock, keep, policy.answer_within).run,
    }


def _settings() -> ContactChangeSettings:
    settings = load(ContactChangeSettings, SERVICE)
    logs.configure(settings, SERVICE)
    return settings


def _serve(_: argparse.Namespace) -> None:
    settings = _settings()
    serving.run(settings, lambda: wire(settings))


def _work(arguments: argparse.Namespace) -> None:
    settings = _settings()
    database = Database(settings.database_url, 1)
    management.measure(Waiting(database, system_clock))
    management.measure(backlog.gauges(database, OUTBOX, system_clock))
    threads = {"intake": settings.intake_threads, "mailer": settings.mailer_threads}
    work.run(roles(settings), tuple(arguments.only), settings.work_metrics_bind, threads=threads)


def _migrate(_: argparse.Namespace) -> None:
    print(f"the database is at revision {sql.migrate(_settings().database_url, Path(__file__).parent)}")


def _dead_letters() -> DeadLetters:
    return DeadLetters(Database(_settings().database_url, 1), system_clock)


def main(argv: list[str] | None = None) -> None:
    """The commands."""
    top, commands = cli.parser(SERVICE, "requests to change a verified mobile: documents, review, decisions, notices")
    cli.add(commands, "serve", "serves gRPC", _serve)
    cli.add(commands, "migrate", "brings the database to the newest schema", _migrate)
    cli.add_work(commands, ROLES, _work)
    operations.add(commands)
    cli.add_doctor(commands, doctor.checks)
    add_dead_letters(commands, _dead_letters)
    add_note_bounce(commands, lambda: NoteBounce(Database(_settings().database_url, 1), system_clock))
    cli.main(top, argv)


if __name__ == "__main__":
    main()
