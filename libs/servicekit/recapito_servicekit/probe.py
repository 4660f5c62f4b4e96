"""``python -m recapito_servicekit.probe``: asks this process's own ``/readyz``, for a container's health check.

Exit 0: ready; 1: not. It reads ``RECAPITO_METRICS_BIND`` alone and imports the standard library alone: it runs every few seconds.
"""

import http.client
import os
import sys
from typing import Final

SECONDS: Final = 4.0
_ALL: Final = {"0.0.0.0", "[::]", ""}  # noqa: S104  # where a server listens; asked on loopback


def fault() -> str:
    """What is wrong; empty: nothing, this process is ready."""
    host, _, port = os.environ.get("RECAPITO_METRICS_BIND", "").rpartition(":")
    try:
        connection = http.client.HTTPConnection("127.0.0.1" if host in _ALL else host, int(port), timeout=SECONDS)
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
    except (OSError, ValueError, http.client.HTTPException) as error:
        return f"can't be asked: {error}"
    return "" if answer.status == http.client.OK else f"{answer.status} {answer.reason}"


if __name__ == "__main__":
    sys.exit(fault() or 0)
