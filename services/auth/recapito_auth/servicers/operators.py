"""OperatorService."""

from typing import Any

from recapito.auth.v1 import operator_pb2 as pb
from recapito.auth.v1 import operator_pb2_grpc

from recapito_auth.flows.parts import Parts
from recapito_auth.flows.sign_in_operator import sign_in_operator
from recapito_servicekit.calls import current_call
from recapito_servicekit.times import to_timestamp


class OperatorServicer(operator_pb2_grpc.OperatorServiceServicer):
    """Signs operators in and out."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def SignIn(self, request: pb.OperatorServiceSignInRequest, context: Any) -> pb.OperatorServiceSignInResponse:
        """See the proto."""
        client = current_call().client(request.client)
        token, session = sign_in_operator(self._parts, request.username, request.password, request.totp, client)
        return pb.OperatorServiceSignInResponse(
            session=pb.OperatorSession(token=token, role=session.role, expires_at=to_timestamp(session.expires_at))
        )

    def SignOut(self, request: pb.SignOutRequest, context: Any) -> pb.SignOutResponse:
        """See the proto."""
        self._parts.sessions.end(current_call().the_person().token)
        return pb.SignOutResponse()
