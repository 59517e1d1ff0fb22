"""What is taken out of a text, what stays, and what stands in its place."""

import base64
import random
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Any
from urllib.parse import quote

import pytest

import planted
from gitskill.redact.kinds import KINDS
from gitskill.redact.named import NAMES, Name
from gitskill.redact.own import secret_values
from gitskill.redact.page import PLACEHOLDER
from gitskill.redact.phrases import PHRASES
from gitskill.redact.redactor import Redactor, redacted
from gitskill.trace import Artifact, Call, Observation, Origin, Step, Trace

DICE = random.Random(11)  # noqa: S311  # repeatable fakes
NAMED = {shape.name: shape for shape in planted.SHAPES}
MADE = {name: shape.make(DICE) for name, shape in NAMED.items()}
"""One secret of each shape."""

PASSWORD = "hunter2" + "-Blue!"
RANDOM = planted.Shape("any", ((planted.ALNUM, 32),)).make(DICE)
DIGEST = planted.Shape("digest", ((planted.HEX, 40),)).make(DICE)
UUID = "-".join(planted.Shape("part", ((planted.HEX, size),)).make(DICE) for size in (8, 4, 4, 4, 12))
PERSON = "ada" + "lovelace"
MAIL = f"{PERSON}@" + "analytical.org"
CARD = "4111" + "1111" * 3
IBAN = "DE89" + "370400440532013000"


def clean(text: str) -> str:
    return Redactor().session().text(text)


def secret(kind: str, number: int = 1) -> str:
    return f"\u2039SECRET:{kind}:{number}\u203a"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        pytest.param(f"DB_PASSWORD={PASSWORD}", "password", id="environment"),
        pytest.param(f'"password": "{PASSWORD}"', "password", id="json"),
        pytest.param(f'\\"password\\": \\"{PASSWORD}\\"', "password", id="json in json"),
        pytest.param(f'password = "it\'s-{PASSWORD}"', "password", id="a quote inside quotes"),
        pytest.param(f"self.password: str = '{PASSWORD}'", "password", id="annotated"),
        pytest.param(f"<password>{PASSWORD}</password>", "password", id="xml"),
        pytest.param(f"Server=db;User=app;Password={PASSWORD};Timeout=3", "password", id="connection string"),
        pytest.param(f"the password is {PASSWORD}", "password", id="sentence"),
        pytest.param(f"the password is \u201c{PASSWORD}\u201d", "password", id="quoted as in print"),
        pytest.param(f"I changed the password to `{PASSWORD}`", "password", id="changed"),
        pytest.param(f"login --password {PASSWORD}", "password", id="option"),
        pytest.param(f"sshpass -p '{PASSWORD}' ssh host", "password", id="sshpass"),
        pytest.param(f"mysql -u root -p{PASSWORD} shop", "password", id="mysql"),
        pytest.param(f"docker login -u me -p {PASSWORD}", "password", id="docker"),
        pytest.param(f"curl -u admin:{PASSWORD} https://x.dev", "password", id="curl"),
        pytest.param(f"machine x.dev\n  login me\n  password {PASSWORD}\n", "password", id="netrc"),
        pytest.param(f"https://me:{PASSWORD}@x.dev/", "url-password", id="address"),
        pytest.param("https://me:" + "hunter" + "@x.dev/", "url-password", id="word in an address"),
        pytest.param(f"aws_secret_access_key = {MADE['aws-secret']}", "aws-secret-key", id="aws"),
        pytest.param(f"X-Api-Key: {RANDOM}", "key", id="header"),
        pytest.param(f"STRIPE_KEY={RANDOM}", "key", id="a key of somebody"),
        pytest.param(f"export SERVICE_TOKEN={DIGEST}", "token", id="hexadecimal token"),
        pytest.param(f"client_secret: {UUID}", "secret", id="uuid that is called secret"),
        pytest.param(f"https://x.dev/?access_token={RANDOM}&page=2", "token", id="query"),
        pytest.param(f"Set-Cookie: session={RANDOM}; Path=/", "cookie", id="cookie"),
        pytest.param(f"Authorization: Token {DIGEST}", "secret", id="scheme"),
    ],
)
def test_a_value_whose_name_says_secret_is_taken_out(text: str, kind: str) -> None:
    out = clean(text)

    assert secret(kind) in out
    assert PASSWORD not in out.replace(secret(kind), "")
    assert not any(planted.remains(value, out) for value in (RANDOM, DIGEST, UUID, MADE["aws-secret"]))


