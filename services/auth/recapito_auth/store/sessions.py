"""Sessions and tokens in Redis, by the token's SHA-256 alone.

A token begins with the bucket of whom it stands for, so that its session and the bucket's least epochs carry one hash tag and
one Lua call sees both. A session whose epoch is below its customer's least one is dead, whatever else is kept.
"""

import functools
import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final, NamedTuple

import redis

from recapito_auth.store.redisio import fail_closed, millis, unavailable
from recapito_servicekit.ids import new_id, new_token, token_digest
from recapito_servicekit.redis_pipe import RedisPipe, Script

_BUCKET: Final = 3
_SCAN: Final = 1_000
_KNOWN: Final = 1_000  # sessions read lately, 2 KB each

# in the order of Session's fields
_FIELDS: Final = (
    *("kind", "customer_id", "epoch", "acr", "amr", "auth_time", "expires_at", "idle", "contact_changed_at", "claims_held_until"),
    *("operator_id", "operator_name", "role", "session_id", "label", "created_at", "frozen", "seen_at"),
)
# values alone: the names would double what every answer is read from; without when it was seen, they stay the same between calls
_INTROSPECT: Final = f"""
local s = redis.call('HMGET', KEYS[1], {", ".join(f"'{name}'" for name in _FIELDS)})
if not s[1] then return false end
local now = tonumber(ARGV[1])
local customer_id, epoch, expires_at, idle, operator_id, seen_at = s[2], s[3], s[7], s[8], s[11], table.remove(s)
local least = redis.call('HGET', KEYS[2], operator_id ~= '' and operator_id or customer_id)
if least and tonumber(epoch) < tonumber(least) then return false end -- kept: who raised it may carry theirs on
if tonumber(expires_at) <= now or tonumber(seen_at) + tonumber(idle) <= now then
  redis.call('DEL', KEYS[1])
  return false
end
if (now - tonumber(seen_at)) * 120 >= tonumber(idle) then -- a write is synced to disk; of an idle limit at most a 120th is lost
  redis.call('HSET', KEYS[1], 'seen_at', now)
  redis.call('PEXPIRE', KEYS[1], math.min(tonumber(expires_at) - now, tonumber(idle)))
end
return s
"""
# the index names a person's sessions, by when each ends at the latest
_OPEN: Final = """
local life, now, ends = tonumber(ARGV[1]), ARGV[2], ARGV[3]
redis.call('HSET', KEYS[1], unpack(ARGV, 4))
redis.call('PEXPIRE', KEYS[1], life)
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
redis.call('ZADD', KEYS[2], ends, KEYS[1])
redis.call('PEXPIRE', KEYS[2], math.max(redis.call('PTTL', KEYS[2]), ends - now))
"""
_ROTATE: Final = """
local flat = redis.call('HGETALL', KEYS[1])
if #flat == 0 or tonumber(redis.call('HGET', KEYS[1], 'epoch')) < tonumber(ARGV[1]) then return false end
local life = redis.call('PTTL', KEYS[1])
redis.call('DEL', KEYS[1])
local ends = redis.call('ZSCORE', KEYS[3], KEYS[1])
if ends then
  redis.call('ZREM', KEYS[3], KEYS[1])
  redis.call('ZADD', KEYS[3], ends, KEYS[2])
end
redis.call('HSET', KEYS[2], unpack(flat))
redis.call('HSET', KEYS[2], unpack(ARGV, 2))
redis.call('PEXPIRE', KEYS[2], life)
return redis.call('HGET', KEYS[2], 'expires_at')
"""
_RAISE: Final = """
local least = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '0')
if tonumber(ARGV[2]) > least then redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]) end
"""


class Kind(StrEnum):
    """What a token is."""

    SESSION = "SESSION"
    CONTACT_CHANGE = "CONTACT_CHANGE"
    OPERATOR = "OPERATOR"
    PASSWORD_CHANGE = "PASSWORD_CHANGE"


class Session(NamedTuple):
    """Whom a token stands for. ``idle``: how long it may stay unused."""

    kind: Kind
    customer_id: str
    epoch: int
    acr: str
    amr: tuple[str, ...]
    auth_time: datetime
    expires_at: datetime
    idle: timedelta
    contact_changed_at: datetime | None = None
    claims_held_until: datetime | None = None
    operator_id: str = ""
    operator_name: str = ""
    role: str = ""
    session_id: str = ""  # names it to its own person; opens nothing
    label: str = ""  # the device
    created_at: datetime | None = None
    frozen: bool = False
    seen_at: datetime | None = None  # as ``of_customer`` lists it

    @property
    def subject(self) -> str:
        """Whose it is."""
        return self.operator_id or self.customer_id


