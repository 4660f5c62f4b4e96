"""The least that Python can do for a sign-in with a code as the contract has it: auth's composed floor (``bench.servers``).

Two RPCs over mTLS, each with a call of its own to otp's composed floor; the hash by a thread a core; attempts counted by address
and by name before it; three look-ups by raw sqlite3 on the loop, two durable transactions with a record of the audit's chain each
in one more thread; what is under way, the token for a contact change and the session in Redis by the real scripts. Nothing is
checked, decided, converted, measured or traced, nothing but success is foreseen, and no row is read again after the hash.
"""

import asyncio
import hashlib
import json
import os
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import grpc
from argon2 import PasswordHasher
from recapito.auth.v1 import authentication_pb2, authentication_pb2_grpc
from recapito.otp.v1 import otp_pb2, otp_pb2_grpc

from bench import people
from recapito_auth.store import limits, sessions
from recapito_servicekit.ids import new_id, new_token, token_digest

CUSTOMERS: Final = "BENCH_CUSTOMERS"
_PURPOSE: Final = "floor"  # ours count their own sends to the same mobiles
SCRIPTS: Final = (limits._ATTEMPT, sessions._OPEN)
_TABLES: Final = """
PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
CREATE TABLE accounts (customer TEXT PRIMARY KEY, username TEXT UNIQUE, hash TEXT, epoch INT, last_code_at INT, failed INT);
CREATE TABLE networks (customer TEXT, network TEXT, at INT, PRIMARY KEY (customer, network));
CREATE TABLE audit (seq INTEGER PRIMARY KEY, at INT, event TEXT, customer TEXT, body TEXT, hash TEXT);
CREATE INDEX audit_customer ON audit (customer, seq);
CREATE TABLE head (id INTEGER PRIMARY KEY, seq INT, hash TEXT);
INSERT INTO head VALUES (1, 0, '');
"""


class Accounts:
    """Raw sqlite3: a connection to read by, and one for the thread that writes."""

    def __init__(self, file: Path, hash: str) -> None:
        self.thread = ThreadPoolExecutor(1)
        self._sql = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        self._read = sqlite3.connect(file, isolation_level=None)
        self._sql.executescript(_TABLES)
        rows = [(f"C{number}", people.mobile(number), hash, 0, 0, 0) for number in range(int(os.environ[CUSTOMERS]))]
        self._sql.execute("BEGIN")
        self._sql.executemany("INSERT INTO accounts VALUES (?, ?, ?, ?, ?, ?)", rows)
        self._sql.execute("COMMIT")

    def by_username(self, username: str) -> Any:
        return self._read.execute("SELECT * FROM accounts WHERE username = ?", (username,)).fetchone()

    def knows(self, customer: str, network: str) -> Any:
        return self._read.execute("SELECT at FROM networks WHERE customer = ? AND network = ?", (customer, network)).fetchone()

    def by_customer(self, customer: str) -> Any:
        return self._read.execute("SELECT * FROM accounts WHERE customer = ?", (customer,)).fetchone()

    def note(self, event: str, customer: str) -> None:
        self._sql.execute("BEGIN IMMEDIATE")
        self._append(event, customer)
        self._sql.execute("COMMIT")

    def signed_in(self, customer: str, network: str) -> None:
        now = int(time.time() * 1000)
        self._sql.execute("BEGIN IMMEDIATE")
        self._sql.execute("UPDATE accounts SET last_code_at = ?, failed = 0 WHERE customer = ?", (now, customer))
        self._sql.execute("INSERT OR REPLACE INTO networks VALUES (?, ?, ?)", (customer, network, now))
        self._append("SIGNED_IN", customer)
        self._sql.execute("COMMIT")

    def _append(self, event: str, customer: str) -> None:
        seq, before = self._sql.execute("SELECT seq + 1, hash FROM head WHERE id = 1").fetchone()
        now = int(time.time() * 1000)
        body = json.dumps({"seq": seq, "at": now, "event": event, "customer": customer, "prev": before})
        hash = hashlib.sha256(body.encode()).hexdigest()
        self._sql.execute("INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?)", (seq, now, event, customer, body, hash))
        self._sql.execute("UPDATE head SET seq = ?, hash = ? WHERE id = 1", (seq, hash))


