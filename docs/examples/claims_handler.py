"""A claim handling system in small: follows filed claims over gRPC, reads what is attached, decides, asks, closes.

    .venv/bin/python -m docs.examples.claims_handler CURSOR-FILE     # in the checkout, beside a running system

The cursor is kept after a claim was dealt with, never before: killed in between, it meets the claim again, and every call
below may be repeated without harm.
"""

import hashlib
import sys
from decimal import Decimal
from pathlib import Path
from typing import Final

import grpc
from recapito.claims.v1 import claims_pb2 as claims
from recapito.claims.v1 import intake_pb2 as intake
from recapito.claims.v1.intake_pb2_grpc import ClaimsIntakeServiceStub

from docs.examples.place import to

COVERED: Final = Decimal(500)
UNFINISHED: Final = (claims.CLAIM_STATE_SUBMITTED, claims.CLAIM_STATE_OPEN)


def read(service: ClaimsIntakeServiceStub, claim_id: str, attachment_id: str) -> bytes:
    """An attachment, checked against the checksum that came before it."""
    request = intake.ReadAttachmentRequest(claim_id=claim_id, attachment_id=attachment_id)
    first, *pieces = service.ReadAttachment(request, timeout=60)
    content = b"".join(piece.chunk for piece in pieces)
    if hashlib.sha256(content).hexdigest() != first.head.sha256:
        raise OSError("the attachment arrived damaged; read it again")
    return content


def deal_with(service: ClaimsIntakeServiceStub, claim: claims.Claim) -> None:
    """Pays small expenses, asks for a prescription once where one is large, and closes what is final."""
    if claim.state not in UNFINISHED:
        return
    has_prescription = any(one.kind != claims.ATTACHMENT_KIND_INVOICE for one in claim.attachments)
    if any(Decimal(one.amount) > COVERED for one in claim.expenses) and not has_prescription and not claim.questions:
        text = "Per una spesa serve la prescrizione: puoi allegarla?"
        service.AskCustomer(intake.AskCustomerRequest(request_id="prescription", claim_id=claim.claim_id, text=text), timeout=5)
        return
    for attachment in claim.attachments:
        read(service, claim.claim_id, attachment.attachment_id)  # and a person looks at it
    for expense in claim.expenses:
        if expense.state not in (claims.EXPENSE_STATE_PAID, claims.EXPENSE_STATE_REFUSED):
            decision = {"claim_id": claim.claim_id, "expense_id": expense.expense_id, "state": claims.EXPENSE_STATE_PAID}
            service.UpdateExpense(intake.UpdateExpenseRequest(**decision), timeout=5)
    service.CloseClaim(intake.CloseClaimRequest(claim_id=claim.claim_id), timeout=5)


def follow(service: ClaimsIntakeServiceStub, kept: Path, seconds: float = 55) -> None:
    """Deals with what happened since the cursor that is kept, and with what happens for as long."""
    cursor = kept.read_text() if kept.exists() else ""
    try:
        for told in service.WatchClaims(intake.WatchClaimsRequest(cursor=cursor), timeout=seconds):
            current = service.GetClaim(intake.ClaimsIntakeServiceGetClaimRequest(claim_id=told.claim.claim_id), timeout=5)
            deal_with(service, current.claim)
            kept.write_text(told.cursor)
    except grpc.RpcError as error:
        if error.code() not in (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNAVAILABLE):
            raise


if __name__ == "__main__":
    while True:
        follow(ClaimsIntakeServiceStub(to("claims", "internal")), Path(sys.argv[1]))
