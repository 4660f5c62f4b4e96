"""A real RabbitMQ of a test run's own, from Debian's package."""

import base64
import itertools
import json
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Final

from tests.support.ports import free_port

START_SECONDS: Final = 120
# RabbitMQ 3.10 writes down where a new quorum queue lies half a second late: killed before, that queue never gets a leader again
NEW_QUEUE_SECONDS: Final = 2
PROGRAM: Final = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")  # the one on the PATH insists on its own user and folders
USER: Final = "recapito"
_NAMES: Final = itertools.count(1)


class RabbitServer:
    """Start, kill, freeze, and start again on the same port and data. Raises RuntimeError where there is no RabbitMQ."""

    def __init__(self) -> None:
        if not PROGRAM.exists():
            raise RuntimeError("there is no RabbitMQ here: apt-get install rabbitmq-server")
        self.port = free_port()
        self.password = secrets.token_hex(16)
        self._folder = Path(tempfile.mkdtemp(prefix="recapito-rabbitmq-"))
        self._management, self._epmd_port = free_port(), free_port()
        self._configure()
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self._folder),  # the cookie lies there
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_CONF_ENV_FILE": str(self._folder / "none"),
            "RABBITMQ_CONFIG_FILE": str(self._folder / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self._folder / "plugins"),
            "RABBITMQ_MNESIA_BASE": str(self._folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self._folder),
            "RABBITMQ_PID_FILE": str(self._folder / "pid"),
            "RABBITMQ_NODENAME": f"recapito{self.port}@localhost",
            "RABBITMQ_DIST_PORT": str(free_port()),
            # one scheduler that sleeps when there is nothing to do; Erlang's own port on loopback too
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none -kernel inet_dist_use_interface {127,0,0,1}",
        }
        # Erlang's port mapper: the server would start one of the machine's that nobody ends
        self._mapper = subprocess.Popen(
            ["epmd", "-port", str(self._epmd_port), "-address", "127.0.0.1"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._process: subprocess.Popen[bytes]
        self.start()

    def _configure(self) -> None:
        settings = {
            "listeners.tcp.1": f"127.0.0.1:{self.port}",
            "management.tcp.ip": "127.0.0.1",
            "management.tcp.port": self._management,
            "management_agent.disable_metrics_collector": "true",
            "default_user": USER,
            "default_pass": self.password,
            "log.console": "false",
            "vm_memory_high_watermark.absolute": "512MB",
            "disk_free_limit.absolute": "50MB",
            "raft.wal_max_size_bytes": 16 * 1024 * 1024,
        }
        (self._folder / "rabbitmq.conf").write_text("".join(f"{name} = {value}\n" for name, value in settings.items()))
        (self._folder / "plugins").write_text("[rabbitmq_management].\n")

    def url(self, vhost: str = "%2F") -> str:
        return f"amqp://{USER}:{self.password}@127.0.0.1:{self.port}/{vhost}"

    def new_vhost(self) -> str:
        """The name of a new, empty virtual host."""
        name = f"test-{next(_NAMES)}"
        self.api("PUT", f"vhosts/{name}")
        self.api("PUT", f"permissions/{name}/{USER}", {"configure": ".*", "write": ".*", "read": ".*"})
        return name

    def drop_vhost(self, name: str) -> None:
        """Drops a virtual host; who is still connected is cut off."""
        self.api("DELETE", f"vhosts/{name}")

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """What the management API answers; None: nothing."""
        credentials = base64.b64encode(f"{USER}:{self.password}".encode()).decode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._management}/api/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Basic {credentials}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            content = answer.read()
        return json.loads(content) if content else None

    def start(self) -> None:
        with (self._folder / "out").open("ab") as out:
            self._process = subprocess.Popen(
                [str(PROGRAM)], env=self._environment, stdout=out, stderr=out, cwd=self._folder, start_new_session=True
            )
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and self._process.poll() is None:
            try:
                self.api("GET", "health/checks/port-listener/" + str(self.port))
                return
            except (OSError, urllib.error.URLError):
                time.sleep(0.1)
        raise RuntimeError(f"rabbitmq did not start: {(self._folder / 'out').read_text()[-2000:]}")

    def kill(self) -> None:
        """The whole server dies at once, the helpers of its runtime with it."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(60)

    def freeze(self) -> None:
        """New connections and those that exist hang."""
        os.killpg(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.killpg(self._process.pid, signal.SIGCONT)

    def stop(self) -> None:
        self.kill()
        self._mapper.kill()
        self._mapper.wait(60)
        shutil.rmtree(self._folder, ignore_errors=True)
