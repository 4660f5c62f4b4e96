"""Texts by Twilio's Messages API, and the signature of its status callbacks.

https://www.twilio.com/docs/messaging/api/message-resource, https://www.twilio.com/docs/usage/security#validating-requests
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

import httpx

from recapito_otp.ports import SendFailed, SendRejected, Text
from recapito_servicekit.settings import setting

# well within a job's lease, so that no other worker sends the same in the meantime
TIMEOUT: Final = httpx.Timeout(8.0, connect=4.0)
MESSAGE: Final = "message"
"""The field of a callback's query that says which message it is about."""
BAD_REQUEST: Final = 400
NOT_NOW: Final = frozenset({"14107", "21611"})
"""Its codes for a bad request that is none a while later: too many texts between two numbers, the sender's queue is full."""


@dataclass(frozen=True, kw_only=True)
class TwilioSettings:
    """The account that texts leave by, and where its status callbacks arrive."""

    twilio_account_sid: str = setting("TWILIO_ACCOUNT_SID", "the account", default="")
    twilio_auth_token: str = setting(
        "TWILIO_AUTH_TOKEN", "the account's token; it signs the callbacks too", default="", secret=True
    )
    twilio_from: str = setting("TWILIO_FROM", "the sender: a number, a name, or a messaging service (MG…)", default="")
    twilio_api_url: str = setting("TWILIO_API_URL", "where the Messages API is", default="https://api.twilio.com")
    twilio_callback_url: str = setting(
        "TWILIO_CALLBACK_URL", "the public URL of the status callbacks, without a query; empty: none are asked for", default=""
    )
    twilio_callback_bind: str = setting(
        "TWILIO_CALLBACK_BIND",
        "where `work` takes the status callbacks, HTTP, behind what ends TLS; empty: nowhere",
        default="",
    )


class TwilioSender:
    """Thread-safe. What became of a text comes later, by a callback that carries the text's ``message_id``."""

    def __init__(self, settings: TwilioSettings) -> None:
        account = settings.twilio_account_sid
        self._url = f"{settings.twilio_api_url.rstrip('/')}/2010-04-01/Accounts/{quote(account, safe='')}/Messages.json"
        self._http = httpx.Client(auth=(account, settings.twilio_auth_token), timeout=TIMEOUT)
        self._from = {"MessagingServiceSid" if settings.twilio_from.startswith("MG") else "From": settings.twilio_from}
        self._callback = settings.twilio_callback_url

    def send(self, text: Text) -> None:
        """Returns when Twilio took it. Raises SendRejected: it refuses this message or number; SendFailed: whatever else. Where
        no answer came in time the text may have gone out all the same.
        """
        form = {"To": text.to, "Body": text.text, **self._from}
        if self._callback:
            form["StatusCallback"] = f"{self._callback}?{urlencode({MESSAGE: text.message_id})}"
        try:
            answer = self._http.post(self._url, data=form)
        except httpx.HTTPError as error:
            raise SendFailed from error
        if not answer.is_success:
            code = _code(answer)
            for_good = answer.status_code == BAD_REQUEST and code not in NOT_NOW
            raise (SendRejected if for_good else SendFailed)(f"twilio answered {answer.status_code}, its code {code}")


def is_signed(token: str, url: str, fields: Iterable[tuple[str, str]], signature: str) -> bool:
    """Whether Twilio signed a form for ``url`` (with its query, and with its port or without, as Twilio's own libraries take it);
    takes the same time whatever is wrong.
    """
    form = "".join(name + value for name, value in sorted(set(fields)))
    digests = [hmac.digest(token.encode(), (each + form).encode(), hashlib.sha1) for each in _with_and_without_port(url)]
    right = [hmac.compare_digest(base64.b64encode(digest), signature.encode()) for digest in digests]
    return any(right)


def _with_and_without_port(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    bare = parts.netloc.removesuffix(f":{parts.port}") if parts.port else parts.netloc
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return urlunsplit(parts._replace(netloc=f"{bare}:{port}")), urlunsplit(parts._replace(netloc=bare))


def _code(answer: httpx.Response) -> str:
    try:
        return f"{answer.json()['code']!s:.20}"
    except (ValueError, TypeError, KeyError):
        return "none"
