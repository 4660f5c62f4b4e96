"""The doctor before real parts, whole and broken."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

import recapito_contact_change
from recapito_servicekit import doctor, serving, sql
from recapito_servicekit.clock import system_clock
from recapito_servicekit.doctor import Finding, Level, broker, certificates, peers
from recapito_servicekit.doctor import redis as doctor_redis
from recapito_servicekit.doctor import sql as doctor_sql
from recapito_servicekit.mail import MailSettings
from recapito_servicekit.outbox import Outbox, outbox_table
from recapito_servicekit.queues import Consumer, connect, queue
from recapito_servicekit.settings import BadSettings, CommonSettings, ServerSettings, load
from tests.conftest import SetClock
from tests.support.pki import Pki
from tests.support.ports import free_port
from tests.support.redis import RedisServer
from tests.support.serving import ServerThread, server_environment
from tests.support.smtp import SmtpSink

PACKAGE = Path(recapito_contact_change.__file__).parent


def levels(findings: Iterable[Finding]) -> list[Level]:
    return [finding.level for finding in findings]


def worst(findings: Iterable[Finding]) -> Finding:
    """The only finding that isn't ok."""
    found = [finding for finding in findings if finding.level is not Level.OK]
    assert len(found) == 1, found
    assert found[0].advice
    return found[0]


def common(pki: Pki, name: str, **more: str) -> CommonSettings:
    return load(CommonSettings, name, {"RECAPITO_ENVIRONMENT": "development", **pki.files(name), **more})


# --- certificates ---


def test_good_certificate_is_ok(pki: Pki) -> None:
    assert set(levels(certificates.certificate(common(pki, "auth"), "auth", system_clock()))) == {Level.OK}


def test_certificate_of_another_ca_fails(pki: Pki) -> None:
    found = worst(certificates.certificate(common(pki, "forged-portal"), "portal", system_clock()))
    assert "not issued by the CA" in found.text


def test_certificate_of_another_name_fails(pki: Pki) -> None:
    found = worst(certificates.certificate(common(pki, "otp"), "auth", system_clock()))
    assert (found.level, "'otp', not 'auth'" in found.text) == (Level.FAIL, True)


def test_key_of_another_certificate_fails(pki: Pki) -> None:
    settings = common(pki, "auth", RECAPITO_TLS_KEY_FILE=str(pki.folder / "otp-key.pem"))
    assert "not the key" in worst(certificates.certificate(settings, "auth", system_clock())).text


@pytest.mark.parametrize(
    ("days", "level", "text"),
    [(390, Level.WARN, "expires on"), (401, Level.FAIL, "expired on"), (-401, Level.FAIL, "holds only from")],
)
def test_certificate_s_end_is_told(pki: Pki, days: int, level: Level, text: str) -> None:
    found = [
        each
        for each in certificates.certificate(common(pki, "auth"), "auth", system_clock() + timedelta(days=days))
        if each.level is not Level.OK
    ]
    assert [each.level for each in found] == [level, level]  # its own, and the CA's
    assert all(text in each.text for each in found)


def test_certificate_that_is_not_there_fails(pki: Pki) -> None:
    settings = common(pki, "auth", RECAPITO_TLS_CERT_FILE="/not/there.pem")
    assert "can't be read: No such file" in worst(certificates.certificate(settings, "auth", system_clock())).text


# --- the database ---


def test_database_without_migrations_fails_until_they_ran(database_url: str) -> None:
    found = worst(doctor_sql.database(database_url, PACKAGE, "contact-change", system_clock))
    assert found.level is Level.FAIL
    assert found.advice.startswith("run recapito-contact-change migrate")
    sql.migrate(database_url, PACKAGE)
    assert set(levels(doctor_sql.database(database_url, PACKAGE, "contact-change", system_clock))) == {Level.OK}


def test_database_at_an_older_schema_fails(database_url: str) -> None:
    newest = sql.migrate(database_url, PACKAGE)
    with sa.create_engine(database_url).begin() as tx:
        tx.execute(sa.text("UPDATE alembic_version SET version_num = '0001'"))
    assert (
        f"at 0001, this program needs {newest}"
        in worst(doctor_sql.database(database_url, PACKAGE, "contact-change", system_clock)).text
    )


