"""Argon2id alone, a thread a core: the ceiling of sign-ins. ``python -m bench.hashes COUNT`` prints what it took, as JSON."""

import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher

from bench import people


def main() -> None:
    """The command."""
    count, cores = int(sys.argv[1]), os.cpu_count() or 1
    hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
    with ThreadPoolExecutor(cores) as pool:
        list(pool.map(lambda _: hasher.hash(people.PASSWORD), range(2 * cores)))  # each thread has its memory from now on
        cpu, started = time.process_time(), time.perf_counter()
        list(pool.map(lambda _: hasher.hash(people.PASSWORD), range(count)))
        seconds, cpu_ms = time.perf_counter() - started, (time.process_time() - cpu) * 1000 / count
    print(json.dumps({"calls": count, "seconds": seconds, "cpu_ms": cpu_ms, "slowest_ms": 0.0}))


if __name__ == "__main__":
    main()
