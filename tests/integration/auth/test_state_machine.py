"""Sign-in, devices, sessions and recovery against a model, driven by hypothesis."""

import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from recapito.auth.v1 import registry_pb2, session_pb2

from recapito_auth.flows.verify_audit import verify_audit
from recapito_auth.store.hashes import Hasher
from recapito_auth.store.tables import ACCOUNTS, CUSTOMERS
from recapito_servicekit.calling import bearer
from recapito_servicekit.errors import Kind
from tests.conftest import SetClock
from tests.integration.auth.service import CHEAP_KIB, CHEAP_PASSES, Auth, refused
from tests.support.redis import RedisServer

DAYS_30 = timedelta(days=30)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
FIRST_PASSWORD = "tre cavalli blu al galoppo"
NETWORKS = ("192.0.2.9", "198.51.100.7")
PICK = st.integers(0, 5)


@dataclass
class Trusted:
    """A device that the customer trusts, since its last code."""

    confirmed: datetime


@dataclass
class Session:
    """A session, live while its epoch is the present one."""

    epoch: int
    created: datetime
    seen: datetime
    code_at: datetime


@dataclass
class Model:
    """What must be true of one customer."""

    username: str
    created: datetime
    password: str = FIRST_PASSWORD
    epoch: int = 1
    failed: int = 0
    last_code: datetime | None = None
    changed: dict[str, datetime] = field(default_factory=dict)
    networks: dict[str, datetime] = field(default_factory=dict)
    devices: dict[str, Trusted] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)

    def reasons(self, now: datetime, token: str, ip: str) -> list[str]:
        first, device = self.last_code is None, self.devices.get(token)
        code_at = device.confirmed if device else self.last_code
        since = self.last_code or self.created
        holds = {
            "FIRST_SIGN_IN": first,
            "UNKNOWN_DEVICE": device is None and not first,
            "NEW_COUNTRY_OR_NETWORK": not first and self.networks.get(ip, LONG_AGO) <= now - DAYS_30,
            "CODE_TOO_OLD": code_at is not None and now - code_at >= DAYS_30,
            "FAILED_ATTEMPTS": self.failed >= 5,
            **{what: what in self.changed and self.changed[what] >= since
               for what in ("CONTACT_CHANGED", "PASSWORD_CHANGED", "RECOVERED")},
        }  # fmt: skip
        return [name for name, value in holds.items() if value]

    def alive(self, session: Session, now: datetime) -> bool:
        idle, whole = timedelta(minutes=30), timedelta(hours=12)
        return session.epoch == self.epoch and session.seen + idle > now and session.created + whole > now

    def end_everything(self) -> None:
        self.epoch += 1
        self.devices.clear()
        self.networks.clear()