class Sessions:
    """Opens, rotates, lists and ends sessions."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._open = client.register_script(_OPEN)
        self._rotate = client.register_script(_ROTATE)
        self._raise = client.register_script(_RAISE)
        self._introspect = client.register_script(_INTROSPECT)

    def open(self, session: Session, now: datetime) -> str:
        """Keeps the session and gives its new token, which is kept nowhere."""
        token = f"{_bucket(session.subject)}-{new_token()}"
        fields = [part for pair in _to_fields(session, now).items() for part in pair]
        with fail_closed():
            life = min(session.idle, session.expires_at - now)
            timing = [int(life.total_seconds() * 1000), millis(now), millis(session.expires_at)]
            self._open(keys=[_session_key(token), _index_key(session.subject)], args=[*timing, *fields])
        return token

    def rotate(self, token: str, subject: str, now: datetime, new: Mapping[str, str | int]) -> tuple[str, datetime] | None:
        """Ends ``token`` and carries its session on under a new one with ``new`` fields, in one step: the new token, and when it
        ends at the latest. None: the session has ended before; where ``new`` has an epoch, also by any raise before that one.
        """
        fresh = f"{_bucket(subject)}-{new_token()}"
        before = int(new["epoch"]) - 1 if "epoch" in new else 0
        fields = [part for pair in {**new, "seen_at": millis(now)}.items() for part in pair]
        keys = [_session_key(token), _session_key(fresh), _index_key(subject)]
        with fail_closed():
            expires_at = self._rotate(keys=keys, args=[before, *fields])
        return (fresh, _instant(str(expires_at))) if expires_at else None

    def look_up(self, token: str, now: datetime) -> Session | None:
        """Whom a live token stands for, as ``Introspection`` says it; None: it isn't live."""
        if not is_token(token):
            return None
        with fail_closed():
            found: Any = self._introspect(keys=[_session_key(token), _epochs_key(token[:_BUCKET])], args=[millis(now)])
        return _live(tuple(found)) if found else None

    def of_customer(self, customer_id: str, now: datetime) -> list[tuple[str, Session]]:
        """The customer's live sessions, the last used first, each with the key that ``end_key`` takes."""
        with fail_closed():
            keys: Any = self._client.zrangebyscore(_index_key(customer_id), millis(now), "+inf")
            pipeline = self._client.pipeline(transaction=False)
            for key in keys:
                pipeline.hgetall(key)
            kept: Any = pipeline.execute()
        least = self.least_epoch(customer_id)
        found = [(key, _from_fields(fields)) for key, fields in zip(keys, kept, strict=True) if fields]
        live = [(key, s) for key, s in found if s.kind is Kind.SESSION and s.epoch >= least and _awake(s, now)]
        return sorted(live, key=lambda pair: pair[1].seen_at or pair[1].auth_time, reverse=True)

    def end_key(self, key: str) -> None:
        """Ends a session that ``of_customer`` listed."""
        with fail_closed():
            self._client.delete(key)

    def end(self, token: str) -> None:
        """Ends a session; ending one that has ended already changes nothing."""
        if is_token(token):
            with fail_closed():
                self._client.delete(_session_key(token))

    def forget(self, subject: str) -> None:
        """Deletes all sessions of a customer, tokens for a contact change too. The least epoch stays: it only shuts out."""
        index = _index_key(subject)
        with fail_closed():
            keys: Any = self._client.zrange(index, 0, -1)
            self._client.unlink(index, *keys)

    def end_all(self) -> int:
        """Ends every session and forgets what is under way; gives how many. Limits and least epochs stay: they only shut out."""
        ended = 0
        with fail_closed():
            for key in self._client.scan_iter("auth:*", count=_SCAN):
                if not (str(key).startswith("auth:limit:") or str(key).endswith(":epochs")):
                    ended += int(self._client.unlink(key))
        return ended

    def raise_least_epoch(self, customer_id: str, epoch: int) -> None:
        """Kills every session of the customer, or the operator, with a lower epoch. Never lowers it."""
        with fail_closed():
            self._raise(keys=[_epochs_key(_bucket(customer_id))], args=[customer_id, epoch])

    def least_epoch(self, customer_id: str) -> int:
        """The least epoch that a session of the customer may carry."""
        with fail_closed():
            return int(str(self._client.hget(_epochs_key(_bucket(customer_id)), customer_id) or 0))


