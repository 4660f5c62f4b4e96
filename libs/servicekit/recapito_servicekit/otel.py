"""Spans to an OpenTelemetry collector, by OTLP over HTTP: for those who installed ``recapito-servicekit[otel]``.

Imported only where RECAPITO_OTLP_ENDPOINT is set. A span holds its name, its times and how it failed, and nothing of a person.
"""

import functools
from typing import Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from recapito_servicekit import traces

DELAY_MS: Final = 1_000
_KINDS: Final = {traces.Kind.SERVER: trace.SpanKind.SERVER, traces.Kind.CONSUMER: trace.SpanKind.CONSUMER}
_SAMPLED: Final = trace.TraceFlags(trace.TraceFlags.SAMPLED)


def install(endpoint: str, service: str) -> None:
    """Sends every span from now on. What can't be sent is dropped after a while: no work waits for a collector."""
    provider = TracerProvider(resource=Resource.create({"service.name": f"recapito-{service}"}))
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=DELAY_MS))
    traces.record_with(functools.partial(_start, provider.get_tracer("recapito")))


def _start(tracer: trace.Tracer, name: str, kind: traces.Kind, parent: tuple[str, str] | None) -> traces.Recorded:
    context = Context()
    if parent is not None:
        above = trace.SpanContext(int(parent[0], 16), int(parent[1], 16), is_remote=True, trace_flags=_SAMPLED)
        context = trace.set_span_in_context(trace.NonRecordingSpan(above), context)
    return _Recorded(tracer.start_span(name, context, _KINDS[kind]))


class _Recorded:
    def __init__(self, span: trace.Span) -> None:
        self._span = span
        found = span.get_span_context()
        self.trace_id = trace.format_trace_id(found.trace_id)
        self.span_id = trace.format_span_id(found.span_id)

    def end(self, error: str = "") -> None:
        """It is over, and goes out with the next batch."""
        if error:
            self._span.set_status(trace.Status(trace.StatusCode.ERROR, error))
        self._span.end()
