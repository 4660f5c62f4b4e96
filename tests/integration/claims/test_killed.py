"""The claims service is killed at any moment of many submissions: what was acknowledged reaches the handler, once, by its number.

RECAPITO_KILLED_SUBMISSIONS=300 is the full proof; a plain run does a smaller one.
"""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import grpc
import pytest
from recapito.claims.v1 import claims_pb2 as pb
from recapito.claims.v1 import claims_pb2_grpc, intake_pb2_grpc
from recapito.claims.v1 import intake_pb2 as intake

import recapito_claims
from recapito_servicekit import sql
from recapito_servicekit.errors import Kind, Refusal
from tests.conftest import SetClock
from tests.integration.claims.claimant import Claims, Customer, new_request
from tests.integration.claims.upstreams import Auth, Otp
from tests.support.pki import Pki
from tests.support.ports import free_port
from tests.support.serving import channel_as, server_environment

SUBMISSIONS = int(os.environ.get("RECAPITO_KILLED_SUBMISSIONS", "12"))
AWAY = (Kind.UNAVAILABLE, Kind.DEADLINE_EXCEEDED, Kind.INTERNAL)


class Mortal:
    """The service in a process of its own, started again whenever it dies."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = {**os.environ, **environment}
        self._over = threading.Event()
        self.deaths = 0
        self._start()
        self._reaper = threading.Thread(target=self._reap)
        self._reaper.start()

    def _start(self) -> None:
        command = [sys.executable, "-m", "recapito_claims", "serve"]
        self._process = subprocess.Popen(command, env=self._environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def _reap(self) -> None:
        moments = random.Random(6)
        while not self._over.wait(moments.uniform(2.0, 5.0)):
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self.deaths += 1
            self._start()

    def stop(self) -> None:
        self._over.set()
        self._reaper.join()
        self._process.kill()
        self._process.wait()


def until_it_answers(customer: Customer, draft: pb.Claim, proof: str) -> pb.Claim:
    """The same request again and again, as a caller does whom nobody answered."""
    request_id = new_request()
    until = time.monotonic() + 60
    while True:
        try:
            return customer.submit(draft, proof, request_id)
        except Refusal as refusal:
            if refusal.kind not in AWAY or time.monotonic() > until:
                raise
            time.sleep(0.1)


@pytest.mark.timeout(900)
def test_what_was_acknowledged_reaches_the_handler_once(
    claims: Claims, pki: Pki, auth: tuple[Auth, str], otp: tuple[Otp, str], clock: SetClock
) -> None:
    clock.now = datetime.now(UTC)  # the process that dies has the machine's clock
    anna = claims.sign_in()
    drafts = []
    for _ in range(SUBMISSIONS):
        draft = anna.complete()
        drafts.append((draft, claims.confirm(anna, draft)))
    port = free_port()
    environment = server_environment(pki, "claims", port)
    for name in ("database_url", "blob_dir", "document_keys", "auth_address", "otp_address"):
        environment[f"RECAPITO_{name.upper()}"] = str(getattr(claims.settings, name))
    sql.migrate(claims.settings.database_url, Path(recapito_claims.__file__).parent)
    mortal = Mortal(environment)
    try:
        with channel_as(pki, "portal", port) as portal:
            customer = Customer(claims_pb2_grpc.ClaimsServiceStub(portal), anna.token)
            with ThreadPoolExecutor(4) as pool:
                receipts = list(pool.map(lambda pair: until_it_answers(customer, *pair), drafts))
        told = watched(pki, port, SUBMISSIONS)
    finally:
        mortal.stop()
    assert mortal.deaths or SUBMISSIONS < 50
    acknowledged = {receipt.claim_id: receipt.claim_number for receipt in receipts}
    assert len(set(acknowledged.values())) == SUBMISSIONS
    assert dict(told) == acknowledged
    assert max(Counter(claim_id for claim_id, _ in set(told)).values()) == 1


def watched(pki: Pki, port: int, count: int) -> list[tuple[str, str]]:
    """The filed claims as a handler sees them that goes on with its cursor whenever the stream breaks."""
    found: list[tuple[str, str]] = []
    cursor = ""
    with channel_as(pki, "internal", port) as to:
        stub = intake_pb2_grpc.ClaimsIntakeServiceStub(to)
        until = time.monotonic() + 60
        while len(found) < count and time.monotonic() < until:
            try:
                for one in stub.WatchClaims(intake.WatchClaimsRequest(cursor=cursor), timeout=3):
                    cursor = one.cursor
                    found.append((one.claim.claim_id, one.claim.claim_number))
            except grpc.RpcError:
                time.sleep(0.2)
    return found
