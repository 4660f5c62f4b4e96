"""The supervisors' side of what gave up: ``recapito.contact_change.v1.DeadLetterService``."""

import grpc
from recapito.contact_change.v1 import dead_letter_pb2 as pb
from recapito.contact_change.v1 import dead_letter_pb2_grpc as pb_grpc

from recapito_contact_change.flows.dead_letters import DeadLetter, DeadLetters
from recapito_contact_change.servicers.review import operator
from recapito_servicekit.times import to_timestamp


class DeadLetterServicer(pb_grpc.DeadLetterServiceServicer):
    """Translates."""

    def __init__(self, letters: DeadLetters) -> None:
        self._letters = letters

    def List(self, request: pb.DeadLetterServiceListRequest, context: grpc.ServicerContext) -> pb.DeadLetterServiceListResponse:
        """The oldest."""
        return pb.DeadLetterServiceListResponse(letters=[_letter(one) for one in self._letters.oldest()])

    def Get(self, request: pb.DeadLetterServiceGetRequest, context: grpc.ServicerContext) -> pb.DeadLetterServiceGetResponse:
        """One."""
        return pb.DeadLetterServiceGetResponse(letter=_letter(self._letters.one(request.letter_id)))

    def Resend(
        self, request: pb.DeadLetterServiceResendRequest, context: grpc.ServicerContext
    ) -> pb.DeadLetterServiceResendResponse:
        """One, again."""
        letter = self._letters.resend(request.letter_id, operator().name)
        return pb.DeadLetterServiceResendResponse(letter=_letter(letter))


def _letter(letter: DeadLetter) -> pb.DeadLetter:
    return pb.DeadLetter(
        letter_id=letter.letter_id,
        kind=pb.DeadLetterKind.Value(f"DEAD_LETTER_KIND_{letter.kind}"),
        type=letter.type,
        change_id=letter.change_id,
        error=letter.error,
        tries=letter.tries,
        dead_at=to_timestamp(letter.dead_at),
        about=letter.about,
    )
