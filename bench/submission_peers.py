"""What contact-change calls, in a process of its own that answers from memory: ``python -m bench.submission_peers TLS_FOLDER``.

A token is its customer's id. Prints its ports as JSON and ends with its standard input.
"""

import json
import sys
from pathlib import Path
from typing import Any

import grpc
from recapito.auth.v1 import registry_pb2, registry_pb2_grpc, session_pb2, session_pb2_grpc
from recapito.otp.v1 import otp_pb2, otp_pb2_grpc

from recapito_servicekit.clock import system_clock
from recapito_servicekit.times import to_timestamp
from tests.integration.contact_change.peers import Peer
from tests.support.smtp import SmtpSink


class Sessions(session_pb2_grpc.SessionServiceServicer):
    async def Introspect(self, request, context):  # type: ignore[no-untyped-def]
        return session_pb2.IntrospectResponse(
            active=True,
            kind=session_pb2.KIND_CONTACT_CHANGE,
            customer_id=request.token,
            acr="recapito:aal1",
            amr=["pwd"],
            auth_time=to_timestamp(system_clock()),
        )


class Registry(registry_pb2_grpc.CustomerRegistryServiceServicer):
    async def GetCustomer(self, request, context):  # type: ignore[no-untyped-def]
        customer = registry_pb2.Customer(
            customer_id=request.customer_id,
            given_name="Ada",
            family_name="Bianchi",
            codice_fiscale="BNCDAA80A41H501X",
            email=f"{request.customer_id}@posta.test",
            mobile=f"+39349{int(request.customer_id[1:]):07}",
            language="it",
            version=3,
        )
        return registry_pb2.GetCustomerResponse(customer=customer)

    async def FindCustomers(self, request, context):  # type: ignore[no-untyped-def]
        return registry_pb2.FindCustomersResponse()


class Otp(otp_pb2_grpc.OtpServiceServicer):
    async def SendNotice(self, request, context):  # type: ignore[no-untyped-def]
        return otp_pb2.SendNoticeResponse(notice_id=request.request_id)


class Issued:
    """The certificates of a folder that a Pki has filled."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def files(self, name: str) -> dict[str, str]:
        return {
            "RECAPITO_TLS_CA_FILE": str(self._folder / "ca.pem"),
            "RECAPITO_TLS_CERT_FILE": str(self._folder / f"{name}.pem"),
            "RECAPITO_TLS_KEY_FILE": str(self._folder / f"{name}-key.pem"),
        }


def main() -> None:
    """Serves until nobody is left who asked for it."""
    issued: Any = Issued(Path(sys.argv[1]))

    def add_auth(server: grpc.aio.Server) -> None:
        session_pb2_grpc.add_SessionServiceServicer_to_server(Sessions(), server)
        registry_pb2_grpc.add_CustomerRegistryServiceServicer_to_server(Registry(), server)

    def add_otp(server: grpc.aio.Server) -> None:
        otp_pb2_grpc.add_OtpServiceServicer_to_server(Otp(), server)

    auth = Peer(issued, "auth", add_auth, ("recapito.auth.v1.SessionService", "recapito.auth.v1.CustomerRegistryService"))
    otp = Peer(issued, "otp", add_otp, ("recapito.otp.v1.OtpService",))
    mailbox = SmtpSink()
    print(json.dumps({"auth": auth.port, "otp": otp.port, "smtp": mailbox.port}), flush=True)
    sys.stdin.read()
    for peer in (auth, otp):
        peer.stop()
    mailbox.stop()


if __name__ == "__main__":
    main()