def test_database_that_is_away_fails_and_tells_no_password() -> None:
    url = f"postgresql://recapito:hunter2@127.0.0.1:{free_port()}/recapito"
    found = worst(doctor_sql.database(url, PACKAGE, "contact-change", system_clock))
    assert found.level is Level.FAIL
    assert "hunter2" not in found.text + found.advice


# --- redis ---


@pytest.fixture
def durable_url(redis_server: RedisServer) -> Iterator[str]:
    client = redis_server.client()
    client.config_set("appendfsync", "always")
    yield redis_server.url()
    client.config_set("appendfsync", "everysec")


def test_redis_that_keeps_what_it_is_given_is_ok(durable_url: str) -> None:
    assert set(levels(doctor_redis.store(durable_url, system_clock))) == {Level.OK}


def test_redis_that_answers_before_its_disk_has_it_is_warned_of(redis_url: str) -> None:
    found = worst(doctor_redis.store(redis_url, system_clock))
    assert found.level is Level.WARN
    assert "everysec" in found.text


def test_redis_that_forgets_fails(redis_server: RedisServer) -> None:
    client = redis_server.client()
    client.config_set("appendonly", "no")
    client.config_set("maxmemory-policy", "allkeys-lru")
    try:
        found = list(doctor_redis.store(redis_server.url(), system_clock))
    finally:
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("appendonly", "yes")
    assert levels(found) == [Level.OK, Level.OK, Level.FAIL, Level.FAIL]


def test_clock_that_is_off_is_told(durable_url: str, clock: SetClock) -> None:
    clock.now = system_clock() + timedelta(seconds=10)
    assert worst(doctor_redis.store(durable_url, clock)).level is Level.WARN
    clock.now = system_clock() - timedelta(minutes=5)
    found = worst(doctor_redis.store(durable_url, clock))
    assert (found.level, "behind Redis's" in found.text) == (Level.FAIL, True)


def test_redis_that_is_away_or_refuses_us_fails(redis_server: RedisServer) -> None:
    away = f"redis://:hunter2@127.0.0.1:{free_port()}/0"
    wrong = redis_server.url().replace(redis_server.password, "hunter2")
    for url in (away, wrong):
        found = worst(doctor_redis.store(url, system_clock))
        assert found.level is Level.FAIL
        assert "hunter2" not in found.text


# --- the broker ---


