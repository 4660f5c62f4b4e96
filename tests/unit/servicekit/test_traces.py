"""What a piece of work carries on: the request's id and the trace."""

import contextvars
import json
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from recapito_servicekit import lines, traces
from recapito_servicekit.outbox import Event, Outbox, outbox_table
from recapito_servicekit.queues import EventSchema, envelope

PARENT = f"00-{'a' * 32}-{'b' * 16}-01"
AT = datetime(2026, 11, 22, tzinfo=UTC)


def test_what_came_with_a_call_goes_on() -> None:
    def work() -> None:
        traces.enter("x", traces.Kind.SERVER, "r1", PARENT)
        trace = traces.current()
        assert trace is not None
        assert (trace.request_id, trace.trace_id) == ("r1", "a" * 32)
        assert trace.span_id != "b" * 16
        assert dict(traces.metadata()) == {"x-request-id": "r1", "traceparent": f"00-{'a' * 32}-{trace.span_id}-01"}
        assert lines.bound() == {"request_id": "r1", "trace_id": "a" * 32}

    around = contextvars.Context()
    around.run(lambda: contextvars.copy_context().run(work))
    assert around.run(traces.current) is None


@pytest.mark.parametrize(
    "given",
    [
        "",
        "nonsense",
        f"00-{'0' * 32}-{'b' * 16}-01",
        f"00-{'a' * 32}-{'0' * 16}-01",
        f"01-{'a' * 32}-{'b' * 16}-01",
        PARENT.upper(),
    ],
)
def test_trace_begins_where_none_can_be_read(given: str) -> None:
    def work() -> traces.Trace | None:
        traces.enter("x", traces.Kind.SERVER, "", given)
        return traces.current()

    trace = contextvars.copy_context().run(work)
    assert trace is not None
    assert len(trace.trace_id) == len(trace.request_id) == 32
    assert trace.trace_id not in {"0" * 32, "a" * 32}


def test_event_carries_the_request_that_it_comes_of_as_cloudevents_attributes() -> None:
    event = Event("e1", "t", "k", {}, AT, request_id="r1", traceparent=PARENT)
    written = envelope(event, "test")
    assert (written["requestid"], written["traceparent"]) == ("r1", PARENT)
    assert all(name.isalnum() and name == name.lower() for name in written)  # CloudEvents 1.0, naming
    read = EventSchema().loads(json.dumps(written))
    assert (read["requestid"], read["traceparent"]) == ("r1", PARENT)
    bare = envelope(Event("e1", "t", "k", {}, AT), "test")
    assert not {"requestid", "traceparent"} & set(bare)
    assert EventSchema().loads(json.dumps(bare))["traceparent"] == ""


def test_event_that_follows_continues_the_trace_of_its_key_with_its_own_request() -> None:
    metadata = sa.MetaData()
    outbox = Outbox(outbox_table(metadata))
    engine = sa.create_engine("sqlite://")
    metadata.create_all(engine)

    def write(tx: sa.Connection, request_id: str, key: str, follow: bool) -> None:
        traces.enter("x", traces.Kind.SERVER, request_id)
        outbox.add(tx, "t", key, {}, AT, follow=follow)

    with engine.begin() as tx:
        for request_id, key, follow in (("r1", "k", True), ("r2", "k", True), ("r3", "k", False), ("r4", "other", True)):
            contextvars.copy_context().run(write, tx, request_id, key, follow)
        rows = tx.execute(sa.select(metadata.tables["outbox"]).order_by(sa.text("seq"))).all()
    assert [row.request_id for row in rows] == ["r1", "r2", "r3", "r4"]
    assert rows[0].traceparent == rows[1].traceparent
    assert len({row.traceparent for row in rows}) == 3
