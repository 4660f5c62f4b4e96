"""Trusted devices and known networks in SQL."""

from datetime import datetime

import sqlalchemy as sa

from recapito_auth.domain.devices import Device
from recapito_auth.store.tables import CUSTOMERS, DEVICES, NETWORKS

_COLUMNS = [DEVICES.c[name] for name in Device.__dataclass_fields__]
_KNOWN = sa.select(NETWORKS.c.network).where(
    NETWORKS.c.customer_id == sa.bindparam("customer"),
    NETWORKS.c.network == sa.bindparam("wanted"),
    NETWORKS.c.confirmed_at > sa.bindparam("since"),
)
_FORGET = sa.delete(NETWORKS).where(
    NETWORKS.c.customer_id == sa.bindparam("customer"),
    sa.or_(NETWORKS.c.network == sa.bindparam("wanted"), NETWORKS.c.confirmed_at <= sa.bindparam("since")),
)
_CONFIRM = sa.insert(NETWORKS)
_LIVE = sa.select(*_COLUMNS).join(CUSTOMERS, CUSTOMERS.c.customer_id == DEVICES.c.customer_id).where(
    DEVICES.c.epoch == CUSTOMERS.c.epoch
)  # fmt: skip


def by_token(connection: sa.Connection, token_digest: str) -> Device | None:
    """The device with that token, outlived or not; None: unknown, or its customer's epoch rose since."""
    row = connection.execute(_LIVE.where(DEVICES.c.token_digest == token_digest)).mappings().first()
    return Device(**row) if row is not None else None


def of_customer(connection: sa.Connection, customer_id: str, now: datetime) -> list[Device]:
    """The devices that a customer trusts, the last used first."""
    rows = connection.execute(
        _LIVE.where(DEVICES.c.customer_id == customer_id, DEVICES.c.expires_at > now).order_by(DEVICES.c.last_used_at.desc())
    )
    return [Device(**row) for row in rows.mappings()]


def trust(connection: sa.Connection, device: Device, token_digest: str) -> None:
    """Keeps a device under a new token; one that was known before loses the token that it had. Outlived ones are forgotten."""
    values = {name: getattr(device, name) for name in Device.__dataclass_fields__} | {"token_digest": token_digest}
    connection.execute(
        sa.delete(DEVICES).where(DEVICES.c.customer_id == device.customer_id, DEVICES.c.expires_at <= device.confirmed_at)
    )
    kept = {name: value for name, value in values.items() if name != "created_at"}
    renewed = connection.execute(sa.update(DEVICES).where(DEVICES.c.device_id == device.device_id).values(kept))
    if not renewed.rowcount:
        connection.execute(sa.insert(DEVICES).values(values))


def used(connection: sa.Connection, device_id: str, at: datetime) -> bool:
    """Notes that a device opened a session. False: it was forgotten meanwhile."""
    noted = connection.execute(sa.update(DEVICES).where(DEVICES.c.device_id == device_id).values(last_used_at=at))
    return noted.rowcount == 1


def forget(connection: sa.Connection, customer_id: str, device_id: str) -> bool:
    """Trusts a device no more. False: the customer has no such device."""
    gone = connection.execute(sa.delete(DEVICES).where(DEVICES.c.device_id == device_id, DEVICES.c.customer_id == customer_id))
    return gone.rowcount == 1


def forget_all(connection: sa.Connection, customer_id: str) -> None:
    """Trusts none of the customer's devices any more, and knows none of the networks."""
    connection.execute(sa.delete(DEVICES).where(DEVICES.c.customer_id == customer_id))
    connection.execute(sa.delete(NETWORKS).where(NETWORKS.c.customer_id == customer_id))


def carry_on(connection: sa.Connection, customer_id: str, epoch: int) -> None:
    """Lets the customer's devices live on although the epoch rose to ``epoch``."""
    connection.execute(
        sa.update(DEVICES).where(DEVICES.c.customer_id == customer_id, DEVICES.c.epoch == epoch - 1).values(epoch=epoch)
    )


def knows_network(connection: sa.Connection, customer_id: str, network: str, since: datetime) -> bool:
    """Whether the customer gave a right code from that network since."""
    return connection.execute(_KNOWN, {"customer": customer_id, "wanted": network, "since": since}).first() is not None


def confirm_network(connection: sa.Connection, customer_id: str, network: str, at: datetime, since: datetime) -> None:
    """Notes that a right code came from there; what was confirmed before ``since`` is forgotten. The customer must be locked."""
    connection.execute(_FORGET, {"customer": customer_id, "wanted": network, "since": since})
    connection.execute(_CONFIRM, {"customer_id": customer_id, "network": network, "confirmed_at": at})
