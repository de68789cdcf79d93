"""Which names the dashboard answers to, and which pages may post to it."""

from __future__ import annotations

import pytest

from pyresque.errors import ConfigError
from pyresque.web.hosts import ANY_ADDRESS, LOOPBACK, AllowedHosts, is_own_page, trusted


@pytest.mark.parametrize(
    "host",
    [
        "localhost", "localhost:5678", "LocalHost:80", "localhost.", "127.0.0.1", "127.0.0.1:5678", "[::1]",
        "[::1]:5678", "[0:0:0:0:0:0:0:1]",
    ],
)  # fmt: skip
def test_this_machine_is_answered_to(host: str) -> None:
    """In each form in which a browser may write it."""
    assert AllowedHosts(LOOPBACK).allows(host)


@pytest.mark.parametrize(
    "host",
    [
        "", " ", "evil.example", "localhost.evil.example", "evil-localhost", "localhost@evil.example",
        "127.0.0.1.evil", "localhost, evil.example", "localhost,localhost", "localhost:5678:80",
        "localhost:port", "localhost:123456",
        "localhost/evil", "localhost evil", "localhost\tevil", "localhost..", "[::2]", "[::1", "::1",
        "[localhost]",
        "127.1", "2130706433", "0x7f.1", "0.0.0.0", "10.0.0.7", "lo\u00e7alhost",
        "localhost\u0000", "localhost\u0661",
        "[::ffff:127.0.0.1]", "*", "<address>",
    ],
)  # fmt: skip
def test_any_other_name_is_not(host: str) -> None:
    """Neither what only looks like this machine, nor two hosts in one header, nor what is none."""
    assert not AllowedHosts(LOOPBACK).allows(host)


def test_names_addresses_and_domains_can_be_allowed() -> None:
    """A domain means its own name, too; other letters are compared as browsers send them."""
    hosts = AllowedHosts(
        ["Jobs.Example.com", ".intern.example", "*.two.example", "fe80::1", "b\u00fccher.example"]
    )
    for allowed in (
        "jobs.example.com:443", "jobs.example.com.", "intern.example", "a.b.intern.example", "x.two.example",
        "[fe80:0::1]:5678", "xn--bcher-kva.example",
    ):  # fmt: skip
        assert hosts.allows(allowed), allowed
    for refused in ("example.com", "x.jobs.example.com", "evilintern.example", "localhost", "10.0.0.7"):
        assert not hosts.allows(refused), refused


def test_every_address_or_every_name() -> None:
    """No name that somebody made to lead here is an address."""
    addresses = AllowedHosts([ANY_ADDRESS])
    assert addresses.allows("10.0.0.7:5678")
    assert addresses.allows("[fe80::1]")
    assert not addresses.allows("evil.example")
    assert AllowedHosts(["*"]).allows("evil.example")


@pytest.mark.parametrize(
    "name", ["", "a b", "http://localhost", "localhost:5678", "localhost/x", ".", ".10.0.0.7"]
)
def test_what_is_no_host_is_told(name: str) -> None:
    """Else nobody would know why nothing is answered."""
    with pytest.raises(ConfigError, match="is not a host"):
        AllowedHosts([name])


def own(host: str = "localhost:5678", *origins: str, **headers: str) -> bool | None:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return is_own_page({"Host": host, **named}, trusted(origins))


def test_what_the_browser_says_counts() -> None:
    """A page of the same site (another name, another port) is somebody else's."""
    assert own(Sec_Fetch_Site="same-origin")
    assert own(Sec_Fetch_Site="none")
    for site in ("cross-site", "same-site", "", "Same-Origin", "same-origin, cross-site", "other"):
        assert own(Sec_Fetch_Site=site, Origin="http://localhost:5678") is False


def test_without_that_the_origin_must_be_the_host() -> None:
    """Browsers leave Sec-Fetch-Site out over plain http to another machine."""
    assert own(Origin="http://localhost:5678")
    assert own("jobs.example.com", Origin="https://jobs.example.com")
    assert own("jobs.example.com:443", Origin="https://JOBS.example.com")
    assert own("[::1]:5678", Origin="http://[::1]:5678")
    for origin in (
        "null", "", "http://localhost", "http://localhost:5679", "http://evil.example", "localhost:5678",
        "http://localhost:5678.evil.example", "http://localhost:5678, http://evil.example", "file://",
        "ftp://localhost:5678", "http://a@localhost:5678",
    ):  # fmt: skip
        assert own(Origin=origin) is False, origin
    assert own("jobs.example.com:80", Origin="https://jobs.example.com") is False
    assert own("", Origin="http://localhost:5678") is False
    assert own() is None


def test_trusted_origins_are_for_proxies_that_change_the_host() -> None:
    """Each with its scheme and port."""
    assert own("10.0.0.7:5678", "https://jobs.example.com/", Origin="https://jobs.example.com")
    assert own("10.0.0.7:5678", "https://jobs.example.com:443", Origin="https://jobs.example.com")
    assert own("10.0.0.7:5678", "https://jobs.example.com", Origin="http://jobs.example.com") is False
    assert own("10.0.0.7:5678", "https://jobs.example.com", Origin="https://jobs.example.com:8443") is False


@pytest.mark.parametrize(
    "text", ["", "jobs.example.com", "https://", "https://a/b", "null", "*", "ftp://a", "https://a?b"]
)
def test_what_is_no_origin_is_told(text: str) -> None:
    """A trusted origin is one whole origin."""
    with pytest.raises(ConfigError, match="is not an origin"):
        trusted([text])
