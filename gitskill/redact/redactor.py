"""Texts and traces without the secrets and personal data that were in them."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from gitskill.redact.blocks import private_keys
from gitskill.redact.named import NAME_WORDS, assigned
from gitskill.redact.own import needles, own_secrets, secret_values
from gitskill.redact.page import CLOSE, OPEN, Joined, Page
from gitskill.redact.personal import HOME_WORDS, emails, homes, numbers
from gitskill.redact.phrases import PHRASE_WORDS, addresses, cookies, phrases
from gitskill.redact.span import Span, apart, merged
from gitskill.redact.tokens import tokens
from gitskill.trace import Trace, with_texts

_SURROGATE = re.compile(r"[\ud800-\udfff]")
"""Half of a character: no file can hold it."""
_SEPARATOR = re.compile(r"[\\/]|%2[Ff]")
_SHORTEST = 6
"""An address of mail such as a@b.co; nothing that is searched is shorter."""
_TELLING = re.compile(r"pass|pwd|secret|token|key|auth|cred|cookie|pat$", re.IGNORECASE)
"""A key that may say that what stands under it is a secret."""

_ROUNDS = 8
"""What is left may be a secret only now: its neighbour had belonged to it. Only hostile texts need more than two."""
_WORD = 20
"""A text without any sign that is shorter than this holds nothing but perhaps an own secret."""


class Redactor:
    """Finds what may not be kept. Nothing in a text or a repository can switch it off."""

    def __init__(self, own_secrets: Mapping[str, str] | None = None) -> None:
        """Take the process's environment, of which the variables that hold secrets are searched for literally."""
        self._needles = needles(secret_values(own_secrets or {}).values())

    @property
    def has_own(self) -> bool:
        """Tell whether there are own secrets to search for."""
        return bool(self._needles)

    def session(self) -> "Redaction":
        """Begin the redaction of one trace."""
        return Redaction(self)

    def spans(self, text: str) -> list[Span]:
        """Give every place in `text` that may not be kept, in order, none touching another."""
        page = Page(text)
        lower = page.lower.decode("latin-1")  # text is searched for many short words faster than bytes are
        present = [word for word, short in _WORDS if short in lower]
        found = list(own_secrets(page, self._needles)) if self._needles else []
        found += tokens(page)
        found += _rare(page)
        if present:
            found += phrases(page, present)
            found += assigned(page, present)
        found = merged(found) if found else found
        personal = _personal(page, present)
        return merged([*found, *apart(merged(personal), found)]) if personal else found


_WORDS = tuple((word, word.decode()) for word in dict.fromkeys(NAME_WORDS + PHRASE_WORDS + HOME_WORDS))
"""What a text must hold, in lower case, for a search that needs it to begin; in the order of the tables."""


def _rare(page: Page) -> list[Span]:
    data = page.joined.data
    found: list[Span] = []
    if b"PRIVATE KEY" in data:
        found += private_keys(page)
    if b"://" in data and b"@" in data:
        found += addresses(page)
    if b"ookie" in data:
        found += cookies(page)
    return found


def _personal(page: Page, present: list[bytes]) -> list[Span]:
    found: list[Span] = []
    if b"@" in page.flat:
        found += emails(page)
    if HOME_WORDS[0] in present or HOME_WORDS[1] in present:
        found += homes(page, present)
    found += numbers(page)
    return found


class Redaction:
    """The redaction of one trace: the same value gets the same placeholder, numbered as values appear.

    Which value a placeholder stands for is known in memory alone, and to this object alone.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._numbers: dict[tuple[str, str], int] = {}
        self._last: Counter[str] = Counter()
        self._counts: Counter[str] = Counter()
        self._clean: set[str] = set()

    @property
    def counts(self) -> Mapping[str, int]:
        """How many places were replaced, by what their placeholders are called: `SECRET:aws-key`, `EMAIL`."""
        return dict(self._counts)

    def text(self, text: str) -> str:
        """Replace everything that may not be kept by placeholders, and lone surrogates by U+FFFD."""
        if not text.isascii():
            text = _whole(text)
        if len(text) < _SHORTEST or (len(text) < _WORD and text.isalnum() and not self._redactor.has_own):
            return text
        if text in self._clean:  # logs repeat themselves: many hold the whole conversation at every step
            return text
        for _ in range(_ROUNDS):
            spans = self._redactor.spans(text)
            if not spans:
                break
            text = "".join(self._replaced(text, spans))
            if not any(span.label.startswith("SECRET") for span in spans):
                break
        self._clean.add(text)
        return text

    def under(self, key: str, text: str) -> str:
        """Redact a text that stands under `key` in an object: what is called a secret there is one."""
        if not _TELLING.search(key):
            return self.text(text)
        front = f'{key}="'
        found = self.text(f'{front}{text}"')
        whole = found.startswith(front) and found.endswith('"')
        return found[len(front) : -1] if whole else self.text(text)

    def _replaced(self, text: str, spans: list[Span]) -> Iterator[str]:
        end = 0
        for span in spans:
            yield text[end : span.start]
            yield self._placeholder(span.label, text[span.start : span.end])
            end = span.end
        yield text[end:]

    def _placeholder(self, label: str, value: str) -> str:
        key = (label, _canonical(label, value))
        if key not in self._numbers:
            self._last[label] += 1
            self._numbers[key] = self._last[label]
        self._counts[label] += 1
        return f"{OPEN}{label}:{self._numbers[key]}{CLOSE}"


def redacted(trace: Trace, redactor: Redactor) -> tuple[Trace, Mapping[str, int]]:
    """Redact every text in `trace`, and count what was replaced by kind."""
    redaction = redactor.session()
    return with_texts(trace, redaction.under), redaction.counts


def _whole(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        return _SURROGATE.sub("\ufffd", text)
    return text


def _canonical(label: str, value: str) -> str:
    """Give what makes two places the same: the name of a home, a token without its line breaks."""
    if label == "HOME":
        return re.split("-" if value.startswith("-") else _SEPARATOR, value)[-1]
    if value.isascii() and ("\n" in value or "\\" in value):
        return Joined(Page(value).flat).data.decode("latin-1")
    return value
