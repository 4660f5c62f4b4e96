"""The outbox keeps the request and the trace that an event comes of."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Events that wait while this runs come of no request."""
    op.add_column("outbox", sa.Column("request_id", sa.String(64), nullable=False, server_default=""))
    op.add_column("outbox", sa.Column("traceparent", sa.String(55), nullable=False, server_default=""))