class Introspection:
    """Looks tokens up on the loop: one round trip, one Lua call, which also starts the idle time anew."""

    def __init__(self, pipe: RedisPipe) -> None:
        self._pipe = pipe
        self._script = Script(_INTROSPECT)

    async def ping(self) -> None:
        """Asks nobody. Raises UNAVAILABLE where Redis doesn't answer."""
        await self.look_up(f"{'0' * _BUCKET}-", datetime.now(UTC))

    async def look_up(self, token: str, now: datetime) -> Session | None:
        """Whom a live token stands for; None: it isn't live."""
        if not is_token(token):
            return None
        try:
            found = await self._pipe.run(self._script, (_session_key(token), _epochs_key(token[:_BUCKET])), (millis(now),))
        except redis.RedisError as error:
            raise unavailable(error) from error
        return _live(tuple(found)) if found else None


def is_token(token: str) -> bool:
    """Whether it has the form of a token."""
    return len(token) <= 64 and token.isascii() and token[_BUCKET : _BUCKET + 1] == "-" and token[:_BUCKET].isalnum()


def _bucket(subject: str) -> str:
    return hashlib.sha256(subject.encode()).hexdigest()[:_BUCKET]


def _session_key(token: str) -> str:
    return f"auth:{{{token[:_BUCKET]}}}:session:{token_digest(token)}"


def key_of(token: str) -> str:
    """The key that a token's session is kept under."""
    return _session_key(token) if is_token(token) else ""


def _awake(session: Session, now: datetime) -> bool:
    return session.expires_at > now and (session.seen_at is None or session.seen_at + session.idle > now)


def _index_key(subject: str) -> str:
    return f"auth:{{{_bucket(subject)}}}:sessions:{token_digest(subject)}"


def _epochs_key(bucket: str) -> str:
    return f"auth:{{{bucket}}}:epochs"


def _to_fields(session: Session, now: datetime) -> dict[str, str | int]:
    return {
        "kind": session.kind.value,
        "customer_id": session.customer_id,
        "epoch": session.epoch,
        "acr": session.acr,
        "amr": " ".join(session.amr),
        "auth_time": millis(session.auth_time),
        "expires_at": millis(session.expires_at),
        "idle": int(session.idle.total_seconds() * 1000),
        "seen_at": millis(now),
        "contact_changed_at": millis(session.contact_changed_at) if session.contact_changed_at else "",
        "claims_held_until": millis(session.claims_held_until) if session.claims_held_until else "",
        "operator_id": session.operator_id,
        "operator_name": session.operator_name,
        "role": session.role,
        "session_id": session.session_id or new_id(),
        "label": session.label,
        "created_at": millis(now),
        "frozen": int(session.frozen),
    }


def _from_fields(fields: Mapping[str, str]) -> Session:
    values = [fields.get(name) for name in _FIELDS]
    return _session(values)._replace(seen_at=_instant(str(values[-1])))


@functools.lru_cache(_KNOWN)
def _live(values: tuple[str, ...]) -> Session:
    """The session that a look-up found. Each page of its person asks again and finds the same values."""
    return _session(values)


def _session(values: Sequence[Any]) -> Session:
    """From the values of ``_FIELDS`` but the last; None where a session is from before the field."""
    kind, customer_id, epoch, acr, amr, auth_time, expires_at, idle, contact_changed_at, held_until, *rest = values
    operator_id, operator_name, role, session_id, label, created_at, frozen = rest[:7]
    return Session(
        Kind(kind),
        customer_id,
        int(epoch),
        acr,
        tuple(amr.split()),
        _instant(auth_time),
        _instant(expires_at),
        timedelta(milliseconds=int(idle)),
        _instant(contact_changed_at) if contact_changed_at else None,
        _instant(held_until) if held_until else None,
        operator_id,
        operator_name,
        role,
        session_id or "",
        label or "",
        _instant(created_at) if created_at else None,
        frozen == "1",
    )


def _instant(at: str) -> datetime:
    return datetime.fromtimestamp(int(at) / 1000, UTC)