@pytest.mark.parametrize(
    "text",
    [
        "password=password",
        "password = os.environ['DB_PASSWORD']",
        "api_key: process.env.API_KEY_2",
        "PASSWORD=$DB_PASSWORD1",
        "PASSWORD=${DB_PASSWORD1:-none}",
        "token: ${{ secrets.GITHUB_TOKEN2 }}",
        'api_key = "<your-key-1>"',
        'api_key = "YOUR_API_KEY_123"',
        "API_KEY=sk-...",
        "API_KEY=xxxxxxxxxxxxxxxx1",
        "password: ********",
        "password: changeme123",
        "token = tokenizer.next_token2()",
        "token = self.tokens[0]",
        "max_tokens=4096",
        "next_token: page_2",
        "key = lambda item: item.id2",
        "cache_key=sha256(b'1')",
        "primary_key=True",
        "password = forms.CharField(max_length=128)",
        "the password is required!",
        "password must have 8 characters",
        "Enter password: 12345",
        f"commit {DIGEST}",
        f"session_id: {UUID}",
        f"cache_key: {DIGEST}",
        "secret_name: my-app/db-2",
        "credentials: ~/.aws/credentials2",
        "token_url: https://x.dev/oauth2/token1",
        "docker run -u 1000:1000 -p 8080:80 image",
        "http://localhost:8080/a@b",
        "postgres://user:password@localhost/db",
        "https://user:${TOKEN1}@x.dev",
        "amqp://guest:guest@localhost/",
        "a long-sk-proj-of-names-in-small-letters and risk-management-of-everything2",
        "AKIA is how they begin; ghp_ too",
        "pk-lf-1234567890\nargs\nprogramming\nlanguages",
        "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
        'if "-----BEGIN RSA PRIVATE KEY-----" in text:\n    return "-----END RSA PRIVATE KEY-----"',
        "git@github.com:o/r.git",
        "@dataclass\n@pytest.mark.slow",
        "npm i left-pad@1.3.0 @types/node@20.1.2",
        "noreply@anthropic.com icon@2x.png x@self.coef a@b.dot",
        "/home/user/x /Users/runner/work /home/<name> https://x.dev/home/index.html /home/",
        "my-home-page --home-dir=/x -home-",
        "1234 5678 9012 3456",
        "DE00 3704 0044 0532 0130 00",
        "123-45-6789",
    ],
)
def test_code_words_and_places_for_a_secret_stay(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize(
    "comment",
    ["# gitleaks:allow", "# pragma: allowlist secret", "// kingfisher:ignore", "# nosec", "# trufflehog:ignore"],
)
def test_no_comment_switches_it_off(comment: str) -> None:
    for name in ("github-p", "aws-AKIA", "json"):
        line = NAMED[name].line(MADE[name])

        assert clean(f"{line} {comment}") == f"{clean(line)} {comment}"
        assert clean(f"{comment}\n{line}") == f"{comment}\n{clean(line)}"
        assert clean(line) != line


def test_a_value_keeps_its_placeholder_and_kinds_are_counted_apart() -> None:
    session = Redactor().session()
    one, two, other = (NAMED["github-p"].make(DICE) for _ in range(3))

    assert session.text(f"{one} {two} {one}") == f"{secret('github-token')} {secret('github-token', 2)} " + secret(
        "github-token"
    )
    assert session.text(f"{two[:9]}\n  {two[9:]}") == secret("github-token", 2)
    assert session.text(MADE["anthropic"]) == secret("anthropic-key")
    assert session.counts == {"SECRET:github-token": 4, "SECRET:anthropic-key": 1}
    assert Redactor().session().text(other) == secret("github-token")


def arguments(value: Any) -> Any:
    """Redact the arguments of a call."""
    step = Step(Origin.AGENT, calls=(Call("f", value),))
    return redacted(Trace("own", "", "", (step,)), Redactor())[0].steps[0].calls[0].arguments


def test_keys_and_leaves_of_json_are_redacted_and_other_values_stay() -> None:
    token = MADE["github-p"]

    assert arguments({token: [1, None, True, {"a": token}], f"b {token}": 2.5}) == {
        secret("github-token"): [1, None, True, {"a": secret("github-token")}],
        f"b {secret('github-token')}": 2.5,
    }


def test_two_keys_that_become_one_are_both_kept() -> None:
    token = MADE["github-p"]

    assert list(arguments({token: 1, f"{token[:9]}\n{token[9:]}": 2}).values()) == [1, 2]


@pytest.mark.parametrize("key", ["password", "DB_PASSWORD", "api_key", "clientSecret", "accessToken"])
def test_what_is_called_a_secret_is_one(key: str) -> None:
    found = arguments({"env": {key: PASSWORD, "mode": PASSWORD}, "list": {key: [PASSWORD]}})

    assert found["env"][key].startswith("\u2039SECRET:")
    assert found["list"][key][0] == found["env"][key]
    assert found["env"]["mode"] == PASSWORD


@pytest.mark.parametrize("value", ["true", "tokenizer", "${TOKEN}", "max 7", 'a "quoted" word', "", "x\ny"])
def test_what_is_called_a_secret_and_is_none_stays(value: str) -> None:
    assert arguments({"token": value, "primary_key": value}) == {"token": value, "primary_key": value}


@pytest.mark.parametrize(
    "text",
    [
        f'\\n{MADE["aws-AKIA"]}\\"',
        f"\\\\n{MADE['aws-AKIA']}\\\\n",
        f"\\t{MADE['aws-AKIA']},",
        MADE["openai-made-up"].replace("-", "\\u002d"),
        MADE["openai-made-up"].replace("-", "\\\\u002D"),
    ],
)
def test_escapes_of_quoted_json_hide_nothing(text: str) -> None:
    assert not planted.remains(MADE["aws-AKIA"], clean(text))
    assert not planted.remains(MADE["openai-made-up"].removeprefix("sk-proj-"), clean(text))


@pytest.mark.parametrize("name", ["azure-client", "telegram", "mailchimp", "discord-bot", "github-p", "jwt"])
def test_two_tokens_side_by_side_are_two(name: str) -> None:
    first, second = NAMED[name].make(DICE), NAMED[name].make(DICE)
    session = Redactor().session()

    assert len(session.text(f"{first},{second}").split(",")) == 2
    assert sum(session.counts.values()) == 2
    assert len(Redactor().spans(f"{first}:{second}")) == 2


def test_a_line_that_follows_a_token_stays_if_it_is_a_line_of_its_own() -> None:
    first, second = (NAMED["gitlab"].make(DICE) for _ in range(2))

    assert clean(f"{first}\nThe next line") == f"{secret('gitlab-token')}\nThe next line"
    assert clean(f"the token\n{first}\nis new") == f"the token\n{secret('gitlab-token')}\nis new"
    assert clean(f"PASSWORD={PASSWORD}\nOther-Words-2") == f"PASSWORD={secret('password')}\nOther-Words-2"
    assert clean(f"?token={RANDOM}&page=2") == f"?token={secret('token')}&page=2"
    assert clean(f"{first}\nname2=value") == f"{secret('gitlab-token')}\nname2=value"
    assert clean(f"{first}\n{second}") == f"{secret('gitlab-token')}\n{secret('gitlab-token', 2)}"
    assert clean(f"{first[:9]}\n\n{first[9:]}") == f"{first[:9]}\n\n{first[9:]}"


@pytest.mark.parametrize("name", ["RSA ", "EC ", "OPENSSH ", "ENCRYPTED ", ""])
def test_private_keys_are_taken_out_whole(name: str) -> None:
    key = planted.private_key(DICE, name)
    lines = key.split("\n")

    for text in (key, key.replace("\n", "\\n"), key.replace("\n", "\\\\n"), key.replace("\n", '\\n"\n    "')):
        assert clean(f"a\n{text}\nb") == f"a\n{secret('private-key')}\nb"
    assert clean("a\n" + "\n".join(lines[:-1])).rstrip("+=") == f"a\n{secret('private-key')}"
    assert clean("\n".join(lines[5:]) + "\nb") == f"{secret('private-key')}\nb"


def test_what_becomes_a_secret_when_its_neighbour_is_gone_is_taken_out_too() -> None:
    text = f"{RANDOM}-----END PRIVATE KEY----------BEGIN PRIVATE KEY-----{MADE['aws-AKIA']}"

    assert clean(clean(text)) == clean(text)


def test_a_pgp_key_with_headers_is_taken_out() -> None:
    mark = "PGP PRIVATE KEY BLOCK"
    body = planted.private_key(DICE).split("\n")[1:-1]
    lines = [f"-----BEGIN {mark}-----", "Version: GnuPG v2", "", *body, "=ab1C", f"-----END {mark}-----"]

    assert clean("\n".join(lines)) == secret("private-key")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("/home/{}/x.py", "\u2039HOME:1\u203a/x.py"),
        ("cd /Users/{}", "cd \u2039HOME:1\u203a"),
        ("C:\\Users\\{}\\x", "\u2039HOME:1\u203a\\x"),
        ("c:\\\\users\\\\{}\\\\x", "\u2039HOME:1\u203a\\\\x"),
        ("C:/Users/{}/x", "\u2039HOME:1\u203a/x"),
        ("/mnt/c/Users/{}/x", "\u2039HOME:1\u203a/x"),
        ("file:///home/{}/x", "file://\u2039HOME:1\u203a/x"),
        ("file%3A%2F%2F%2Fhome%2F{}%2Fx", "file%3A%2F%2F\u2039HOME:1\u203a%2Fx"),
        ("~/.claude/projects/-Users-{}-code/x", "~/.claude/projects/\u2039HOME:1\u203a-code/x"),
        ("-home-{}-code", "\u2039HOME:1\u203a-code"),
        ("\\n/home/{}\\n", "\\n\u2039HOME:1\u203a\\n"),
    ],
)
def test_a_home_loses_the_part_that_is_personal(before: str, after: str) -> None:
    assert clean(before.format(PERSON)) == after


