"""Who a customer's session stands for, and whether it is good enough.

sessions = Sessions(channel("localhost:50051", ca="ca.pem", cert="internal.pem", key="internal-key.pem"))
try:
    person = sessions.require(token, acr=AAL2, max_age=600)
except Refused as refused:
    return 401, {"WWW-Authenticate": refused.challenge()}
"""

from recapito_session.channels import aio_channel, channel
from recapito_session.rules import AAL1, AAL2, NotSignedIn, Person, Refused, StepUpRequired
from recapito_session.sessions import AioSessions, Sessions

__all__ = [
    "AAL1",
    "AAL2",
    "AioSessions",
    "NotSignedIn",
    "Person",
    "Refused",
    "Sessions",
    "StepUpRequired",
    "aio_channel",
    "channel",
]
