"""``recapito-otp``: wires the service and runs it. Nothing else wires."""

import argparse
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Final

import grpc
from prometheus_client.core import GaugeMetricFamily
from recapito.otp.v1 import otp_pb2, otp_pb2_grpc

from recapito_otp import callbacks, dead_letters, doctor
from recapito_otp.domain import SHARDS, Channel
from recapito_otp.flows.cancel import Cancel
from recapito_otp.flows.check_challenge import CheckChallenge
from recapito_otp.flows.consume_proof import ConsumeProof
from recapito_otp.flows.count_client import CountClient
from recapito_otp.flows.deliver import Deliver, work
from recapito_otp.flows.issue_challenge import IssueChallenge
from recapito_otp.flows.limit_prefix import LimitPrefix
from recapito_otp.flows.resend_challenge import ResendChallenge
from recapito_otp.flows.send_notice import SendNotice
from recapito_otp.flows.take_receipt import TakeReceipt
from recapito_otp.ports import Sender
from recapito_otp.senders.first import FirstThatTakes
from recapito_otp.senders.mail import EmailSender, MailToSmsSender
from recapito_otp.senders.twilio import TwilioSender
from recapito_otp.servicer import Flows, OtpServicer
from recapito_otp.settings import OtpSettings
from recapito_otp.store.redis_jobs import RedisJobs, connect
from recapito_otp.store.redis_receipts import RedisReceipts
from recapito_otp.store.redis_store import RedisStore
from recapito_otp.texts import Texts
from recapito_otp.vault import Vault, random_code
from recapito_servicekit import cli, logs, management, serving
from recapito_servicekit import work as background
from recapito_servicekit.clock import Clock, system_clock
from recapito_servicekit.mail import Mailer
from recapito_servicekit.redis_pipe import RedisPipe
from recapito_servicekit.settings import load

DELIVER: Final = "deliver"
RECEIPTS: Final = "receipts"


def wiring(settings: OtpSettings, clock: Clock = system_clock, new_code: Callable[[int], str] = random_code) -> serving.Wiring:
    """The service for ``serving``; call it on the loop that it will serve from."""
    pipe = RedisPipe(settings.redis_url, ("STORE_UNAVAILABLE", "the store of codes can't be reached"))
    vault = Vault(settings.peppers(), settings.seal_keys(), settings.otp_names_key)
    store, rules = RedisStore(pipe), settings.rules()
    limits = CountClient(store, vault, rules), LimitPrefix(store, rules, clock)
    servicer = OtpServicer(
        Flows(
            issue=IssueChallenge(store, vault, rules, *limits, clock, new_code),
            check=CheckChallenge(store, vault, rules, clock),
            resend=ResendChallenge(store, vault, rules, *limits, clock, new_code),
            consume=ConsumeProof(store, vault, clock),
            cancel=Cancel(store, rules, clock),
            notice=SendNotice(store, vault),
            store=store,
        )
    )

    def add(server: grpc.aio.Server) -> None:
        otp_pb2_grpc.add_OtpServiceServicer_to_server(servicer, server)

    services = (otp_pb2.DESCRIPTOR.services_by_name["OtpService"].full_name,)
    return serving.Wiring(add=add, services=services, ready=store.is_ready, close=pipe.close, clock=clock)


def delivery(settings: OtpSettings, clock: Clock = system_clock, failed: Callable[[], None] = lambda: None) -> background.Role:
    """The role ``deliver``; ``failed`` is told of each failure that it survives."""
    mailer = Mailer(settings)
    deliver = Deliver(
        Vault(settings.peppers(), settings.seal_keys(), settings.otp_names_key),
        Texts(settings.company, settings.portal_domain, settings.help_contact, settings.portal_url),
        {Channel.EMAIL: EmailSender(mailer), Channel.SMS: _sms_sender(settings, mailer)},
        clock,
        settings.delivery_tries,
    )
    lease = timedelta(seconds=settings.otp_lease_seconds)

    def role(stop: threading.Event) -> None:
        shards = {shard: RedisJobs(connect(settings.redis_url), shard, lease) for shard in range(SHARDS)}
        work(stop, deliver, shards, failed)

    return role


def _sms_sender(settings: OtpSettings, mailer: Mailer) -> Sender:
    known: dict[str, Callable[[], Sender]] = {
        "mail": lambda: MailToSmsSender(mailer, settings.sms_mail_domain),
        "twilio": lambda: TwilioSender(settings),
    }
    return FirstThatTakes({name: known[name]() for name in settings.sms_senders.split(",")})


def receipts(settings: OtpSettings, clock: Clock = system_clock) -> background.Role:
    """The role ``receipts``: takes the providers' status callbacks, where there is a place for them."""

    def role(stop: threading.Event) -> None:
        take = TakeReceipt(RedisReceipts(connect(settings.redis_url)), clock)
        close = callbacks.serve(settings, take) if settings.twilio_callback_bind else lambda: None
        stop.wait()
        close()

    return role


def _serve(arguments: argparse.Namespace) -> None:
    settings = _settings()

    async def wire() -> serving.Wiring:
        return wiring(settings)

    serving.run(settings, wire)


def _work(arguments: argparse.Namespace) -> None:
    settings = _settings()
    health = background.Health()
    role = delivery(settings, failed=lambda: health.failed(DELIVER, time.monotonic()))
    management.measure(_jobs(settings))
    background.run({DELIVER: role, RECEIPTS: receipts(settings)}, tuple(arguments.only), settings.work_metrics_bind, health)


def _shards(settings: OtpSettings) -> list[RedisJobs]:
    lease = timedelta(seconds=settings.otp_lease_seconds)
    return [RedisJobs(connect(settings.redis_url), shard, lease) for shard in range(SHARDS)]


def _jobs(settings: OtpSettings) -> Callable[[], list[GaugeMetricFamily]]:
    """What reads how many messages wait, when /metrics is."""
    shards = _shards(settings)

    def read() -> list[GaugeMetricFamily]:
        waiting = float(sum(shard.waiting() for shard in shards))
        return [management.gauge("recapito_otp_jobs_waiting", "Messages queued or in hand", {(): waiting})]

    return read


def _settings() -> OtpSettings:
    settings = load(OtpSettings, "otp")
    logs.configure(settings, "otp")
    return settings


def main(argv: list[str] | None = None) -> None:
    """The command. Exit 2: wrong settings."""
    top, commands = cli.parser("otp", "One-time codes: issue, check, deliver.")
    cli.add(commands, "serve", "serves gRPC", _serve)
    cli.add_work(commands, [DELIVER, RECEIPTS], _work)
    dead_letters.add(commands, lambda: _shards(_settings()))
    cli.add_doctor(commands, doctor.checks)
    cli.main(top, argv)


if __name__ == "__main__":
    main()
