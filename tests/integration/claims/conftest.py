"""The claims service over real gRPC with mTLS, SQLite, and the otp service over Redis."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from recapito.claims.v1 import claims_pb2_grpc, intake_pb2_grpc
from recapito.otp.v1 import otp_pb2_grpc

import recapito_claims
from recapito_claims.__main__ import wire
from recapito_claims.settings import ClaimsSettings
from recapito_otp.__main__ import wiring as wire_otp
from recapito_otp.settings import OtpSettings
from recapito_servicekit import sql
from recapito_servicekit.clock import Clock
from recapito_servicekit.serving import Wiring
from recapito_servicekit.settings import ServerSettings, load
from tests.integration.claims.claimant import Claims, Handler
from tests.integration.claims.upstreams import CODE, Auth, Customers, Otp, Sessions
from tests.support.pki import Pki
from tests.support.ports import free_port
from tests.support.serving import CALLERS_FILE, ServerThread, channel_as, server_environment

INTERNAL = 'internal = { purposes = ["step_up", "claim"] }'


@pytest.fixture
def auth(pki: Pki, clock: Clock) -> Iterator[tuple[Auth, str]]:
    """auth's answers, and its address."""
    port = free_port()
    found = Auth(Sessions(clock), Customers())  # claims asks for no more
    server = ServerThread(load(ServerSettings, "auth", server_environment(pki, "auth", port)), found.wire)
    yield found, f"localhost:{port}"
    server.stop()


@pytest.fixture
def otp(pki: Pki, clock: Clock, redis_url: str, tmp_path: Path) -> Iterator[tuple[Otp, str]]:
    """The otp service, and its address. Here "internal" too may have codes for claims issued: claims mustn't believe those."""
    port = free_port()
    callers = tmp_path / "callers.toml"
    callers.write_text(CALLERS_FILE.read_text().replace('internal = { purposes = ["step_up"] }', INTERNAL), encoding="utf-8")
    environment = {
        **server_environment(pki, "otp", port),
        "RECAPITO_CALLERS_FILE": str(callers),
        "RECAPITO_REDIS_URL": redis_url,
        "RECAPITO_OTP_PEPPER": "pepper",
        "RECAPITO_OTP_SEAL_KEY": base64.b64encode(bytes(32)).decode(),
    }
    settings = load(OtpSettings, "otp", environment)

    async def wire() -> Wiring:
        return wire_otp(settings, clock, lambda _: CODE)

    server = ServerThread(settings, wire)
    with channel_as(pki, "auth", port) as as_auth, channel_as(pki, "internal", port) as as_internal:
        stubs = {"auth": otp_pb2_grpc.OtpServiceStub(as_auth), "internal": otp_pb2_grpc.OtpServiceStub(as_internal)}
        yield Otp(stubs), f"localhost:{port}"
    server.stop()


@pytest.fixture
def claims(
    pki: Pki, clock: Clock, auth: tuple[Auth, str], otp: tuple[Otp, str], database_url: str, tmp_path: Path
) -> Iterator[Claims]:
    """The service with an empty database."""
    port = free_port()
    environment = {
        **server_environment(pki, "claims", port),
        "RECAPITO_DATABASE_URL": database_url,
        "RECAPITO_BLOB_DIR": str(tmp_path / "blobs"),
        "RECAPITO_DOCUMENT_KEYS": "k1:" + base64.b64encode(bytes(32)).decode(),
        "RECAPITO_AUTH_ADDRESS": auth[1],
        "RECAPITO_OTP_ADDRESS": otp[1],
    }
    settings = load(ClaimsSettings, "claims", environment)
    sql.migrate(database_url, Path(recapito_claims.__file__).parent)
    server = ServerThread(settings, lambda: wire(settings, clock))
    with channel_as(pki, "portal", port) as portal, channel_as(pki, "internal", port) as internal:
        handler = Handler(intake_pb2_grpc.ClaimsIntakeServiceStub(internal))
        yield Claims(auth[0], otp[0], claims_pb2_grpc.ClaimsServiceStub(portal), settings, handler)
    server.stop()
