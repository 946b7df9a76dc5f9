"""Settings of tcp, http, tls and dns: what is refused, and in which words."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from collectors import collector, kinds

GOOD: dict[str, dict[str, Any]] = {
    "tcp": {"address": "127.0.0.1", "port": 22},
    "http": {"url": "http://127.0.0.1/"},
    "tls": {"address": "127.0.0.1"},
    "dns": {"address": "127.0.0.1", "name": "portal.test"},
}
BAD = [
    ("tcp", {"port": 0}, "greater than or equal to 1"),
    ("tcp", {"port": 65_536}, "less than or equal to 65535"),
    ("tcp", {"address": ""}, "must be an IP address or a host name"),
    ("tcp", {"address": "a b"}, "must be an IP address or a host name"),
    ("tcp", {"address": "http://a"}, "must be an IP address or a host name"),
    ("tcp", {"expect": "("}, "must be a valid regular expression"),
    ("tcp", {"expect": ""}, "must be a pattern of 1 to 500 characters"),
    ("tcp", {"expect": "a" * 501}, "must be a pattern of 1 to 500 characters"),
    ("tcp", {"expectt": "a"}, "Extra inputs are not permitted"),
    ("http", {"url": "ftp://a/"}, "must be a web address that starts with http"),
    ("http", {"url": "127.0.0.1"}, "must be a web address that starts with http"),
    ("http", {"url": "http://"}, "must be a web address that starts with http"),
    ("http", {"url": "http://a:0/"}, "must be a web address that starts with http"),
    ("http", {"url": "http://a:99999/"}, "must be a valid web address"),
    ("http", {"url": "http://[::1/"}, "must be a valid web address"),
    ("http", {"url": "http://a/ b"}, "must be a web address without spaces"),
    ("http", {"url": "http://me:pw@a/"}, "must not contain a user name or password"),
    ("http", {"status": "20x"}, "must be a status such as 200"),
    ("http", {"status": "299-200"}, "must be a status such as 200"),
    ("http", {"status": []}, "at least 1 item"),
    ("http", {"method": "POST"}, "Input should be 'GET', 'HEAD' or 'OPTIONS'"),
    ("http", {"mobile": True, "method": "HEAD"}, "mobile looks at the page"),
    ("http", {"headers": {"X y": "1"}}, "a header name that cannot be set"),
    ("http", {"headers": {"Transfer-Encoding": "chunked"}}, "a header name that cannot be set"),
    ("http", {"headers": {"X-A": "1\r\nX-B: 2"}}, "a header value must be one line"),
    ("http", {"headers": {"X-A": "${HOME}"}}, r"a header value must be one line"),
    ("http", {"headers": {"Authorization": "Bearer abc"}}, "a secret belongs in the environment"),
    ("http", {"headers": {"X-Api-Key": "abc"}}, "a secret belongs in the environment"),
    ("http", {"body": "[a"}, "must be a valid regular expression"),
    ("dns", {"name": "a..b"}, "must be a domain name"),
    ("dns", {"type": "ANY"}, "must be a record type"),
    ("dns", {"type": "PING"}, "must be a record type"),
    ("dns", {"answers": ["not an address"]}, "answers must be records of the type"),
    ("dns", {"exact": True}, "exact needs answers"),
]


@pytest.mark.parametrize(("kind", "change", "words"), BAD)
def test_bad_settings_are_refused_in_words(kind: str, change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        collector(kind).Settings(**(GOOD[kind] | change))


@pytest.mark.parametrize("kind", GOOD)
def test_each_kind_is_discovered_and_frozen(kind: str) -> None:
    settings = collector(kind).Settings(**GOOD[kind])
    assert kind in kinds()
    with pytest.raises(ValidationError, match="frozen"):
        settings.timeout = 1  # type: ignore[attr-defined]


@pytest.mark.parametrize("status", [200, "200", [200], ["200-200"], [[200, 200]], ((200, 200),)])
def test_a_status_may_be_written_in_several_ways(status: Any) -> None:
    settings = collector("http").Settings(url="http://127.0.0.1/", status=status)
    assert settings.model_dump()["status"] == ((200, 200),)


def test_settings_survive_being_written_out_and_read_again() -> None:
    http = collector("http").Settings
    settings = http(url="http://127.0.0.1/", status=[200, "300-399"])
    assert http.model_validate_json(settings.model_dump_json()) == settings


def test_brackets_around_an_ipv6_address_are_fine() -> None:
    settings = collector("tcp").Settings(address="[::1]", port=1)
    assert settings.model_dump()["address"] == "::1"
