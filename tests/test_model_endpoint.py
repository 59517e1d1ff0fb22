"""Who may say where questions go, and who may not."""

from typing import Any

import pytest

from gitskill.errors import InvalidInput
from gitskill.model.budget import Limits, narrowed
from gitskill.model.endpoint import OPENAI, Endpoint, settle

KEY = "sk-test-0123456789"


@pytest.mark.parametrize(
    "url",
    [
        "https://api.openai.com/v1",
        "https://[2001:db8::1]:8443/v1",
        "http://localhost:11434/v1",
        "http://127.0.0.1:8080/v1",
        "http://127.3.2.1/v1",
        "http://[::1]:8000/v1",
    ],
)
def test_https_anywhere_and_http_on_this_machine(url: str) -> None:
    assert Endpoint(url).base_url == url


@pytest.mark.parametrize(
    "url",
    [
        "http://api.openai.com/v1",
        "http://localhost.evil.example/v1",
        "http://127.0.0.1.evil.example/v1",
        "http://10.0.0.1/v1",
        "http://[::2]/v1",
        "http://2130706433/v1",
        "ftp://localhost/v1",
        "file:///etc/passwd",
        "localhost:8080",
        "https://",
        "https://user:pass@host/v1",
        "http://evil.example@127.0.0.1/v1",
        "https://host/v1?key=1",
        "https://host/v1#x",
        "https://host:99999/v1",
        "https://ho st/v1",
        "https://host\n.example/v1",
        "https://h\u00f6st/v1",
        "",
    ],
)
def test_every_other_base_url_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput):
        Endpoint(url)


@pytest.mark.parametrize("key", ["sk\n-x", "sk-\u00fc", "sk\x00"])
def test_a_key_that_no_header_can_hold_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Endpoint("https://host/v1", key)

    assert key not in str(caught.value)


@pytest.mark.parametrize("headers", [(("X Y", "1"),), (("X", "1\r\nAuthorization: x"),), (("", "1"),)])
def test_a_header_that_is_none_is_refused(headers: tuple[tuple[str, str], ...]) -> None:
    with pytest.raises(InvalidInput, match="header"):
        Endpoint("https://host/v1", headers=headers)


def test_no_secret_is_shown() -> None:
    endpoint = Endpoint("https://host/v1", KEY, (("api-key", "header-secret"),), proxy="http://u:p@proxy")
    settings = settle({"base_url": "https://host/v1", "model": "m"}, {"OPENAI_API_KEY": KEY}, {})

    shown = f"{endpoint!r} {endpoint} {settings!r}"
    assert not any(secret in shown for secret in (KEY, "header-secret", "u:p"))
    assert endpoint.masked(f"bad key {KEY} or header-secret") == "bad key *** or ***"


def test_nothing_said_is_no_model() -> None:
    assert settle({}, {"PATH": "/bin", "HTTPS_PROXY": "http://proxy"}, {}) is None


@pytest.mark.parametrize(
    ("flags", "environment", "user", "url", "source"),
    [
        (
            {"base_url": "https://a/v1"},
            {"OPENAI_BASE_URL": "https://b/v1"},
            {"base_url": "https://c/v1"},
            "a",
            "--base-url",
        ),
        ({}, {"OPENAI_BASE_URL": "https://b/v1/"}, {"base_url": "https://c/v1"}, "b", "OPENAI_BASE_URL"),
        ({}, {}, {"base_url": "https://c/v1"}, "c", "your configuration"),
        ({}, {"OPENAI_BASE_URL": ""}, {}, "", "the default"),
    ],
    ids=["flag", "environment", "user", "default"],
)
def test_flags_win_over_the_environment_and_that_over_the_user(
    flags: dict[str, str], environment: dict[str, str], user: dict[str, Any], url: str, source: str
) -> None:
    found = settle(flags | {"model": "m"}, environment | {"OPENAI_API_KEY": KEY}, user)

    assert found
    assert found.endpoint.base_url == (f"https://{url}/v1" if url else OPENAI)
    assert (found.source, found.endpoint.key) == (source, KEY)


def test_the_model_and_the_key_come_from_the_nearest() -> None:
    user = {"model": "theirs", "key": "sk-user", "headers": {"X-Team": "blue"}, "deadline": 30}
    near = settle({"model": "flag"}, {"GITSKILL_MODEL": "env", "OPENAI_API_KEY": KEY}, user)
    middle = settle({}, {"GITSKILL_MODEL": "env"}, user)
    far = settle({}, {}, user)

    assert near
    assert middle
    assert far
    assert [each.model for each in (near, middle, far)] == ["flag", "env", "theirs"]
    assert [each.endpoint.key for each in (near, middle, far)] == [KEY, "sk-user", "sk-user"]
    assert (far.endpoint.headers, far.endpoint.deadline) == ((("X-Team", "blue"),), 30.0)


