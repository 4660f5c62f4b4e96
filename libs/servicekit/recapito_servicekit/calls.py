"""The call under way: who calls, who acts, how long there is left. The gate sets it before a handler runs."""

import time
from contextvars import ContextVar
from typing import Final, NamedTuple

from recapito.common.v1 import client_pb2

from recapito_servicekit.addresses import is_address
from recapito_servicekit.callers import Grant
from recapito_servicekit.errors import Kind, Refusal, Violation, invalid
from recapito_servicekit.persons import Person


class ClientInfo(NamedTuple):
    """The person's device as a believed front end saw it; empty where the caller isn't believed."""

    ip: str = ""
    device_id: str = ""
    user_agent: str = ""

    def message(self) -> client_pb2.Client:
        """The same for a called service."""
        return client_pb2.Client(ip=self.ip, device_id=self.device_id, user_agent=self.user_agent)


class Call(NamedTuple):
    """One call of an RPC."""

    path: str
    caller: str
    grant: Grant
    person: Person | None
    deadline: float  # time.monotonic()

    def time_left(self) -> float:
        """Seconds until the caller no longer waits."""
        return self.deadline - time.monotonic()

    def demand_time(self) -> None:
        """Raises DEADLINE_EXCEEDED where the caller no longer waits; call it before a commit."""
        if self.time_left() <= 0:
            raise Refusal(Kind.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", "the caller no longer waits; nothing was done")

    def the_person(self) -> Person:
        """The person who acts; only for RPCs whose access demands one."""
        if self.person is None:
            raise Refusal(Kind.UNAUTHENTICATED, "NOT_SIGNED_IN", "nobody acts in the call")
        return self.person

    def client(self, client: client_pb2.Client) -> ClientInfo:
        """What the caller says of the person's device, where it is believed. Raises INVALID_ARGUMENT: the ip is none."""
        if not self.grant.believed_client:
            return ClientInfo()
        ip = client.ip
        if ip and not is_address(ip):  # no limiter could count it
            raise invalid(Violation("client.ip", "NOT_AN_ADDRESS", "IPv4 or IPv6 in text form, or empty"))
        return ClientInfo(ip, client.device_id[:128], client.user_agent[:512])


_CALL: Final[ContextVar[Call]] = ContextVar("recapito_call")


def current_call() -> Call:
    """The call under way. Raises LookupError outside of one."""
    return _CALL.get()


def current_call_or_none() -> Call | None:
    """The call under way, if there is one."""
    return _CALL.get(None)


def enter_call(call: Call) -> None:
    """For the gate alone: makes ``call`` the one under way in this context."""
    _CALL.set(call)
