"""Where a remote is: what is read of an address, and which addresses git is never given."""

import pytest

from gitskill.address import Address
from gitskill.errors import InvalidInput


@pytest.mark.parametrize(
    ("url", "way", "host", "port", "path"),
    [
        ("https://github.com/ada/sheets.git", "https", "github.com", None, "ada/sheets.git"),
        (
            "https://ada:s3cret@Git.Example.org:8443/team/ada/sheets",
            "https",
            "git.example.org",
            8443,
            "team/ada/sheets",
        ),
        ("git@github.com:ada/sheets.git", "ssh", "github.com", None, "ada/sheets.git"),
        ("work:ada/sheets", "ssh", "work", None, "ada/sheets"),
        ("ssh://git@git.example.org:2222/ada/sheets.git/", "ssh", "git.example.org", 2222, "ada/sheets.git"),
        ("http://127.0.0.1:8080/ada/sheets.git", "http", "127.0.0.1", 8080, "ada/sheets.git"),
        ("ssh://git@[2001:db8::1]/ada/sheets", "ssh", "2001:db8::1", None, "ada/sheets"),
        ("/srv/git/sheets.git", "file", "", None, "/srv/git/sheets.git"),
        ("file:///srv/git/my%20sheets.git", "file", "", None, "/srv/git/my sheets.git"),
        ("../sheets.git", "file", "", None, "../sheets.git"),
        ("/srv/a:b/sheets.git", "file", "", None, "/srv/a:b/sheets.git"),
    ],
)
def test_an_address_is_read_as_git_reads_it(url: str, way: str, host: str, port: int | None, path: str) -> None:
    found = Address.parse(url)

    assert (found.way, found.host, found.port, found.path, found.url) == (way, host, port, path, url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ext::sh -c touch% /canary",
        "ext::sh",
        "fd::17/x",
        "-oProxyCommand=evil:x",
        "--upload-pack=evil",
        "ssh://-oProxyCommand=evil/x",
        "ssh://-l@host/x",
        "-l@host:x",
        "git@-host:x",
        "git@host:-x",
        "ssh://git@host/",
        "git://host/x",
        "http://example.org/x",
        "ftp://example.org/x",
        "file://example.org/x",
        "https://example.org/x?y",
        "https://example.org:0/x",
        "https://example.org:port/x",
        "https://exa mple.org/x",
        "https://exämple.org/x",
        "https://example.org\\@evil.org/x",
        "https://example.org/x\nssh://evil/x",
        "git@host:x\x1b[2J",
        "https://$(evil)/x",
    ],
)
def test_what_git_could_take_for_something_else_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput):
        Address.parse(url)


def test_a_password_is_shown_nowhere() -> None:
    found = Address.parse("https://ada:s3cr%40t@github.com/ada/sheets.git")

    assert found.shown == "https://github.com/ada/sheets.git"
    assert "s3cr" not in repr(found)
    assert found.masked("no s3cr%40t and no s3cr@t") == "no *** and no ***"
