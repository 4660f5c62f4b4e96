"""The Lua scripts that lie beside this file."""

from recapito_servicekit.redis_pipe import Script


def script(*names: str) -> Script:
    """The script of these files, joined."""
    return Script.read("recapito_otp.store", *names)
