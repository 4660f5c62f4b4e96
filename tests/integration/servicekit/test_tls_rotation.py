"""Certificates and the CA are changed under running servers."""

import shutil
import threading
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.support.pki import Pki
from tests.support.ports import free_port
from tests.support.serving import ServiceProcess, channel_as, server_environment, wait_serving

OTP = {"RECAPITO_OTP_PEPPER": "pepper", "RECAPITO_OTP_SEAL_KEY": "b" * 43 + "="}


def ask(channel: grpc.Channel) -> None:
    answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=30)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


def put(own: Pki, name: str, content: bytes) -> None:
    """As ops do it: written beside, then renamed."""
    beside = own.folder / f"{name}.new"
    beside.write_bytes(content)
    beside.replace(own.folder / name)


def test_server_takes_new_ca_and_certificate_without_restart(tmp_path: Path, redis_url: str) -> None:
    old, new = Pki(tmp_path / "old"), Pki(tmp_path / "new", "another test CA")
    own = Pki(tmp_path / "own")
    for file in old.folder.iterdir():
        shutil.copy(file, own.folder)
    port = free_port()
    environment = {**server_environment(own, "otp", port), **OTP, "RECAPITO_REDIS_URL": redis_url}
    server = ServiceProcess("otp", ["serve"], environment, tmp_path / "log")
    try:
        wait_serving(old, port, server)
        with channel_as(old, "auth", port) as standing:
            ask(standing)
            both = (old.folder / "ca.pem").read_bytes() + (new.folder / "ca.pem").read_bytes()
            put(own, "ca.pem", both)
            with channel_as(old, "portal", port) as before:
                ask(before)
            put(old, "ca.pem", both)  # callers too believe both
            put(own, "otp-key.pem", (new.folder / "otp-key.pem").read_bytes())
            with channel_as(old, "portal", port) as between:  # the key is new, the certificate isn't: the old pair still serves
                ask(between)
            put(own, "otp.pem", (new.folder / "otp.pem").read_bytes())
            with channel_as(old, "portal", port) as old_caller, channel_as(new, "portal", port) as new_caller:
                ask(old_caller)
                ask(new_caller)
            put(own, "ca.pem", (new.folder / "ca.pem").read_bytes())
            with channel_as(new, "claims", port) as new_caller, channel_as(old, "claims", port) as old_caller:
                ask(new_caller)
                with pytest.raises(grpc.RpcError):
                    ask(old_caller)
            ask(standing)  # a connection that stood stays
        assert server.process.poll() is None
    finally:
        server.kill()


def test_restart_of_one_process_after_another_costs_callers_at_most_a_retry(pki: Pki, tmp_path: Path, redis_url: str) -> None:
    port = free_port()
    environment = {**server_environment(pki, "otp", port), **OTP, "RECAPITO_REDIS_URL": redis_url, "RECAPITO_LOG_LEVEL": "INFO"}
    processes = [ServiceProcess("otp", ["serve"], environment, tmp_path / f"log{number}") for number in range(2)]
    faults: list[Exception] = []
    asked: list[int] = []
    stop = threading.Event()

    def call() -> None:
        while not stop.is_set():
            for last in (False, True):  # a connection that waits at a listener which closes is lost: it is made again
                try:
                    with channel_as(pki, "auth", port) as fresh:
                        ask(fresh)
                        asked.append(1)
                        stop.wait(0.02)
                        ask(fresh)
                    break
                except (grpc.RpcError, AssertionError) as error:  # one that stops says NOT_SERVING until it is gone
                    if last:
                        faults.append(error)

    try:
        for process in processes:
            wait_serving(pki, port, process)
        callers = [threading.Thread(target=call) for _ in range(3)]
        for caller in callers:
            caller.start()
        for number, process in enumerate(list(processes)):
            successor = ServiceProcess("otp", ["serve"], environment, tmp_path / f"log{number + 2}")
            processes.append(successor)
            while b"serving" not in successor.log.read_bytes() and successor.process.poll() is None:
                stop.wait(0.1)
            assert process.stop() == 0
        stop.wait(0.5)
        stop.set()
        for caller in callers:
            caller.join()
        assert asked
        assert not faults
    finally:
        stop.set()
        for process in processes:
            if process.process.poll() is None:
                process.kill()