class SignIns(RuleBasedStateMachine):
    """One customer of their own for each run; limits are taken away, for they have tests of their own."""

    auth: Auth
    clock: SetClock
    redis: RedisServer
    numbers = itertools.count(1)
    password_hash = Hasher(CHEAP_KIB, CHEAP_PASSES).hash(FIRST_PASSWORD)

    def __init__(self) -> None:
        super().__init__()
        number = next(self.numbers)
        self.customer_id, mobile = f"M{number}", f"+3934{number:08d}"
        with self.auth.database.transaction() as connection:
            row = connection.execute(sa.select(CUSTOMERS).where(CUSTOMERS.c.customer_id == "C1")).mappings().one()
            fresh = {"customer_id": self.customer_id, "mobile": mobile, "email": f"m{number}@example.com", "epoch": 1}
            connection.execute(sa.insert(CUSTOMERS).values({**row, **fresh}))
            connection.execute(
                sa.insert(ACCOUNTS).values(
                    account_id=f"a{number}",
                    customer_id=self.customer_id,
                    username=mobile,
                    password_hash=self.password_hash,
                    registration_digest=f"d{number}",
                    created_at=self.clock.now,
                    wrong_codes=0,
                    failed_passwords=0,
                    contact_change_only=False,
                )
            )
        self.model = Model(mobile, self.clock.now)
        self.recoveries: list[tuple[str, int]] = []
        self.changes: list[tuple[str, str]] = []  # of the mobile: the change's id, and the user name before it

    def no_limits(self) -> None:
        """Codes of before are gone with it, as if each had expired."""
        self.redis.client(0).flushdb()
        store: Any = self.redis.client(1)
        for key in store.scan_iter("auth:limit:*"):
            store.delete(key)

    def live(self) -> list[str]:
        return [token for token, s in self.model.sessions.items() if self.model.alive(s, self.clock.now)]

    @rule(minutes=st.sampled_from([1, 9, 25, 60 * 24 * 11]))
    def forward(self, minutes: int) -> None:
        self.clock.forward(minutes=minutes)

    @rule(right=st.sampled_from([True, True, True, False]), device=PICK, ip=st.sampled_from(NETWORKS), trust=st.booleans())
    def sign_in(self, right: bool, device: int, ip: str, trust: bool) -> None:
        self.no_limits()
        model, now = self.model, self.clock.now
        token = list(model.devices)[device] if device < len(model.devices) else ""
        if not right:
            refusal = refused(lambda: self.auth.password(model.username, "wrong password", ip, device_token=token))
            assert refusal.reason == "SIGN_IN_FAILED"
            model.failed += 1
            return
        reasons = model.reasons(now, token, ip)
        answer = self.auth.password(model.username, model.password, ip, device_token=token)
        if not reasons:
            model.sessions[answer.session.token] = Session(model.epoch, now, now, model.devices[token].confirmed)
            return
        assert list(answer.code_required.reasons) == reasons
        done = self.auth.code(answer.code_required.sign_in_id, self.auth.otp.codes[-1], trust=trust)
        model.sessions[done.session.token] = Session(model.epoch, now, now, now)
        model.last_code, model.failed, model.networks[ip] = now, 0, now
        if trust:
            model.devices.pop(token, None)
            model.devices = {t: d for t, d in model.devices.items() if now - d.confirmed < DAYS_30}
            model.devices[done.device_token] = Trusted(now)

    @precondition(lambda self: self.live())
    @rule(pick=PICK)
    def end_a_session(self, pick: int) -> None:
        tokens = self.live()
        token = tokens[pick % len(tokens)]
        self.auth.accounts.EndSession(session_pb2.EndSessionRequest(token=token))
        del self.model.sessions[token]

    @precondition(lambda self: self.live())
    @rule()
    def end_all_sessions(self) -> None:
        self.auth.accounts.EndAllSessions(session_pb2.EndAllSessionsRequest(), metadata=bearer(self.live()[0]))
        self.model.epoch += 1  # devices and networks stay

    @precondition(lambda self: self.live() and self.model.devices)
    @rule(pick=PICK)
    def forget_a_device(self, pick: int) -> None:
        metadata = bearer(self.live()[0])
        listed = self.auth.accounts.ListDevices(session_pb2.ListDevicesRequest(), metadata=metadata).devices
        young = {t: d for t, d in self.model.devices.items() if self.clock.now - d.confirmed < DAYS_30}
        assert len(listed) == len(young)
        if not listed:
            return
        chosen = listed[pick % len(listed)]
        # all that were trusted at that instant: which token is whose, no answer tells
        for device in listed:
            if device.expires_at == chosen.expires_at:
                forget = session_pb2.ForgetDeviceRequest(device_id=device.device_id)
                self.auth.accounts.ForgetDevice(forget, metadata=metadata)
        confirmed = chosen.expires_at.ToDatetime(tzinfo=UTC) - DAYS_30
        self.model.devices = {t: d for t, d in self.model.devices.items() if d.confirmed != confirmed}

    @precondition(lambda self: self.live())
    @rule(pick=PICK)
    def change_password(self, pick: int) -> None:
        self.no_limits()
        model, now, tokens = self.model, self.clock.now, self.live()
        token = tokens[pick % len(tokens)]
        session, new = model.sessions[token], f"cavallo numero {model.epoch}"
        request = session_pb2.ChangePasswordRequest(old_password=model.password, new_password=new)
        if now - session.code_at > timedelta(minutes=10):
            refusal = refused(lambda: self.auth.accounts.ChangePassword(request, metadata=bearer(token)))
            assert refusal.reason == "STEP_UP_REQUIRED"
            return
        renewed = self.auth.accounts.ChangePassword(request, metadata=bearer(token)).session.token
        model.end_everything()
        model.password, model.changed["PASSWORD_CHANGED"] = new, now
        model.sessions[renewed] = Session(model.epoch, session.created, now, session.code_at)

    @rule()
    def verify_a_recovery(self) -> None:
        self.no_limits()
        recovery_id = self.auth.recover(self.model.username).recovery_id
        while self.auth.recovery_code(recovery_id, self.auth.otp.codes[-1]).HasField("second"):
            pass
        self.recoveries.append((recovery_id, self.model.epoch))

    @precondition(lambda self: self.recoveries)
    @rule(pick=PICK)
    def complete_a_recovery(self, pick: int) -> None:
        recovery_id, epoch = self.recoveries.pop(pick % len(self.recoveries))
        new = f"asino numero {self.model.epoch}"
        if epoch != self.model.epoch:
            assert refused(lambda: self.auth.new_password(recovery_id, new)).reason == "RECOVERY_NOT_VERIFIED"
            return
        self.auth.new_password(recovery_id, new)
        self.model.end_everything()
        self.model.password, self.model.changed["RECOVERED"] = new, self.clock.now

    @rule()
    def change_mobile(self) -> None:
        customer = self.auth.customer(self.customer_id)
        new = f"+39347{self.model.epoch:02d}{int(self.customer_id[1:]):05d}"
        fields = {"customer_id": self.customer_id, "new_mobile": new, "expected_version": customer.version}
        change_id = f"{self.customer_id}-{self.model.epoch}"
        self.auth.change(request_id=change_id, **fields)
        self.changes.append((change_id, self.model.username))
        self.model.end_everything()
        self.model.username, self.model.changed["CONTACT_CHANGED"] = new, self.clock.now

    @precondition(lambda self: self.changes)
    @rule()
    def take_the_last_change_of_mobile_back(self) -> None:
        change_id, before = self.changes.pop()
        self.auth.registry.RevertMobile(registry_pb2.RevertMobileRequest(request_id=f"{change_id}-back", change_id=change_id))
        self.changes.clear()  # what was changed before that one isn't the last any more
        self.model.end_everything()
        self.model.username, self.model.changed["CONTACT_CHANGED"] = before, self.clock.now

    @invariant()
    def sessions_are_as_live_as_the_model_says(self) -> None:
        for token, session in list(self.model.sessions.items()):
            alive = self.model.alive(session, self.clock.now)
            assert self.auth.introspect(token).active == alive
            if alive:
                session.seen = self.clock.now
            else:
                del self.model.sessions[token]


@pytest.mark.timeout(400)
def test_sign_in_devices_and_recovery_follow_the_model(
    auth: Auth, clock: SetClock, redis_server: RedisServer, tmp_path: Path
) -> None:
    SignIns.auth, SignIns.clock, SignIns.redis = auth, clock, redis_server
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    run = settings(max_examples=20, stateful_step_count=15, deadline=None, suppress_health_check=checks, database=None)
    run_state_machine_as_test(SignIns, settings=run)
    assert verify_audit(auth.database, None).broken_at is None
    assert refused(lambda: auth.customer("M0")).kind is Kind.NOT_FOUND
