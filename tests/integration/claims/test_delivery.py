"""What SubmitClaim accepts, the intake stream delivers unchanged: over drafts of every kind."""

from datetime import date, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from recapito.claims.v1 import claims_pb2 as pb

from recapito_servicekit.errors import Kind, Refusal
from tests.integration.claims.claimant import COMPLETE, Claims, new_request, picture

TODAY = date(2026, 11, 22)
CHILD = "BNCLCU15E03F205U"
YES_OR_NO = st.sampled_from([pb.ANSWER_YES, pb.ANSWER_NO])
WORDS = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), min_size=1, max_size=40).filter(
    lambda text: text.strip() == text
)
DAYS = st.integers(0, 700).map(lambda back: (TODAY - timedelta(days=back)).isoformat())
DETAILS = st.fixed_dictionaries(
    {
        "kind": st.sampled_from([kind for kind in pb.ClaimKind.values() if kind]),
        "event_date": DAYS,
        "description": WORDS,
        "iban_holder": WORDS,
        "provider": WORDS,
        "beneficiary": st.sampled_from([pb.KINSHIP_INSURED, pb.KINSHIP_CHILD]).flatmap(
            lambda kinship: st.builds(
                pb.Beneficiary,
                kinship=st.just(kinship),
                given_name=WORDS,
                family_name=WORDS,
                codice_fiscale=st.just(CHILD),
            )
        ),
        "accident": st.builds(pb.Accident, place=WORDS, cause=WORDS, third_party=YES_OR_NO, third_party_name=WORDS),
        "admission": st.builds(pb.Admission, admitted=YES_OR_NO, admitted_on=DAYS, discharged_on=DAYS),
        "other_insurance": st.builds(pb.OtherInsurance, exists=YES_OR_NO, insurer=WORDS),
    }
)
EXPENSES = st.lists(
    st.builds(
        pb.Expense,
        provider=WORDS,
        document_number=WORDS,
        document_date=DAYS,
        amount=st.integers(1, 999_999_999).map(lambda cents: f"{cents // 100}.{cents % 100:02d}"),
        category=st.sampled_from([category for category in pb.ExpenseCategory.values() if category]),
    ),
    min_size=1,
    max_size=3,
)
KINDS = st.sets(st.sampled_from([kind for kind in pb.AttachmentKind.values() if kind]), min_size=1, max_size=3)


def said(claim: pb.Claim) -> tuple[Any, ...]:
    """All that the customer gave."""
    expenses = [(one.provider, one.document_number, one.document_date, one.amount, one.category) for one in claim.expenses]
    attached = [(one.attachment_id, one.kind, one.name, one.sha256, one.size) for one in claim.attachments]
    return claim.details.SerializeToString(deterministic=True), expenses, attached, claim.total


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(details=DETAILS, expenses=EXPENSES, kinds=KINDS)
def test_whatever_is_accepted_is_delivered_unchanged(
    claims: Claims, details: dict[str, Any], expenses: list[pb.Expense], kinds: set[int]
) -> None:
    anna = claims.sign_in()
    draft = anna.create(**{**COMPLETE, **details})
    for expense in expenses:
        fields = {field.name: value for field, value in expense.ListFields()}
        draft = anna.add_expense(draft, **fields)
    for kind in sorted(kinds):
        draft = anna.attach(draft, picture(), kind)
    confirmed = anna.get(draft)
    try:
        proof = claims.confirm(anna, draft)
    except Refusal as refusal:
        if refusal.kind is not Kind.INVALID_ARGUMENT or not refusal.violations:
            raise
        return
    receipt = anna.submit(draft, proof, new_request())
    delivered = claims.handler.get(receipt)
    watched = claims.handler.first_told(receipt)
    assert said(confirmed) == said(receipt) == said(delivered) == said(watched)
    assert watched.claim_number == receipt.claim_number