def test_one_person_has_one_placeholder_however_the_home_is_written() -> None:
    text = f"/home/{PERSON}/a C:\\Users\\{PERSON}\\b -Users-{PERSON}-c %2Fhome%2F{PERSON}%2Fd /home/jo-{PERSON}/e"

    assert clean(text) == (
        "\u2039HOME:1\u203a/a \u2039HOME:1\u203a\\b \u2039HOME:1\u203a-c \u2039HOME:1\u203a%2Fd \u2039HOME:2\u203a/e"
    )


def test_a_windows_name_that_looks_like_an_escape_is_found() -> None:
    assert clean("C:\\Users\\" + "nadia" + "\\x") == "\u2039HOME:1\u203a\\x"


def test_mail_cards_accounts_and_numbers_of_people() -> None:
    card = "-".join(CARD[at : at + 4] for at in range(0, 16, 4))
    grouped = " ".join(IBAN[at : at + 4] for at in range(0, len(IBAN), 4))

    assert clean(f"Write to <{MAIL}>.") == "Write to <\u2039EMAIL:1\u203a>."
    assert (
        clean(f"pay {card} or {grouped} or {IBAN}")
        == "pay \u2039CARD:1\u203a or \u2039IBAN:1\u203a or \u2039IBAN:2\u203a"
    )
    assert clean("SSN: 123-45-6789") == "SSN: \u2039SSN:1\u203a"