@pytest.mark.parametrize(
    ("environment", "user", "says"),
    [
        ({"OPENAI_API_KEY": KEY}, {}, "no model is named"),
        ({"GITSKILL_MODEL": "m"}, {}, "no key for api.openai.com"),
        ({}, {"modle": "m"}, "modle is no setting"),
        ({}, {"model": 3, "key": "k"}, "model is not text"),
        ({}, {"model": "m", "base_url": 3}, "base_url is not text"),
        ({}, {"model": "m", "key": "k", "headers": {"a": 1}}, "headers is not a mapping"),
        ({}, {"model": "m", "key": "k", "headers": "x"}, "headers is not a mapping"),
        ({}, {"model": "m", "key": "k", "deadline": 0}, "deadline"),
        ({}, {"model": "m", "key": "k", "deadline": True}, "deadline"),
        ({}, {"model": "m", "key": "k", "deadline": float("nan")}, "deadline"),
    ],
)
def test_settings_that_make_no_sense_are_named(environment: dict[str, str], user: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        settle({}, environment, user)


def test_a_server_on_this_machine_needs_no_key() -> None:
    assert settle({"base_url": "http://localhost:11434/v1", "model": "m"}, {}, {})


@pytest.mark.parametrize(
    ("url", "environment", "proxy"),
    [
        ("https://host.example/v1", {"HTTPS_PROXY": "http://p:1"}, "http://p:1"),
        ("https://host.example/v1", {"https_proxy": "http://p:1"}, "http://p:1"),
        ("https://host.example/v1", {"HTTP_PROXY": "http://p:1", "ALL_PROXY": "http://p:1"}, ""),
        ("https://host.example/v1", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "a.b, .example"}, ""),
        ("https://host.example/v1", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "host.example"}, ""),
        ("https://host.example/v1", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*"}, ""),
        ("https://host.example/v1", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "xample,ost.example"}, "http://p:1"),
        ("http://127.0.0.1:8080/v1", {"HTTPS_PROXY": "http://p:1", "HTTP_PROXY": "http://p:1"}, ""),
    ],
)
def test_only_https_goes_through_a_proxy(url: str, environment: dict[str, str], proxy: str) -> None:
    found = settle({"base_url": url, "model": "m"}, environment | {"OPENAI_API_KEY": KEY}, {})

    assert found
    assert found.endpoint.proxy == proxy


@pytest.mark.parametrize("proxy", ["socks5://p:1", "p:1", "nonsense"])
def test_a_proxy_that_is_none_is_refused(proxy: str) -> None:
    with pytest.raises(InvalidInput, match="the proxy is not an http or https URL"):
        Endpoint("https://host/v1", proxy=proxy)


@pytest.mark.parametrize(
    "key", ["base_url", "key", "headers", "model", "proxy", "prices", "deadline", "Model", "api_key"]
)
def test_a_repository_that_says_where_questions_go_is_an_error_that_names_the_key(key: str) -> None:
    with pytest.raises(InvalidInput, match=f"may not set {key}: "):
        narrowed(Limits(), {"max_calls": 3, key: "https://evil.example"})


@pytest.mark.parametrize(
    ("ours", "theirs", "both"),
    [
        (Limits(), {}, Limits()),
        (Limits(calls=10), {"max_calls": 3, "max_usd": 0.5}, Limits(calls=3, usd=0.5)),
        (
            Limits(calls=10, tokens=100, usd=1.0),
            {"max_calls": 99, "max_tokens": 999, "max_usd": 9},
            Limits(10, 100, 1.0),
        ),
        (Limits(calls=10), {"max_calls": 0}, Limits(calls=0)),
    ],
)
def test_a_repository_may_narrow_and_never_widen(ours: Limits, theirs: dict[str, Any], both: Limits) -> None:
    assert narrowed(ours, theirs) == both


@pytest.mark.parametrize("value", [-1, "3", None, True, float("nan")])
def test_a_limit_is_a_number(value: object) -> None:
    with pytest.raises(InvalidInput, match="max_calls in the repository's configuration is not a number"):
        narrowed(Limits(), {"max_calls": value})
