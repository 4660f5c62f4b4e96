"""What ``recapito-contact-change doctor`` looks at."""

from collections.abc import Iterator
from pathlib import Path

from recapito_contact_change.events import QUEUE_OF
from recapito_contact_change.settings import ContactChangeSettings
from recapito_documents import stores
from recapito_documents.scanning import scanner
from recapito_servicekit.clock import system_clock
from recapito_servicekit.doctor import Check, Finding, peers
from recapito_servicekit.doctor.broker import queues
from recapito_servicekit.doctor.certificates import certificate
from recapito_servicekit.doctor.sql import database
from recapito_servicekit.settings import load


def checks() -> list[tuple[str, Check]]:
    """The checks by what they look at. Raises BadSettings."""
    found = load(ContactChangeSettings, "contact-change")
    addresses = {"auth": found.auth_address, "otp": found.otp_address}
    return [
        ("certificate", lambda: certificate(found, "contact-change", system_clock())),
        ("callers", lambda: peers.callers(found)),
        ("database", lambda: database(found.database_url, Path(__file__).parent, "contact-change", system_clock)),
        ("broker", lambda: queues(found.broker_url, dict.fromkeys(QUEUE_OF.values()), "contact-change")),
        ("documents", lambda: _documents(found)),
        ("mail relay", lambda: peers.relay(found)),
        ("services", lambda: peers.services(found, addresses)),
    ]


def _documents(found: ContactChangeSettings) -> Iterator[Finding]:
    if found.blob_bucket:
        yield from peers.tried(found.blob_bucket, lambda: stores.try_out(found), "look at RECAPITO_S3_… and the bucket's policy")
    else:
        yield from peers.folder(found.blob_dir)
    scan = scanner(found.clamd_address)
    if scan is not None:
        yield from peers.tried(f"the virus scanner {found.clamd_address}", lambda: scan(b"recapito doctor"), "start clamd")