def test_the_environment_is_read_for_values_that_are_secrets() -> None:
    environment = {
        "OPENAI_API_KEY": RANDOM,
        "DB_PASSWORD": PASSWORD,
        "MYSQL_PWD": PASSWORD,
        "PGPASSWORD": PASSWORD,
        "AWS_SECRET_ACCESS_KEY": MADE["aws-secret"],
        "SECRET_KEY_BASE": DIGEST,
        "GPG_KEY": DIGEST.upper(),
        "SSH_AUTH_SOCK": "/tmp/ssh-a1B2c3/agent.42",  # noqa: S108  # a value, no file
        "KEYBOARD_LAYOUT": "us-intl-2024",
        "PWD": "/srv/a1",
        "AUTH_METHOD": "basic-auth1",
        "USE_TOKEN": "false",
        "GIT_ASKPASS": "/usr/bin/askpass1",
        "AUTH_TOKEN": "short1",
        "SERVICE_PASSWORD": "postgres",
        "TOKEN_LIMIT": "100000000",
        "TOKEN": "https://x.dev/token1",
        "HOME": "/home/a1b2c3d4",
        "PATH": "/usr/bin:/bin",
    }

    assert list(secret_values(environment)) == list(environment)[:6]


def test_own_secrets_are_found_in_every_spelling() -> None:
    value = "p:" + PASSWORD + "/" + RANDOM[:9]
    redactor = Redactor({"MY_SECRET": value, "HOME": "/x"})
    spellings = [value, f"{value[:7]}\n   {value[7:]}", f"{value[:7]}\\n{value[7:]}", quote(value, safe="")]
    spellings += [base64.b64encode(f"{'x' * shift}{value}{'y' * shift}".encode()).decode() for shift in range(4)]

    for text in spellings:
        out = redactor.session().text(f"a {text} b")
        assert secret("own") in out
        assert not planted.remains(text.replace("\n   ", "").replace("\\n", ""), out)