class SignInComposed(authentication_pb2_grpc.AuthenticationServiceServicer):
    """Signs in whoever has the right password and the right code."""

    def __init__(self, pipe: Any, scripts: list[str], credentials: grpc.ChannelCredentials) -> None:
        self._pipe = pipe
        self._attempt, self._open = scripts
        cores = os.cpu_count() or 1
        self._hashing = ThreadPoolExecutor(cores)
        self._argon2 = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
        file = os.environ["RECAPITO_DATABASE_URL"].removeprefix("sqlite:///")
        self._accounts = Accounts(Path(file), self._argon2.hash(people.PASSWORD))
        self._otp = otp_pb2_grpc.OtpServiceStub(grpc.aio.secure_channel(os.environ["RECAPITO_OTP_ADDRESS"], credentials))

    def _write(self, change: Callable[..., None], *told: str) -> "asyncio.Future[None]":
        return asyncio.get_running_loop().run_in_executor(self._accounts.thread, change, *told)

    async def SignIn(self, request: Any, context: Any) -> authentication_pb2.SignInResponse:
        call, now = self._pipe.call, int(time.time() * 1000)
        for counted in (request.client.ip, request.username):
            await call("EVALSHA", self._attempt, 1, f"floor:limit:{counted}", 1_000, 300_000, now, new_id())
        account = self._accounts.by_username(request.username)
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._hashing, self._argon2.verify, account[2], request.password)
        self._accounts.knows(account[0], request.client.ip)
        asked = otp_pb2.IssueChallengeRequest(
            request_id=new_id(),
            subject=account[0],
            purpose=_PURPOSE,
            channel=otp_pb2.CHANNEL_SMS,
            destination=request.username,
            locale="it",
            client=request.client,
        )
        challenge = (await self._otp.IssueChallenge(asked)).challenge
        await self._write(self._accounts.note, "SIGN_IN_CODE_ASKED", account[0])
        id = new_token()
        kept = json.dumps({"customer": account[0], "challenge": challenge.challenge_id, "network": request.client.ip})
        started = call("SET", f"floor:{token_digest(id)}", kept, "PX", 600_000)
        token = await self._opened(account[0], now)
        await started
        required = authentication_pb2.SignInResponse.CodeRequired(sign_in_id=id, contact_change_token=token)
        return authentication_pb2.SignInResponse(code_required=required)

    async def CompleteSignIn(self, request: Any, context: Any) -> authentication_pb2.CompleteSignInResponse:
        call, now = self._pipe.call, int(time.time() * 1000)
        key = f"floor:{token_digest(request.sign_in_id)}"
        state = json.loads(await call("GET", key))
        account = self._accounts.by_customer(state["customer"])
        asked = otp_pb2.CheckChallengeRequest(
            challenge_id=state["challenge"], subject=account[0], purpose=_PURPOSE, code=request.code
        )
        found = await self._otp.CheckChallenge(asked)
        await self._write(self._accounts.signed_in, account[0], state["network"])
        ended = call("DEL", key)
        token = await self._opened(account[0], now)
        await ended
        return authentication_pb2.CompleteSignInResponse(outcome=found.outcome, session=authentication_pb2.Session(token=token))

    async def _opened(self, customer: str, now: int) -> str:
        token = new_token()
        given = 1_800_000, now, now + 43_200_000, "kind", "SESSION", "customer_id", customer, "epoch", 0, "acr", "recapito:aal2"
        keys = f"floor:session:{token_digest(token)}", f"floor:sessions:{customer}"
        await self._pipe.call("EVALSHA", self._open, 2, *keys, *given)
        return token
