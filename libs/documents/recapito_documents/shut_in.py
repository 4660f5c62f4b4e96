"""How a process that works on somebody's document shuts itself in before it reads it."""

import resource


def shut_in(memory: int, seconds: int) -> None:
    """No more memory (bytes of address space) and CPU time than allowed, no file, no connection, no further process, and no core
    dump, which would hold the document. A decoder that the document takes over finds the service's keys in files that this user
    may read: it can open none.
    """
    for what, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 0),  # what is open stays open: the pipes
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(what)
        bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (bound, bound))
