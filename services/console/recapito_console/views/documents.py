"""The documents' pages as images, handed through from the contact-change service and kept nowhere."""

from collections.abc import Iterator
from typing import Any, Final

import grpc
from flask import Blueprint, Response
from recapito.contact_change.v1 import review_pb2

from recapito_console.backend import ask, backend, told
from recapito_console.views.session import demand_token
from recapito_servicekit.errors import Kind, Refusal, not_found
from recapito_servicekit.status import refusal_from

IMAGES: Final = frozenset({"image/jpeg", "image/png"})

pages = Blueprint("documents", __name__)
pages.before_request(demand_token)


@pages.get("/casi/<case_id>/documenti/<document_id>/<int:page>")
def show(case_id: str, document_id: str, page: int) -> Response:
    """A page's image, streamed. Anything but a JPEG or PNG is not handed on. The service notes the view."""
    if not 1 <= page <= 100:
        raise not_found("page")
    pieces = ask(
        backend().reviews.ReadDocument,
        review_pb2.ReadDocumentRequest(case_id=case_id, document_id=document_id, page=page),
    )
    try:
        media_type = next(pieces).media_type
    except grpc.RpcError as error:
        raise told(refusal_from(error)) from None
    if media_type not in IMAGES:
        pieces.cancel()
        raise Refusal(Kind.INTERNAL, "NOT_AN_IMAGE", "a document's page came as something else than an image")
    headers = {
        "Content-Disposition": "inline",
        "Cross-Origin-Resource-Policy": "same-origin",
        # the browser's own viewer styles the image that stands alone in a tab
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    }
    return Response(_bytes(pieces), mimetype=media_type, headers=headers)


def _bytes(pieces: Any) -> Iterator[bytes]:
    for piece in pieces:
        yield piece.chunk
