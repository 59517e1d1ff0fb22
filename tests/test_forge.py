"""Forges: what they are asked, what they may answer, and whom a token is sent to."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fault_server import (
    FaultServer,
    Reaction,
    always,
    bomb,
    document,
    drip,
    error,
    half_body,
    hang,
    page,
    raw,
    redirect,
)
from forge_server import TOKEN, GiteaHost, GitHubHost, GitLabHost, Host, violations
from gitskill.address import Address
from gitskill.errors import GitskillError, InvalidInput, NeedsPerson
from gitskill.forge.client import Client
from gitskill.forge.place import Place, Token, locate, token_for
from gitskill.forge.shape import ForgePaused, ForgeRefused, Wanted

WANTED = Wanted("gitskill/r0007/evolved", "main", "Seven lessons", "| a | table |")
GITHUB, OWN, LAB = {"GITHUB_TOKEN": "four"}, {"GH_ENTERPRISE_TOKEN": "four"}, {"GITLAB_TOKEN": "four"}
HOSTS = {"github": GitHubHost, "gitlab": GitLabHost, "gitea": GiteaHost}


def client(kind: str, server: FaultServer, *, token: str = TOKEN, seconds: float = 5) -> Client:
    place = Place(kind, f"http://127.0.0.1:{server.port}", "ada/sheets")
    return Client.connect(place, Token(token, "GH_TOKEN"), {}, seconds=seconds)


@pytest.fixture(params=HOSTS)
def forge(request: pytest.FixtureRequest) -> Iterator[tuple[Client, Host]]:
    host = HOSTS[request.param]()
    with FaultServer(host) as server:
        yield client(request.param, server), host


def test_what_is_opened_is_found_and_changed(forge: tuple[Client, Host]) -> None:
    desk, host = forge
    assert desk.find(WANTED.head) is None

    opened = desk.open(WANTED)
    found = desk.find(WANTED.head)
    assert found == opened
    changed = desk.update(opened, Wanted(WANTED.head, "main", "Eight lessons", "More."))

    assert (opened.number, changed) == (1, opened)
    assert desk.find("gitskill/r0008/evolved") is None
    assert host.wrong == []
    texts = host.pulls[0].get("body") or host.pulls[0]["description"]
    assert (host.pulls[0]["title"], texts) == ("Eight lessons", "More.")


def test_a_draft_stays_one_when_its_text_changes(forge: tuple[Client, Host]) -> None:
    desk, host = forge

    opened = desk.open(Wanted("b", "main", "Seven lessons", "x", draft=True))
    desk.update(opened, Wanted("b", "main", "Eight lessons", "x"))

    assert opened.is_draft
    found = desk.find("b")
    assert found
    assert found.is_draft
    assert host.pulls[0]["title"].endswith("Eight lessons")
    assert host.wrong == []


@pytest.mark.parametrize("kind", HOSTS)
def test_a_pull_request_from_a_fork_is_not_taken_for_ours(kind: str) -> None:
    host = HOSTS[kind]()
    with FaultServer(host) as server:
        desk = client(kind, server)
        desk.open(WANTED)
        pull = host.pulls[0]
        if kind == "gitlab":
            pull["source_project_id"] = 8
        else:
            pull["head"] = pull["head"] | {"repo": None if kind == "github" else {"id": 4}}

        assert desk.find(WANTED.head) is None


def test_the_checker_of_requests_finds_what_is_wrong() -> None:
    """Or the tests above prove nothing."""
    schema = json.loads((Path(__file__).parent / "github_pulls.json").read_text())["operations"]
    body = schema["POST /repos/{owner}/{repo}/pulls"]["body"]

    assert violations({"title": 7, "base": "main", "of": 1}, body, "body") == [
        "body.head is missing",
        "body.of is not known",
        "body.title is no string",
    ]


@pytest.mark.parametrize(
    ("reaction", "kind", "said"),
    [
        pytest.param(document({"message": "Bad credentials"}, 401), ForgeRefused, "token of GH_TOKEN: Bad", id="401"),
        pytest.param(
            document({"message": "No"}, 403), ForgeRefused, "forbids it to the token of GH_TOKEN: No", id="403"
        ),
        pytest.param(
            document({"message": "limit"}, 403, {"x-ratelimit-remaining": "0"}), ForgePaused, "no more", id="403 limit"
        ),
        pytest.param(document({"message": "x"}, 404), ForgeRefused, "may not see it: x", id="404"),
        pytest.param(
            document(
                {
                    "message": "Validation Failed",
                    "errors": [{"message": "No commits between a and b"}, {"code": "c"}, "d"],
                },
                422,
            ),
            ForgeRefused,
            r"refuses it \(422\): Validation Failed; No commits between a and b; c; d",
            id="422",
        ),
        pytest.param(document({"message": {"base": ["is gone"]}}, 400), ForgeRefused, "is gone", id="400 of GitLab"),
        pytest.param(error(429, retry_after="7"), ForgePaused, "wants no more", id="429"),
        pytest.param(document({"message": "x\n" * 5000}, 409), ForgeRefused, "refuses it", id="many words"),
        pytest.param(error(500), ForgeRefused, r"out of order \(500\)", id="500"),
        pytest.param(raw(b"", 502), ForgeRefused, r"out of order \(502\)", id="502 without a body"),
        pytest.param(page(), ForgeRefused, "does not answer as GitHub does", id="not JSON"),
        pytest.param(raw(b"[" * 100_000), ForgeRefused, "does not answer as GitHub", id="nested beyond all sense"),
        pytest.param(document({"a": 1}), ForgeRefused, "does not answer as GitHub", id="no list"),
        pytest.param(document([{"number": 1}]), ForgeRefused, "does not answer as GitHub", id="no pull requests"),
        pytest.param(
            document(
                [
                    {
                        "head": {"ref": WANTED.head, "repo": {"id": 1}},
                        "base": {"repo": {"id": 1}},
                        "number": True,
                        "html_url": "",
                    }
                ]
            ),
            ForgeRefused,
            "does not answer",
            id="a number that is none",
        ),
        pytest.param(bomb(40 * 2**20), ForgeRefused, "sent more than", id="an endless body"),
        pytest.param(half_body(), ForgeRefused, "cannot be reached", id="half a body"),
        pytest.param(hang(), ForgeRefused, "did not answer in time", id="silence"),
        pytest.param(drip(0.05), ForgeRefused, "did not answer in time", id="a byte at a time"),
    ],
)
def test_what_a_forge_does_wrong_is_one_line(reaction: Reaction, kind: type[GitskillError], said: str) -> None:
    with FaultServer(always(reaction)) as server, pytest.raises(kind, match=said) as caught:
        client("github", server, seconds=0.4).find(WANTED.head)

    assert caught.value.exit_code == (75 if kind is ForgePaused else 5)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_how_long_to_wait_is_passed_on_where_it_is_a_number() -> None:
    for told, hint in (("7", "run the command again in 7 seconds"), ("\x1b]0;x", "run the command again later")):
        with FaultServer(always(error(429, retry_after=told))) as server, pytest.raises(ForgePaused) as caught:
            client("github", server).find("b")
        assert caught.value.hint == hint


def test_a_redirect_is_not_followed_and_the_token_goes_nowhere_else() -> None:
    with FaultServer() as elsewhere, FaultServer(always(redirect(f"{elsewhere.url}/repos"))) as server:
        with pytest.raises(ForgeRefused, match=r"sends us elsewhere \(307\)"):
            client("github", server).find("b")

        assert (server.count, elsewhere.count) == (1, 0)


def test_a_forge_that_repeats_the_token_is_not_quoted_with_it() -> None:
    def tell(seen: Any) -> Reaction:
        return document({"message": f"bad {seen.headers['authorization']}"}, 422)

    with FaultServer(tell) as server, pytest.raises(ForgeRefused) as caught:
        client("github", server).find("b")

    assert "bad Bearer ***" in str(caught.value)
    assert TOKEN not in repr(client("github", server))


def test_a_forge_that_is_gone_is_told() -> None:
    with FaultServer() as server:
        desk = client("github", server)
    with pytest.raises(ForgeRefused, match="cannot be reached"):
        desk.find("b")


@pytest.mark.parametrize(
    ("url", "told", "api", "project"),
    [
        ("git@github.com:ada/sheets.git", "", "https://api.github.com", "ada/sheets"),
        ("ssh://git@ssh.github.com:443/ada/sheets.git", "", "https://api.github.com", "ada/sheets"),
        ("https://ada:pw@github.com/ada/sheets", "", "https://api.github.com", "ada/sheets"),
        ("https://octo.ghe.com/ada/sheets", "", "https://api.octo.ghe.com", "ada/sheets"),
        ("https://gitlab.com/team/sub/sheets.git", "", "https://gitlab.com/api/v4", "team/sub/sheets"),
        ("https://codeberg.org/ada/sheets.git", "", "https://codeberg.org/api/v1", "ada/sheets"),
        ("https://git.example.org/ada/sheets", "github", "https://git.example.org/api/v3", "ada/sheets"),
        ("https://example.org:8443/forge/ada/sheets", "gitea", "https://example.org:8443/forge/api/v1", "ada/sheets"),
        ("https://example.org/lab/a/b/c", "gitlab=https://example.org/lab", "https://example.org/lab/api/v4", "a/b/c"),
        ("ssh://git@a.example:2222/ada/sheets", "gitea=https://b.example/", "https://b.example/api/v1", "ada/sheets"),
        ("work:ada/sheets", "github=https://github.com", "https://api.github.com", "ada/sheets"),
    ],
)  # fmt: skip
def test_the_forge_and_the_project_are_read_from_the_remote(url: str, told: str, api: str, project: str) -> None:
    place = locate(Address.parse(url), told)

    assert (place.forge.api, place.project) == (api, project)


@pytest.mark.parametrize(
    ("url", "told", "said"),
    [
        ("https://git.example.org/ada/sheets", "", "does not know which forge git.example.org is"),
        ("https://git.example.org/ada/sheets", "bitbucket", "'bitbucket' is no forge"),
        ("/srv/git/sheets.git", "github", "is a folder, and no forge"),
        ("https://github.com/sheets", "", "does not end in OWNER/NAME"),
        ("git@github.com:ada/../x", "", "does not end in OWNER/NAME"),
        ("https://gitlab.com/a/%2e%2e/b?x", "", "more than an address"),
        ("https://github.com/ada/sheets", "github=http://example.org", "not encrypted"),
        ("https://github.com/ada/sheets", "github=https://pw@example.org", "forge's address"),
        ("https://github.com/ada/sheets", "github=ext::sh", "forge's address|names a program"),
    ],
)
def test_a_remote_without_a_forge_is_refused_before_anything_is_asked(url: str, told: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        locate(Address.parse(url), told)


@pytest.mark.parametrize(
    ("url", "told", "environment", "source"),
    [
        ("https://github.com/a/b", "", {"GITHUB_TOKEN": "four", "GH_TOKEN": "five"}, "GH_TOKEN"),
        ("https://github.com/a/b", "", {"GITHUB_TOKEN": "four"}, "GITHUB_TOKEN"),
        ("https://ghe.example/a/b", "github", GITHUB | {"GITHUB_SERVER_URL": "https://ghe.example"}, "GITHUB_TOKEN"),
        ("https://ghe.example.org/a/b", "github", OWN | {"GH_HOST": "ghe.example.org"}, "GH_ENTERPRISE_TOKEN"),
        ("https://x.ghe.com/a/b", "", {"GH_TOKEN": "four", "GH_HOST": "x.ghe.com"}, "GH_TOKEN"),
        ("https://gitlab.com/a/b", "", {"GITLAB_TOKEN": "four"}, "GITLAB_TOKEN"),
        ("https://lab.example.org/a/b", "gitlab", LAB | {"GITLAB_HOST": "lab.example.org"}, "GITLAB_TOKEN"),
        ("https://lab.example.org/a/b", "gitlab=https://lab.example.org", {"GITLAB_TOKEN": "four"}, "GITLAB_TOKEN"),
        ("https://codeberg.org/a/b", "", {"FORGEJO_TOKEN": "four"}, "FORGEJO_TOKEN"),
    ],
)  # fmt: skip
def test_a_token_is_used_for_the_host_it_is_for(url: str, told: str, environment: dict[str, str], source: str) -> None:
    found = token_for(locate(Address.parse(url), told), environment)

    assert (found.source, found.value) == (source, environment[source])
    assert "four" not in repr(found)


@pytest.mark.parametrize(
    ("url", "told", "environment"),
    [
        ("https://evil.example/a/b", "github", {"GITHUB_TOKEN": "four", "GH_TOKEN": "five"}),
        ("https://evil.example/a/b", "github", {"GH_ENTERPRISE_TOKEN": "four"}),
        ("https://evil.example/a/b", "github", {"GH_ENTERPRISE_TOKEN": "four", "GH_HOST": "ghe.example.org"}),
        ("https://github.com.evil.example/a/b", "github", {"GH_TOKEN": "four"}),
        ("https://evil.ghe.com/a/b", "", {"GH_TOKEN": "four"}),
        ("https://github.com/a/b", "", {"GH_TOKEN": "four", "GH_HOST": "ghe.example.org"}),
        ("https://evil.example/a/b", "gitlab", {"GITLAB_TOKEN": "four"}),
        ("https://gitea.com/a/b", "", {"FORGEJO_TOKEN": "four"}),
        ("https://evil.example/a/b", "gitea", {"GITEA_TOKEN": "four"}),
    ],
)
def test_a_token_is_not_sent_where_only_the_repository_says_so(
    url: str, told: str, environment: dict[str, str]
) -> None:
    with pytest.raises(NeedsPerson, match="not sent there") as caught:
        token_for(locate(Address.parse(url), told), environment)

    assert caught.value.hint.startswith("if it is: --forge")
    assert "four" not in str(caught.value)


@pytest.mark.parametrize("value", ["two words", "ümläut", "x\r\nHost: evil", "abc"])
def test_what_cannot_be_a_token_is_refused(value: str) -> None:
    with pytest.raises(InvalidInput, match=r"no token looks like that|no token for"):
        token_for(locate(Address.parse("https://github.com/a/b")), {"GH_TOKEN": value})


def test_gh_is_asked_where_no_variable_helps_and_cannot_give_a_variables_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bin" / "gh"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$@ $GH_ENTERPRISE_TOKEN $PWD" > {tmp_path}/asked\necho gh-token\n')
    program.chmod(0o755)
    environment = {"PATH": f"{program.parent}:{os.environ['PATH']}", "GH_ENTERPRISE_TOKEN": "four"}

    found = token_for(locate(Address.parse("https://ghe.example.org/a/b"), "github"), environment)

    assert (found.value, found.source) == ("gh-token", "gh auth token")
    assert (tmp_path / "asked").read_text() == "auth token --hostname ghe.example.org  /\n"
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidInput, match=r"no token for github\.com") as caught:
        token_for(locate(Address.parse("https://github.com/a/b")), {"PATH": "bin:."})
    assert "gh auth login --hostname github.com" in caught.value.hint
