"""What is counted of codes and messages; no label says anything of a person."""

from prometheus_client import Counter

from recapito_servicekit import tallies

ISSUED = tallies.Counter("recapito_otp_codes_issued", "Codes made, by what for and the way out", ["purpose", "channel"])
CHECKED = tallies.Counter("recapito_otp_codes_checked", "Codes that people typed, by what was found", ["purpose", "outcome"])
PREFIX_STOPPED = Counter(
    "recapito_otp_prefix_stopped",
    "Texts refused because their prefix is stopped (SMS pumping?), by who asked",
    ["country", "asked_by"],
)
# what: the purpose of a code, the template of a notice
RECEIPTS = Counter(
    "recapito_otp_receipts",
    "What providers say of arrival: delivered, failed, stale (late, twice or under way), forged, malformed",
    ["outcome"],
)
SENDERS = Counter("recapito_otp_senders", "Ways out: taken, rejected, failed", ["sender", "outcome"])
DELIVERED = Counter(
    "recapito_otp_messages",
    "Messages: sent, rejected, delayed (comes again), unreachable, expired, superseded, cancelled, dropped (decoys), lost",
    ["what", "channel", "outcome"],
)