@contextmanager
def consuming(url: str, name: str, database_url: str) -> Iterator[None]:
    stop = threading.Event()
    database = sql.Database(database_url, 1)
    consumer = Consumer(database, Outbox(outbox_table(sa.MetaData())), url, name, {}, system_clock)
    thread = threading.Thread(target=consumer.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(60)
        database.close()


def until(look: Callable[[], list[Level]], wanted: list[Level]) -> None:
    """A consumer needs a moment to connect."""
    for _ in range(50):
        if (found := look()) == wanted:
            break
    assert found == wanted


def test_queue_without_a_consumer_fails(redis_server: RedisServer, database_url: str) -> None:
    url = redis_server.url(1)
    with connect(url) as connection:
        connection.Producer().maybe_declare(queue("doctor.q"))
    found = worst(broker.queues(url, ["doctor.q"], "contact-change"))
    assert found == Finding(
        Level.FAIL,
        "nobody consumes the queue doctor.q: its events wait",
        "run recapito-contact-change work, and look at its log",
    )
    with consuming(url, "doctor.q", database_url):
        until(lambda: levels(broker.queues(url, ["doctor.q"], "contact-change")), [Level.OK, Level.OK])


def test_broker_that_is_away_fails_and_tells_no_password() -> None:
    for scheme in ("redis", "amqp"):
        found = worst(broker.queues(f"{scheme}://u:hunter2@127.0.0.1:{free_port()}/1", ["q"], "contact-change"))
        assert found.level is Level.FAIL
        assert "hunter2" not in found.text


# --- others ---


def server(pki: Pki, port: int, **more: str) -> ServerSettings:
    return load(ServerSettings, "x", {**server_environment(pki, "otp", port), **more})


def test_service_that_serves_is_ok_one_that_is_away_fails(pki: Pki) -> None:
    port = free_port()

    async def wire() -> serving.Wiring:
        return serving.Wiring(add=lambda _: None, services=[])

    running = ServerThread(server(pki, port), wire)
    try:
        assert levels(peers.services(common(pki, "auth"), {"otp": f"localhost:{port}"})) == [Level.OK]
        forged = common(pki, "forged-portal")
        assert worst(peers.services(forged, {"otp": f"localhost:{port}"})).level is Level.FAIL
    finally:
        running.stop()
    found = worst(peers.services(common(pki, "auth"), {"otp": f"localhost:{free_port()}"}))
    assert "can't be reached" in found.text


def test_service_that_is_not_ready_fails(pki: Pki) -> None:
    port = free_port()

    async def never() -> bool:
        return False

    async def wire() -> serving.Wiring:
        return serving.Wiring(add=lambda _: None, services=[], ready=never)

    running = ServerThread(server(pki, port), wire)
    try:
        assert "not ready" in worst(peers.services(common(pki, "auth"), {"otp": f"localhost:{port}"})).text
    finally:
        running.stop()


def test_callers_of_rpcs_that_do_not_exist_fail(pki: Pki, tmp_path: Path) -> None:
    assert levels(peers.callers(server(pki, 1))) == [Level.OK]  # deploy/callers.toml
    file = tmp_path / "callers.toml"
    file.write_text('["recapito.otp.v1.OtpService/IssueChalenge"]\nauth = {purposes = ["sign_in"]}\n')
    found = worst(peers.callers(server(pki, 1, RECAPITO_CALLERS_FILE=str(file))))
    assert "OtpService/IssueChalenge, and there is no such RPC" in found.text
    file.write_text("[")
    assert worst(peers.callers(server(pki, 1, RECAPITO_CALLERS_FILE=str(file)))).level is Level.FAIL


def test_folder_that_cannot_be_written_to_fails(tmp_path: Path) -> None:
    assert levels(peers.folder(tmp_path / "blobs")) == [Level.OK]
    (tmp_path / "file").touch()
    assert worst(peers.folder(tmp_path / "file" / "blobs")).level is Level.FAIL


def test_relay_that_is_away_or_speaks_no_tls_fails(mailbox: SmtpSink) -> None:
    assert levels(peers.relay(load(MailSettings, "x", mailbox.settings() | {"RECAPITO_ENVIRONMENT": "development"}))) == [
        Level.OK
    ]
    assert "STARTTLS" in worst(peers.relay(load(MailSettings, "x", {**mailbox.settings(), "RECAPITO_SMTP_STARTTLS": "1"}))).text
    away = {"RECAPITO_SMTP_HOST": "127.0.0.1", "RECAPITO_SMTP_PORT": str(free_port())}
    assert "can't be reached" in worst(peers.relay(load(MailSettings, "x", away))).text


# --- all of it ---


def test_report_names_every_wrong_setting_and_fails(capsys: pytest.CaptureFixture[str]) -> None:
    def checks() -> list[tuple[str, doctor.Check]]:
        raise BadSettings("RECAPITO_A: missing", "RECAPITO_B: missing")

    assert doctor.examine(checks) == 1
    assert [line[:26] for line in capsys.readouterr().out.splitlines()] == [
        "FAIL  settings: RECAPITO_A",
        "FAIL  settings: RECAPITO_B",
    ]


def test_report_ends_well_with_warnings_and_not_with_a_check_that_breaks(capsys: pytest.CaptureFixture[str]) -> None:
    def broken() -> Iterator[Finding]:
        yield doctor.warn("it is old", "renew it")
        raise RuntimeError("hunter2")

    assert doctor.examine(lambda: [("thing", lambda: [doctor.warn("it is old", "renew it")])]) == 0
    assert doctor.examine(lambda: [("thing", broken)]) == 1
    out = capsys.readouterr().out
    assert "WARN  thing: it is old -> renew it\n" in out
    assert "hunter2" not in out


def test_clocks_are_compared_both_ways() -> None:
    at = datetime(2026, 11, 22, tzinfo=UTC)
    found = [peers.clock("x", at, at + timedelta(seconds=off)).level for off in (-31, -3, -1, 1, 3, 31)]
    assert found == [Level.FAIL, Level.WARN, Level.OK, Level.OK, Level.WARN, Level.FAIL]
