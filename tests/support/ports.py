"""Free ports for servers that a test starts."""

import os
import random
import socket
from collections import deque

# each process of a run has ports of its own: what is free is taken a while later
FIRST = 21_000 + 2_200 * (int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 5)
_LATEST: deque[int] = deque(maxlen=500)  # given a moment ago, and perhaps not taken yet


def free_port() -> int:
    """A port on loopback that nobody listens on, below the range that outgoing connections take theirs from."""
    for _ in range(200):
        port = random.randint(FIRST, FIRST + 2_199)
        if port in _LATEST:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            _LATEST.append(port)
            return port
    raise RuntimeError("no free port")
