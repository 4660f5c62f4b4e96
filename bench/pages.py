"""The portal's pages against a Flask page with the same template and no call behind it, in turns.

``python -m bench.pages``. Both are served by granian as the portal is (one worker, eight threads), over loopback by connections
that stay open. The floor renders the same template in an app with none of our hooks: no headers, no counts, no traces, nobody
signed in. ``/area`` asks auth, a process of its own with Redis and SQLite, whether the session lives. CPU: the worker's.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from flask import render_template

from bench import introspect
from bench.parts import Parts, Server, parts
from bench.report import Row, compare, write
from recapito_portal.app import build
from recapito_portal.forms import SignInForm
from recapito_portal.settings import PortalSettings
from recapito_servicekit import settings, web, web_serving
from recapito_servicekit.web_door import Door
from tests.support.ports import free_port
from tests.support.serving import ServiceProcess, run_command

OURS: Final = "recapito_portal.app:create"
FLOOR: Final = "bench.pages:floor"
CALLS: Final = {1: 300, 16: 1_600}
TITLES: Final = {"/": b"<title>Area Clienti", "/accedi": b"<title>Accedi", "/area": b"<title>La tua area"}
"""The pages, and what each answer must hold."""
READY_SECONDS: Final = 20


def floor() -> Door:
    """What granian serves as the floor."""
    told = settings.load(PortalSettings, "portal")
    app = build(told, services=None)  # type: ignore[arg-type]  # none is called
    app.url_value_preprocessors.clear()
    app.before_request_funcs.clear()
    app.after_request_funcs.clear()
    pages: dict[str, Callable[[], str]] = {
        "home.start": lambda: render_template("home/start.html"),
        "sign_in.start": lambda: render_template("sign_in/start.html", form=SignInForm(), why=""),
        "home.area": lambda: render_template("home/area.html", held=None, frozen=""),
    }
    app.view_functions.update(pages)
    return web.behind_door(app, told)


class FrontEnd(ServiceProcess):
    """An app under granian, ready."""

    def __init__(self, some: Parts, target: str, environment: dict[str, str]) -> None:
        self._target = target
        self.port = free_port()
        told = {**environment, "RECAPITO_HTTP_BIND": f"127.0.0.1:{self.port}"}
        super().__init__("portal", ["serve"], told, some.folder / f"pages-{self.port}.log")
        until = time.monotonic() + READY_SECONDS
        while not asyncio.run(answers(self.port)):
            if time.monotonic() > until:
                raise RuntimeError(self.text())
            time.sleep(0.1)

    def start(self) -> None:
        command = [sys.executable, "-m", "bench.pages", "--serve", self._target]
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(command, env={**os.environ, **self._environment}, stdout=out, stderr=out)

    def cpu_seconds(self) -> float:
        """What granian's worker has used so far."""
        pid = self.process.pid
        workers = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return sum(time.clock_gettime(~int(worker) << 3 | 2) for worker in workers)


async def answers(port: int) -> bool:
    """Whether somebody serves there."""
    try:
        await fetch(port, "/", "", iter([0]))
    except OSError:
        return False
    return True


async def fetch(port: int, path: str, cookie: str, numbers: Iterator[int]) -> float:
    """A page as many times as ``numbers`` has left, over one connection; gives the slowest in seconds. Raises RuntimeError."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept-Language: it\r\nCookie: {cookie}\r\n\r\n".encode()
    slowest = 0.0
    for _ in numbers:
        started = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        body = await reader.readexactly(int(length.partition(b":")[2]))
        if not head.startswith(b"HTTP/1.1 200 ") or TITLES[path] not in body:
            raise RuntimeError(f"{path} was answered with {head!r}")
        slowest = max(slowest, time.perf_counter() - started)
    writer.close()
    return slowest


async def drive(port: int, path: str, cookie: str, connections: int) -> dict[str, float]:
    """A phase: so many connections, each with one request under way."""
    numbers = iter(range(CALLS[connections]))
    started = time.perf_counter()
    slowest = max(await asyncio.gather(*(fetch(port, path, cookie, numbers) for _ in range(connections))))
    return {"calls": CALLS[connections], "seconds": time.perf_counter() - started, "slowest_ms": slowest * 1000}


def environment(some: Parts, auth_port: int) -> dict[str, str]:
    """The portal's settings; of the services behind it auth alone is there."""
    files = some.pki.files("portal")
    nobody = f"localhost:{free_port()}"
    told = {
        "SECRET_KEY": "k" * 32,
        "TRUSTED_HOSTS": "localhost",
        "COOKIE_SECURE": "0",
        "LOG_LEVEL": "INFO",
        "ENVIRONMENT": "development",
        "AUTH_ADDRESS": f"localhost:{auth_port}",
        "CONTACT_CHANGE_ADDRESS": nobody,
        "CLAIMS_ADDRESS": nobody,
    }
    return {**files, **{f"RECAPITO_{name}": value for name, value in told.items()}}


def measure(rounds: int) -> list[Row]:
    """A row for each page and number of connections; the first round warms up."""
    found: dict[tuple[str, int], dict[str, list[dict[str, float]]]] = {}
    with parts() as some:
        auth_port = free_port()
        auth_environment = introspect.environment(some, auth_port, free_port())
        if (done := run_command("auth", ["migrate"], auth_environment)).returncode:
            raise RuntimeError(done.stderr)
        auth = Server(some, "auth", auth_port, auth_environment)
        cookie = f"session={introspect.open_sessions(some)[0]}; device=bench"
        served = {target: FrontEnd(some, target, environment(some, auth_port)) for target in (OURS, FLOOR)}
        try:
            for round_ in range(rounds + 1):
                for path in TITLES:
                    for connections in CALLS:
                        for target, server in served.items():
                            before = server.cpu_seconds()
                            told = asyncio.run(drive(server.port, path, cookie if path == "/area" else "", connections))
                            told["cpu_ms"] = (server.cpu_seconds() - before) * 1000 / told["calls"]
                            if round_:
                                found.setdefault((path, connections), {}).setdefault(target, []).append(told)
        finally:
            for each in (*served.values(), auth):
                each.stop()
    return [
        compare(f"page {path}", "same template", connections, told[OURS], told[FLOOR])
        for (path, connections), told in found.items()
    ]


def main() -> None:
    """The command."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=4)
    arguments.add_argument("--serve", metavar="TARGET", help="serve this app, as the benchmark's own processes do")
    asked = arguments.parse_args()
    if asked.serve:
        web_serving.serve(asked.serve, settings.load(PortalSettings, "portal"))
    else:
        write("pages", measure(asked.rounds))


if __name__ == "__main__":
    main()
