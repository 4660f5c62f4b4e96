"""What is looked up by a contact or a name is found by an index, so that ten million customers cost what ten thousand do."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from recapito_auth.domain.customers import PersonType
from recapito_auth.store import accounts, customers, devices
from recapito_auth.store.customers import Wanted
from recapito_auth.store.tables import CUSTOMERS
from recapito_servicekit.sql import Database
from tests.integration.auth.service import Auth

MANY = 3_000


@pytest.fixture
def database(auth: Auth) -> Database:
    """Enough customers for a planner to prefer an index, with its statistics."""
    with auth.database.transaction() as connection:
        row = connection.execute(sa.select(CUSTOMERS).where(CUSTOMERS.c.customer_id == "C1")).mappings().one()
        rows = [
            {**row, "customer_id": f"M{n}", "mobile": f"+3934{n:08d}", "email": f"m{n}@example.com", "codice_fiscale": f"CF{n}",
             "family_folded": f"family{n}"}
            for n in range(MANY)
        ]  # fmt: skip
        connection.execute(sa.insert(CUSTOMERS), rows)
        connection.exec_driver_sql("ANALYZE")
    return auth.database


LOOKUPS: dict[str, Callable[[sa.Connection], Any]] = {
    "match by mobile": lambda c: customers.by_name_and_contact(c, PersonType.PERSON, "family7", "+393400000007"),
    "match by email": lambda c: customers.by_name_and_contact(c, PersonType.PERSON, "family7", "m7@example.com"),
    "find by mobile": lambda c: customers.find(c, Wanted("+393400000007"), 51),
    "find by email": lambda c: customers.find(c, Wanted("m7@example.com"), 51),
    "find by codice fiscale": lambda c: customers.find(c, Wanted(codice_fiscale="CF7"), 51),
    "find by family name": lambda c: customers.find(c, Wanted(family_folded="family7"), 51),
    "by id": lambda c: customers.by_id(c, "M7"),
    "account by user name": lambda c: accounts.by_username(c, "m7@example.com"),
    "account by customer": lambda c: accounts.by_customer(c, "M7"),
    "device by token": lambda c: devices.by_token(c, "d" * 64),
}


@pytest.mark.parametrize("name", LOOKUPS)
def test_lookup_reads_no_whole_table(database: Database, name: str) -> None:
    asked: list[tuple[str, Any]] = []

    def note(connection: object, cursor: object, statement: str, parameters: object, *_: object) -> None:
        asked.append((statement, parameters))

    with database.read() as connection:
        sa.event.listen(connection, "before_cursor_execute", note)
        LOOKUPS[name](connection)
        sa.event.remove(connection, "before_cursor_execute", note)
        (statement, parameters) = asked[-1]
        sqlite = connection.dialect.name == "sqlite"
        explain = "EXPLAIN QUERY PLAN " if sqlite else "EXPLAIN "
        cursor = connection.connection.cursor()
        if not sqlite:  # a small table is read whole all the same; without that, only one that has no index for it
            cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(explain + statement, parameters)
        plan = "\n".join(str(row) for row in cursor.fetchall())
    assert "INDEX" in plan.upper(), plan
    assert not re.search(r"SCAN (customers|accounts|devices)|Seq Scan", plan), plan
