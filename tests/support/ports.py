"""Free ports for servers that a test starts."""

import random
import socket


def free_port() -> int:
    """A port on loopback that nobody listens on, below the range that outgoing connections take theirs from."""
    for _ in range(200):
        port = random.randint(21_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no free port")
