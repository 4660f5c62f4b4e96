"""Whole journeys over gRPC, for tests that need what comes out of them."""

import io
import uuid
from datetime import UTC, datetime, timedelta

from PIL import Image, ImageDraw
from recapito.contact_change.v1 import contact_change_pb2, contact_change_pb2_grpc, review_pb2, review_pb2_grpc
from recapito.otp.v1 import otp_pb2

from recapito_servicekit.calling import bearer
from tests.support.system import System


def specimen(text: str, form: str = "PNG") -> bytes:
    """A drawn document."""
    image = Image.new("RGB", (900, 600), "#f4efe2")
    ImageDraw.Draw(image).text((60, 60), f"FACSIMILE\n{text}", fill="black", font_size=40)
    out = io.BytesIO()
    image.save(out, form)
    return out.getvalue()


def upload(system: System, token: str, content: bytes, name: str = "documento.png") -> str:
    """Uploads a document; gives its id."""
    pieces = [contact_change_pb2.UploadDocumentRequest(name=name)]
    pieces += [contact_change_pb2.UploadDocumentRequest(chunk=content[at : at + 65_536]) for at in range(0, len(content), 65_536)]
    with system.channel("portal", "contact-change") as to:
        stub = contact_change_pb2_grpc.ContactChangeServiceStub(to)
        return stub.UploadDocument(iter(pieces), metadata=bearer(token)).document_id


def file_change(system: System, token: str, new_mobile: str, notify_email: str) -> tuple[str, str]:
    """Files a contact change; gives its id and the code that confirmed the new mobile."""
    documents = [upload(system, token, specimen(side)) for side in ("fronte", "retro")]
    today = datetime.now(UTC).date()
    with system.channel("portal", "contact-change") as to:
        stub = contact_change_pb2_grpc.ContactChangeServiceStub(to)
        metadata = bearer(token)
        request = contact_change_pb2.StartMobileConfirmationRequest(new_mobile=new_mobile)
        started = stub.StartMobileConfirmation(request, metadata=metadata)
        code = system.inbox.code(new_mobile)
        typed = contact_change_pb2.ConfirmMobileRequest(challenge_id=started.challenge.challenge_id, code=code)
        confirmed = stub.ConfirmMobile(typed, metadata=metadata)
        assert confirmed.outcome == otp_pb2.OUTCOME_APPROVED
        filed = stub.SubmitRequest(
            contact_change_pb2.SubmitRequestRequest(
                request_id=uuid.uuid4().hex,
                reason=contact_change_pb2.REASON_NOT_RECOGNISED,
                new_mobile=new_mobile,
                mobile_proof=confirmed.mobile_proof,
                notify_email=notify_email,
                identity_document=contact_change_pb2.IdentityDocument(
                    type=contact_change_pb2.DOCUMENT_TYPE_IDENTITY_CARD,
                    number=f"CA{new_mobile[-5:]}AA",  # one that came in for another customer needs a second operator
                    issuer="Comune di Esempio",
                    issued_on=(today - timedelta(days=900)).isoformat(),
                    expires_on=(today + timedelta(days=900)).isoformat(),
                ),
                document_ids=documents,
            ),
            metadata=metadata,
        )
    return filed.change.change_id, code


def case_of(system: System, operator_token: str, change_id: str) -> review_pb2.CaseSummary:
    """The case of a change, once the intake has made it."""
    until = datetime.now(UTC) + timedelta(seconds=60)
    request = review_pb2.ListCasesRequest(filter=review_pb2.CaseFilter(change_id=change_id))
    with system.channel("console", "contact-change") as to:
        stub = review_pb2_grpc.ReviewServiceStub(to)
        while datetime.now(UTC) < until:
            cases = stub.ListCases(request, metadata=bearer(operator_token)).cases
            if cases and cases[0].state == contact_change_pb2.CHANGE_STATE_IN_REVIEW:
                return cases[0]
    raise AssertionError(f"no case for {change_id}")


def approve(system: System, operator_token: str, change_id: str) -> None:
    """Takes the case of a change and approves it."""
    case_id = case_of(system, operator_token, change_id).case_id
    with system.channel("console", "contact-change") as to:
        stub = review_pb2_grpc.ReviewServiceStub(to)
        metadata = bearer(operator_token)
        case = stub.TakeCase(review_pb2.TakeCaseRequest(case_id=case_id), metadata=metadata).case
        stub.Decide(
            review_pb2.DecideRequest(
                case_id=case_id,
                expected_version=case.summary.version,
                decision=review_pb2.DECISION_APPROVE,
                reason_code="DOCUMENT_MATCHES",
            ),
            metadata=metadata,
        )
