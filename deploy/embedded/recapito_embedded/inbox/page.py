"""The page for people: what arrived, the newest first, texts told apart from mails. Everything shown is escaped."""

import re
from html import escape
from typing import Final

from recapito_embedded.inbox.mailbox import Message

REFRESH_SECONDS: Final = 5
_LINK: Final = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)]")

STYLE: Final = """
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5b6675; --paper: #f5f6f8; --card: #fff; --line: #d9dee5;
  --mark: #0b5c6b; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8ecf1; --soft: #a3afbd; --paper: #14181e; --card: #1e242c; --line: #343c47; --mark: #6fd0e0; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
main { max-width: 46rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.25rem; margin: 0 0 .25rem; }
p { margin: 0 0 1rem; color: var(--soft); }
ul { list-style: none; margin: 0; padding: 0; }
article { background: var(--card); border: 1px solid var(--line); border-left: .3rem solid var(--line); border-radius: .5rem;
  padding: .75rem 1rem; margin: 0 0 .75rem; overflow-wrap: anywhere; }
article.text { border-left-color: var(--mark); }
.head { display: flex; flex-wrap: wrap; gap: .25rem .75rem; color: var(--soft); font-size: .875rem; }
.kind { color: var(--mark); font-weight: 600; }
time { margin-left: auto; }
h2 { font-size: 1rem; margin: .25rem 0; }
a { color: var(--mark); }
pre { font: inherit; white-space: pre-wrap; margin: .25rem 0 0; }
iframe { width: 100%; height: 60vh; border: 1px solid var(--line); border-radius: .5rem; background: #fff; }
"""


def listing(messages: list[Message], sms_domain: str) -> str:
    """The page of all messages; it looks for new ones by itself."""
    cards = "".join(f"<li>{_card(message, sms_domain)}</li>" for message in messages)
    body = f"<ul>{cards}</ul>" if cards else "<p>Nothing has arrived yet.</p>"
    intro = "<p>The mails and texts that would have gone out, the newest first. The page looks for new ones by itself.</p>"
    return _page("Inbox", f"<h1>Inbox</h1>{intro}{body}", f'<meta http-equiv="refresh" content="{REFRESH_SECONDS}">')


def single(message: Message, sms_domain: str) -> str:
    """The page of one message: its text, and its HTML in a frame that runs nothing."""
    frame = f'<h2>HTML</h2><iframe sandbox src="/view/{escape(message.id)}.html" title="HTML"></iframe>' if message.html else ""
    body = f'<p><a href="/">Inbox</a></p>{_card(message, sms_domain, whole=True)}{frame}'
    return _page(message.subject or "Message", body)


def _card(message: Message, sms_domain: str, *, whole: bool = False) -> str:
    to = [person.address for person in (*message.to, *message.bcc)]
    is_text = bool(to) and all(address.endswith(f"@{sms_domain}") for address in to)
    shown_to = ", ".join(f"+{address.partition('@')[0]}" if is_text else address for address in to)
    at = message.created.astimezone()
    head = (
        f'<div class="head"><span class="kind">{"Text" if is_text else "Mail"}</span><span>to {escape(shown_to)}</span>'
        f'<time datetime="{at.isoformat()}">{at:%d/%m/%Y %H:%M:%S}</time></div>'
    )
    if is_text:
        body = f"<pre>{_linked(message.text)}</pre>"
    else:
        subject = escape(message.subject or "(no subject)")
        title = f"<h2>{subject}</h2>" if whole else f'<h2><a href="/message/{escape(message.id)}">{subject}</a></h2>'
        body = title + (f"<pre>{_linked(message.text)}</pre>" if whole else f"<div>{escape(message.snippet)}</div>")
    return f'<article class="{"text" if is_text else "mail"}">{head}{body}</article>'


def _linked(text: str) -> str:
    parts, end = [], 0
    for match in _LINK.finditer(text):
        url = escape(match[0])
        parts += [escape(text[end : match.start()]), f'<a href="{url}" rel="noreferrer noopener">{url}</a>']
        end = match.end()
    return "".join([*parts, escape(text[end:])]).strip()


def _page(title: str, body: str, head: str = "") -> str:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">{head}'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="stylesheet" href="/style.css">'
        f"<title>{escape(title)}</title></head><body><main>{body}</main></body></html>"
    )
