"""What the console is told."""

from dataclasses import dataclass

from recapito_servicekit.web_serving import WebSettings


@dataclass(frozen=True, kw_only=True)
class ConsoleSettings(WebSettings):
    """The settings of every front end; the console needs no more."""
