"""Limits of attempts, counted in Redis before the work they guard. A limiter that can't count refuses."""

import hashlib
import ipaddress
import secrets
from datetime import datetime, timedelta
from typing import Any, Final

import redis

from recapito_auth.store.redisio import fail_closed, millis
from recapito_servicekit.errors import Kind, Refusal

WINDOW: Final = timedelta(minutes=5)
_V6_NETWORK: Final = 64  # what one household or one attacker has of IPv6

# a sliding log: never more than ARGV[1] attempts within ARGV[2] ms; gives 0, or how many ms until there is room
_ATTEMPT: Final = """
local most, window, now = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - window)
if redis.call('ZCARD', KEYS[1]) < most then
  redis.call('ZADD', KEYS[1], now, ARGV[4])
  redis.call('PEXPIRE', KEYS[1], window)
  return 0
end
local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
return math.max(1, tonumber(first[2]) + window - now)
"""


class Limits:
    """Counts attempts by name and by client address."""

    def __init__(self, client: redis.Redis, *, exempt_loopback: bool) -> None:
        self._client = client
        self._attempt = client.register_script(_ATTEMPT)
        self._exempt_loopback = exempt_loopback

    def wait_by_name(self, kind: str, name: str, most: int, now: datetime) -> timedelta | None:
        """Counts an attempt on a name, known or not. None: there was room for it; else how long until there is."""
        return self._count(_by_name(kind, name), most, now)

    def by_name(self, kind: str, name: str, most: int, now: datetime) -> None:
        """The same, but raises RESOURCE_EXHAUSTED with RetryInfo."""
        _demand_room(self.wait_by_name(kind, name, most, now))

    def look_at_name(self, kind: str, name: str, most: int, now: datetime) -> timedelta | None:
        """How long until there is room for an attempt on a name, counting none; None: there is."""
        key, window = _key(_by_name(kind, name)), int(WINDOW.total_seconds() * 1000)
        with fail_closed():
            kept: Any = self._client.zrangebyscore(key, millis(now) - window + 1, "+inf", withscores=True)
        return timedelta(milliseconds=kept[0][1] + window - millis(now)) if len(kept) >= most else None

    def forget_name(self, kind: str, name: str) -> None:
        """Makes room again for attempts on a name."""
        with fail_closed():
            self._client.delete(_key(_by_name(kind, name)))

    def by_address(self, kind: str, ip: str, most: int, now: datetime) -> None:
        """Counts an attempt from an address; IPv6 by its network, calls that name none together.

        Raises RESOURCE_EXHAUSTED with RetryInfo.
        """
        network = _network(ip)
        if not (self._exempt_loopback and (network is None or network.is_loopback)):
            _demand_room(self._count(f"{kind}:address:{network}", most, now))

    def _count(self, what: str, most: int, now: datetime) -> timedelta | None:
        window = int(WINDOW.total_seconds() * 1000)
        with fail_closed():
            wait = int(str(self._attempt(keys=[_key(what)], args=[most, window, millis(now), secrets.token_hex(8)])))
        return timedelta(milliseconds=wait) if wait else None


def _by_name(kind: str, name: str) -> str:
    return f"{kind}:name:{name}"


def _key(what: str) -> str:
    return f"auth:limit:{hashlib.sha256(what.encode()).hexdigest()}"


def _demand_room(wait: timedelta | None) -> None:
    if wait is not None:
        raise Refusal(Kind.RESOURCE_EXHAUSTED, "TOO_MANY_ATTEMPTS", "too many attempts", retry_after=wait)


def _network(ip: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    whole = address.version == 4 or address.is_loopback
    return ipaddress.ip_network((address, address.max_prefixlen if whole else _V6_NETWORK), strict=False)
