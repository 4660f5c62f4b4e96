"""What ``docs/asyncapi.yaml`` (written in the JSON that is YAML too) tells of the events is what the code takes and gives."""

import json
from pathlib import Path
from typing import Any, Final

import pytest
from marshmallow import Schema, fields
from marshmallow.validate import Length, Range

from recapito_contact_change import events
from recapito_servicekit.outbox import Event
from recapito_servicekit.queues import EventSchema, envelope
from tests.unit.contact_change.test_messages import NOW

DOCUMENT: Final[dict[str, Any]] = json.loads((Path(__file__).parents[3] / "docs" / "asyncapi.yaml").read_text())
MESSAGES: Final[dict[str, Any]] = DOCUMENT["components"]["messages"]
ENVELOPE: Final[dict[str, Any]] = DOCUMENT["components"]["messageTraits"]["event"]["headers"]


def resolved(reference: str) -> Any:
    """What a reference within the document leads to."""
    found: Any = DOCUMENT
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found


def described(schema: Schema) -> dict[str, Any]:
    """A marshmallow schema in the document's words."""
    properties: dict[str, Any] = {}
    for name, field in schema.fields.items():
        told: dict[str, Any] = {"type": "integer" if isinstance(field, fields.Integer) else "string"}
        for check in field.validators:
            if isinstance(check, Length):
                told |= {"minLength": check.min, "maxLength": check.max}
            if isinstance(check, Range):
                told |= {"minimum": check.min}
        properties[name] = told
    return {"type": "object", "required": [n for n, f in schema.fields.items() if f.required], "properties": properties}


@pytest.mark.parametrize("type", events.SCHEMAS)
def test_an_events_payload_is_as_described(type: str) -> None:
    payload = MESSAGES[type]["payload"]
    properties = {name: dict(resolved(told["$ref"])) for name, told in payload["properties"].items()}
    for told in properties.values():
        told.pop("description", None)
    assert {**payload, "properties": properties} == described(events.SCHEMAS[type])


def test_no_event_is_left_out_and_none_is_made_up() -> None:
    assert set(MESSAGES) == set(events.SCHEMAS)


def test_each_event_goes_to_the_queue_of_its_channel() -> None:
    queues = {
        message["$ref"].rpartition("/")[2]: channel["address"]
        for channel in DOCUMENT["channels"].values()
        for message in channel["messages"].values()
    }
    assert queues == events.QUEUE_OF


def test_the_envelope_is_as_described() -> None:
    schema = EventSchema()
    assert set(ENVELOPE["required"]) == {name for name, field in schema.fields.items() if field.required} - {"data"}
    assert set(ENVELOPE["properties"]) == set(schema.fields) - {"data"}
    written = envelope(Event("e1", events.NOTICE, "k", {"notice_id": "n"}, NOW, 0, "r", "t"), events.SOURCE)
    assert set(written) == {*ENVELOPE["properties"], "data", "datacontenttype"}
    assert written["source"] == ENVELOPE["properties"]["source"]["const"]
