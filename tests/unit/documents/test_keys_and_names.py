"""The key ring's text form, and the names that are shown."""

from collections.abc import Callable

import pytest

from recapito_documents.keys import BadKeys, KeyRing
from recapito_documents.names import shown_name


def test_first_key_is_the_current_one_and_none_is_shown(key_lines: Callable[..., str]) -> None:
    ring = KeyRing.parse("\n" + key_lines("2026-11", "2025-01"))
    assert repr(ring) == "KeyRing(current='2026-11', ids=['2025-01', '2026-11'])"
    key_id, wrapped = ring.wrap("d", b"s" * 32)
    assert key_id == "2026-11"
    assert ring.unwrap("d", key_id, wrapped) == b"s" * 32


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "there is none"),
        ("c2VjcmV0", "line 1: expected id:key|line 1: the key must be"),
        ("a b:c2VjcmV0", "line 1: expected id:key"),
        ("\nk1:c2VjcmV0", "line 2: the key must be 32 bytes in base64"),
        ("k1:not base64!", "line 1: the key must be 32 bytes in base64"),
    ],
)
def test_bad_key_file_is_refused_naming_the_line_but_not_the_key(text: str, fault: str) -> None:
    with pytest.raises(BadKeys, match=fault) as error:
        KeyRing.parse(text)
    assert "c2VjcmV0" not in str(error.value)


def test_key_id_that_stands_twice_is_refused(key_lines: Callable[..., str]) -> None:
    with pytest.raises(BadKeys, match="line 2: the id k1 stands there twice"):
        KeyRing.parse(key_lines("k1", "k1"))


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("carta d’identità 🪪.jpg", "carta d’identità 🪪.jpg"),
        ("../../etc/key.pem.jpg", "key.pem.jpg"),
        ("C:\\Users\\Rossi\\fronte.png", "fronte.png"),
        ("a\x00b.jpg", "ab.jpg"),
        ("a\r\nSet-Cookie: b=c\r\n.jpg", "a Set-Cookie: b=c .jpg"),
        ("fattura\u202egpj.exe", "fatturagpj.exe"),
        ("\u2066a\u2069\ufeff\u200b.pdf", "a.pdf"),
        ("\ud800a.pdf", "a.pdf"),
        ("x" * 300 + ".jpg", "x" * 96 + ".jpg"),
        ("x" * 300, "x" * 100),
        (".htaccess", "htaccess"),
        ("..", "document"),
        ("", "document"),
        ("folder/", "document"),
    ],
)
def test_shown_name(name: str, shown: str) -> None:
    assert shown_name(name) == shown