def test_an_own_secret_is_found_inside_a_word_and_when_it_is_short() -> None:
    redactor = Redactor({"API_TOKEN": "q7w8e9r1"})

    assert redactor.session().text("xq7w8e9r1y") == f"x{secret('own')}y"
    assert redactor.session().text("q7w8e9r1") == secret("own")


def test_no_repr_shows_a_secret() -> None:
    redactor = Redactor({"API_TOKEN": RANDOM})
    session = redactor.session()
    session.text(f"{MADE['anthropic']} {RANDOM}")

    shown = f"{redactor!r} {session!r} {redactor.spans(RANDOM)!r} {session.counts!r}"
    assert not planted.remains(RANDOM, shown)
    assert not planted.remains(MADE["anthropic"], shown)


def test_every_kind_has_a_name_that_is_known_in_a_placeholder() -> None:
    for row in (*KINDS, *NAMES, *PHRASES):
        name = row.kind if isinstance(row, Name) else row.name
        assert PLACEHOLDER.fullmatch(secret(name)), name


def test_placeholders_are_no_secrets_and_none_of_ours_are_forged() -> None:
    text = f"password: {secret('password')} token={secret('token', 12)} \u2039HOME:1\u203a/x \u2039EMAIL:3\u203a"

    assert clean(text) == text
    assert not planted.remains(MADE["github-p"], clean(f"\u2039SECRET:{MADE['github-p']}:1\u203a"))
    assert not planted.remains(DIGEST, clean(f"\u2039SECRET:token={DIGEST}:1\u203a"))
    assert not planted.remains(MADE["github-p"], clean(f"{secret('x')}{MADE['github-p']}{secret('x')}"))


def test_half_characters_are_replaced() -> None:
    assert clean("a\ud800b\udfff") == "a\ufffdb\ufffd"
    assert clean("\U0001f600") == "\U0001f600"


def texts(value: Any) -> Iterator[str]:
    """Give every string anywhere in a trace."""
    if isinstance(value, str):
        yield value
    elif is_dataclass(value):
        for field in fields(value):
            yield from texts(getattr(value, field.name))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from texts(item)
    elif isinstance(value, tuple | list):
        for item in value:
            yield from texts(item)


def full_trace(text: str) -> Trace:
    call = Call(text, {text: [text, {"n": 1}]}, Observation(text, exit_code=1, reward=0.5))
    step = Step(Origin.AGENT, text, text, (call,), time=text, agent=text)
    return Trace(text, text, text, (step,), text, text, text, text, (Artifact(text, text),), error=text, notes=(text,))


@dataclass(frozen=True, slots=True)
class Later(Trace):
    """A trace with a field that somebody adds one day."""

    extra: tuple[str, ...] = ()


def test_every_text_of_a_trace_is_redacted_and_counted() -> None:
    token = MADE["github-p"]

    trace, counts = redacted(full_trace(f"see {token}"), Redactor())

    found = list(texts(trace))
    assert set(found) == {f"see {secret('github-token')}", "n", "agent"}
    assert counts == {"SECRET:github-token": len(found) - 2}
    assert trace.steps[0].origin is Origin.AGENT
    assert trace.steps[0].calls[0].observation == Observation(f"see {secret('github-token')}", exit_code=1, reward=0.5)


def test_a_field_that_is_added_later_is_not_forgotten() -> None:
    trace, _ = redacted(Later("a", "b", "c", (), extra=(MADE["github-p"],)), Redactor())

    assert trace == Later("a", "b", "c", (), extra=(secret("github-token"),))


def test_a_redacted_trace_stays_as_it_is() -> None:
    once, _ = redacted(full_trace(f"{MADE['jwt']} {MAIL} /home/{PERSON}/x password={PASSWORD} \ud83d"), Redactor())

    assert redacted(once, Redactor()) == (once, {})
