"""``recapito-otp``: wires the service and runs it. Nothing else wires."""

import argparse
import threading
from collections.abc import Callable
from datetime import timedelta

import grpc
from recapito.otp.v1 import otp_pb2, otp_pb2_grpc

from recapito_otp.domain import SHARDS, Channel
from recapito_otp.flows.check_challenge import CheckChallenge
from recapito_otp.flows.consume_proof import ConsumeProof
from recapito_otp.flows.count_client import CountClient
from recapito_otp.flows.deliver import Deliver, work
from recapito_otp.flows.issue_challenge import IssueChallenge
from recapito_otp.flows.resend_challenge import ResendChallenge
from recapito_otp.flows.send_notice import SendNotice
from recapito_otp.senders.mail import EmailSender, MailToSmsSender
from recapito_otp.servicer import Flows, OtpServicer
from recapito_otp.settings import OtpSettings
from recapito_otp.store.pipe import RedisPipe
from recapito_otp.store.redis_jobs import RedisJobs, connect
from recapito_otp.store.redis_store import RedisStore
from recapito_otp.texts import Texts
from recapito_otp.vault import Vault, parse_key, random_code
from recapito_servicekit import cli, logs, serving
from recapito_servicekit import work as background
from recapito_servicekit.clock import Clock, system_clock
from recapito_servicekit.mail import Mailer
from recapito_servicekit.settings import load


def wiring(settings: OtpSettings, clock: Clock = system_clock, new_code: Callable[[int], str] = random_code) -> serving.Wiring:
    """The service for ``serving``; call it on the loop that it will serve from."""
    pipe = RedisPipe(settings.redis_url)
    store, vault, rules = RedisStore(pipe), Vault(settings.otp_pepper, parse_key(settings.otp_seal_key)), settings.rules()
    count_client = CountClient(store, vault, rules, clock)
    servicer = OtpServicer(
        Flows(
            issue=IssueChallenge(store, vault, rules, count_client, clock, new_code),
            check=CheckChallenge(store, vault, rules, clock),
            resend=ResendChallenge(store, vault, rules, count_client, clock, new_code),
            consume=ConsumeProof(store, vault, clock),
            notice=SendNotice(store, vault),
            store=store,
        )
    )

    def add(server: grpc.aio.Server) -> None:
        otp_pb2_grpc.add_OtpServiceServicer_to_server(servicer, server)

    services = (otp_pb2.DESCRIPTOR.services_by_name["OtpService"].full_name,)
    return serving.Wiring(add=add, services=services, ready=store.is_ready, close=pipe.close, clock=clock)


def delivery(settings: OtpSettings, clock: Clock = system_clock) -> background.Role:
    """The role ``deliver``."""
    mailer = Mailer(settings)
    deliver = Deliver(
        Vault(settings.otp_pepper, parse_key(settings.otp_seal_key)),
        Texts(settings.company, settings.portal_domain, settings.help_contact),
        {Channel.EMAIL: EmailSender(mailer), Channel.SMS: MailToSmsSender(mailer, settings.sms_mail_domain)},
        clock,
    )
    lease = timedelta(seconds=settings.otp_lease_seconds)

    def role(stop: threading.Event) -> None:
        shards = {shard: RedisJobs(connect(settings.redis_url), shard, lease) for shard in range(SHARDS)}
        work(stop, deliver, shards)

    return role


def _serve(arguments: argparse.Namespace) -> None:
    settings = _settings()

    async def wire() -> serving.Wiring:
        return wiring(settings)

    serving.run(settings, wire)


def _work(arguments: argparse.Namespace) -> None:
    settings = _settings()
    background.run({"deliver": delivery(settings)}, tuple(arguments.only))


def _settings() -> OtpSettings:
    settings = load(OtpSettings, "otp")
    logs.configure(settings, "otp")
    return settings


def main(argv: list[str] | None = None) -> None:
    """The command. Exit 2: wrong settings."""
    top, commands = cli.parser("otp", "One-time codes: issue, check, deliver.")
    cli.add(commands, "serve", "serves gRPC", _serve)
    cli.add_work(commands, ["deliver"], _work)
    cli.main(top, argv)


if __name__ == "__main__":
    main()
