"""Delivers what is queued: at least once, under the same Message-ID, each shard by a thread of its own.

queued --(relay took it)--> SENT
  |--(relay is away: again after 2, 4, 8, 16 s; five tries)--> FAILED
  |--(refused for good, expired before it could go)--> FAILED
  `--(superseded, cancelled, or a decoy's)--> dropped
"""

import contextvars
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Final

from recapito_otp import metrics
from recapito_otp.domain import SHARDS, Channel, Delivery, Message
from recapito_otp.ports import Sender, SendFailed, SendRejected
from recapito_otp.store.redis_jobs import Job, RedisJobs
from recapito_otp.texts import Texts
from recapito_otp.vault import CannotOpen, Vault
from recapito_servicekit import logs, traces
from recapito_servicekit.clock import Clock

log = logs.get(__name__)

TRIES: Final = 5
FIRST_PAUSE: Final = timedelta(seconds=2)
# a notice has nobody who would ask for it again: a relay that is away costs it no try, for as long as an event waits for one
LONGEST_OUTAGE: Final = timedelta(days=1)
AFTER_LOSS_SECONDS: Final = 0.5


class Deliver:
    """Handles one job at a time; thread-safe."""

    def __init__(self, vault: Vault, texts: Texts, senders: Mapping[Channel, Sender], clock: Clock, tries: int = TRIES) -> None:
        self._vault = vault
        self._texts = texts
        self._senders = senders
        self._clock = clock
        self._tries = tries

    def __call__(self, jobs: RedisJobs, job: Job) -> None:
        """Sends the job's message, or notes why not. Raises redis.exceptions.RedisError: the job stays, and comes again."""
        try:
            message = self._vault.open(job.sealed, f"job {job.about}")
        except CannotOpen:
            log.error("a job can't be opened: was the sealing key changed?", about=job.about)
            metrics.DELIVERED.labels("unknown", "unknown", "lost").inc()
            jobs.finish(job, Delivery.FAILED, self._clock(), "CANNOT_OPEN")
            return
        contextvars.copy_context().run(self._deliver, jobs, job, message)

    def _deliver(self, jobs: RedisJobs, job: Job, message: Message) -> None:
        span = traces.enter(f"deliver {message.what}", traces.Kind.CONSUMER, message.request_id, message.traceparent)
        logs.bind(**{"challenge_id" if job.generation else "notice_id": job.about})
        outcome = self._outcome(jobs, job, message)
        metrics.DELIVERED.labels(message.what, message.channel.value, outcome).inc()
        span.end("" if outcome in {"sent", "dropped", "superseded", "cancelled"} else outcome)

    def _outcome(self, jobs: RedisJobs, job: Job, message: Message) -> str:
        if job.tries > self._tries:  # whoever had it in hand died of it, or could not note what became of it
            log.error("a job is given up")
            jobs.finish(job, Delivery.FAILED, self._clock(), "GIVEN_UP")
            return "lost"
        state = jobs.code_state(job) if job.generation else None
        if job.generation and (state is None or state.expires_at < self._clock()):
            jobs.finish(job, Delivery.FAILED, self._clock(), "EXPIRED")
            return "expired"
        if state and state.generation != job.generation:
            jobs.finish(
                job, Delivery.FAILED, self._clock(), "SUPERSEDED"
            )  # noted nowhere: the challenge tells of its newest code alone
            return "superseded"
        if state and state.closed:
            jobs.finish(job, Delivery.FAILED, self._clock(), "CANCELLED")
            return "cancelled"
        if message.decoy or (state and state.approved):
            jobs.finish(
                job, Delivery.SENT, self._clock()
            )  # a decoy looks like a real one to who asks; what was approved had arrived
            return "dropped"
        return self._send(jobs, job, message)

    def _send(self, jobs: RedisJobs, job: Job, message: Message) -> str:
        text = self._texts.render(message, f"{job.about}.{job.generation}")
        try:
            self._senders[message.channel].send(text)
        except SendRejected as error:
            log.warning("message refused", channel=message.channel.value, cause=str(error.__cause__ or error))
            jobs.finish(job, Delivery.FAILED, self._clock(), "REJECTED")
            return "rejected"
        except SendFailed as error:
            log.warning("message not taken", tries=job.tries, cause=str(error.__cause__ or error))
            age = self._clock() - job.queued_at()
            if not job.generation and age < LONGEST_OUTAGE:
                jobs.again_after(job, max(age / 4, FIRST_PAUSE), counts=False)
                return "delayed"
            if job.tries >= self._tries:
                jobs.finish(job, Delivery.FAILED, self._clock(), "UNREACHABLE")
                return "unreachable"
            jobs.again_after(job, FIRST_PAUSE * 2 ** (job.tries - 1))
            return "delayed"
        log.info("message sent", channel=message.channel.value, template=message.template)
        jobs.finish(job, Delivery.SENT, self._clock())
        return "sent"


def work(
    stop: threading.Event, deliver: Deliver, shards: Mapping[int, RedisJobs], failed: Callable[[], None] = lambda: None
) -> None:
    """Delivers from all shards until told to stop. A shard whose Redis is away is tried again and again; ``failed`` is told."""

    def keep(shard: int) -> None:
        while not stop.is_set():
            try:
                job = shards[shard].next()
                if job is not None:
                    deliver(shards[shard], job)
            except Exception as error:  # whatever it was, the job is still in the stream
                log.warning("delivery failed, starts again", shard=shard, error=type(error).__name__)
                failed()
                stop.wait(AFTER_LOSS_SECONDS)

    with ThreadPoolExecutor(SHARDS, thread_name_prefix="deliver") as pool:
        list(pool.map(keep, shards))
