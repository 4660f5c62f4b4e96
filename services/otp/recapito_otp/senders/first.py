"""Several ways out for one channel: the first that takes the message has it."""

from collections.abc import Mapping

from recapito_otp import metrics
from recapito_otp.ports import Sender, SendFailed, SendRejected, Text
from recapito_servicekit import logs

log = logs.get(__name__)


class FirstThatTakes:
    """``senders`` by name, in the order to ask them."""

    def __init__(self, senders: Mapping[str, Sender]) -> None:
        self._senders = senders

    def send(self, text: Text) -> None:
        """Returns when one of them took it. Raises SendRejected where all of them refuse it for good, else SendFailed."""
        found: list[SendRejected | SendFailed] = []
        for name, sender in self._senders.items():
            try:
                sender.send(text)
            except (SendRejected, SendFailed) as error:
                outcome = "rejected" if isinstance(error, SendRejected) else "failed"
                log.warning("sender did not take it", sender=name, outcome=outcome, cause=str(error.__cause__ or error))
                metrics.SENDERS.labels(name, outcome).inc()
                found.append(error)
            else:
                metrics.SENDERS.labels(name, "taken").inc()
                return
        raise next((error for error in found if isinstance(error, SendFailed)), found[0])
