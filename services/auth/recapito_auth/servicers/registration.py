"""RegistrationService."""

from typing import Any, Final

from recapito.auth.v1 import registration_pb2, registration_pb2_grpc

from recapito_auth.domain.customers import PersonType
from recapito_auth.flows.complete_registration import complete_registration
from recapito_auth.flows.parts import Parts
from recapito_auth.flows.start_registration import Wish, start_registration
from recapito_auth.flows.verify_contact import resend_code, verify_contact
from recapito_auth.servicers.even import even_answer
from recapito_servicekit.calls import current_call

_TYPES: Final = {
    registration_pb2.PERSON_TYPE_PERSON: PersonType.PERSON,
    registration_pb2.PERSON_TYPE_COMPANY: PersonType.COMPANY,
}


class RegistrationServicer(registration_pb2_grpc.RegistrationServiceServicer):
    """Registers customers whom the registry knows."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def StartRegistration(
        self, request: registration_pb2.StartRegistrationRequest, context: Any
    ) -> registration_pb2.StartRegistrationResponse:
        """See the proto."""
        wish = Wish(
            person_type=_TYPES.get(request.person_type),
            given_name=request.given_name,
            family_name=request.family_name,
            contact=request.contact,
            locale=request.locale,
            client=current_call().client(request.client),
        )
        with even_answer(self._parts.settings.even_answer_ms):
            registration_id, challenge = start_registration(self._parts, wish)
        return registration_pb2.StartRegistrationResponse(
            registration_id=registration_id,
            masked_contact=challenge.masked_destination,
            expires_at=challenge.expires_at,
            resend_available_at=challenge.resend_available_at,
        )

    def ResendCode(self, request: registration_pb2.ResendCodeRequest, context: Any) -> registration_pb2.ResendCodeResponse:
        """See the proto."""
        challenge = resend_code(self._parts, request.registration_id, current_call().client(request.client))
        return registration_pb2.ResendCodeResponse(
            registration_id=request.registration_id,
            masked_contact=challenge.masked_destination,
            expires_at=challenge.expires_at,
            resend_available_at=challenge.resend_available_at,
        )

    def VerifyContact(
        self, request: registration_pb2.VerifyContactRequest, context: Any
    ) -> registration_pb2.VerifyContactResponse:
        """See the proto."""
        checked = verify_contact(self._parts, request.registration_id, request.code)
        return registration_pb2.VerifyContactResponse(outcome=checked.outcome, attempts_left=checked.attempts_left)

    def CompleteRegistration(
        self, request: registration_pb2.CompleteRegistrationRequest, context: Any
    ) -> registration_pb2.CompleteRegistrationResponse:
        """See the proto."""
        account_id = complete_registration(self._parts, request.registration_id, request.password)
        return registration_pb2.CompleteRegistrationResponse(account_id=account_id)
