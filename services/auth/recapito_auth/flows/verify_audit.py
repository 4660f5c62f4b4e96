"""Goes along the audit's chain and says whether it is whole, or where it breaks."""

import json
from dataclasses import dataclass

from recapito_auth.domain import chain
from recapito_auth.store import audit
from recapito_auth.store.audit import Head, Record
from recapito_servicekit.sql import Database


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found. ``broken_at``: the first record that is wrong, or the first that is missing; None: the chain is whole."""

    head: Head
    records: int
    broken_at: int | None = None
    why: str = ""


def verify_audit(database: Database, anchor: Head | None) -> Verified:
    """Reads every record. ``anchor``: a head that was noted earlier, elsewhere; it shows whether the end was cut off since.

    The records are read in one view, so that the service may go on meanwhile.
    """
    with database.read() as connection:
        head = audit.head(connection)
        before, seq, anchored = chain.FIRST, 0, anchor is None or anchor.seq == 0
        for record in audit.records(connection):
            seq += 1
            if record.seq != seq:
                return Verified(head, seq - 1, seq, "it is missing")
            why = _fault(record, before)
            if why:
                return Verified(head, seq - 1, seq, why)
            if anchor is not None and anchor.seq == seq:
                if anchor.hash != record.hash:
                    return Verified(head, seq - 1, seq, "it is not the one that the anchor names")
                anchored = True
            before = record.hash
    if seq != head.seq or before != head.hash:
        return Verified(head, seq, seq + 1, "the end of the chain is missing")
    if not anchored:
        return Verified(head, seq, seq + 1, "the record that the anchor names is missing")
    return Verified(head, seq)


def _fault(record: Record, before: str) -> str:
    if chain.digest(record.body) != record.hash:
        return "its body was changed"
    try:
        body = json.loads(record.body)
    except ValueError:
        return "its body can't be read"
    if body["prev"] != before:
        return "it does not follow the one before"
    told = (body["seq"], body["at"], body["event"], body["customer_id"])
    if told != (record.seq, record.at.isoformat(), record.event, record.customer_id):
        return "its columns are not what its body says"
    return ""
