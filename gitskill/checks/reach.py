"""What a change lets an agent do that it was not told to do before: new hosts, commands, scripts, permissions.

Or what it is no longer told: a change that takes most of the skill away is held too.

Reach is compared with the base as a whole: what the skill names already is no
news, wherever it stands. A finding holds a lesson for a person; it never says
that the lesson is bad, and nothing that it does not find is safe for that.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache

from gitskill.checks.finding import Finding, Level
from gitskill.skill.frontmatter import split
from gitskill.skill.snapshot import SKILL_FILE, Skill, is_binary

_ENDINGS = "sh|bash|zsh|py|pyw|rb|pl|php|js|mjs|cjs|ts|ps1|psm1|bat|cmd|exe|msi|jar|dll|so|bin|run|appimage|vbs|scpt"
_URL = re.compile(
    r"\b[a-z][a-z0-9+.-]{1,20}://(?:[^\s/@]{1,200}@)?(\[[0-9a-f:.]+\]|[^\s/:\[\]()<>\"'`?#]+)", re.IGNORECASE
)
_ADDRESS = re.compile(r"(?<![\w.])(\d{1,3}(?:\.\d{1,3}){3})(?![\w.]*\w)")
_AT = re.compile(r"[\w.+-]@((?:[\w-]{1,63}\.)+[a-z]{2,24})\b", re.IGNORECASE)
_DOMAIN = re.compile(
    r"(?<![\w@/.-])((?:[a-z0-9](?:[\w-]{0,61}[a-z0-9])?\.)+"
    r"(?:com|org|net|io|dev|app|ai|co|sh|me|xyz|info|biz|cloud|site|online|tech|club|top|gg|cc|ru|cn|de|uk|eu|us))"
    r"(?![\w.-]*\w)",
    re.IGNORECASE,
)
_SCRIPT = re.compile(rf"(?<![\w./-])((?:[\w.@~-]+/)*[\w@-][\w.@-]*\.(?:{_ENDINGS}))(?![\w-])", re.IGNORECASE)

_PROGRAMS = (
    "curl wget httpie aria2c nc ncat netcat socat telnet ftp sftp tftp ssh scp rsync sshpass rclone ngrok "
    "pip pip3 pipx uvx npx npm pnpm yarn bunx gem cargo brew apt apt-get aptitude dnf yum pacman apk snap choco "
    "winget conda docker podman kubectl helm terraform ansible aws gcloud gsutil az heroku flyctl gh hub "
    "sudo doas su chmod chown setfacl crontab systemctl launchctl schtasks osascript powershell pwsh certutil "
    "bitsadmin openssl gpg ssh-keygen mkfs dd shred mount insmod iptables eval nohup xattr sqlcmd mysql psql "
    "sqlite3 mongo redis-cli sendmail mail"
)
"""What reaches out, installs, or takes hold of the machine. A program that only reads files is no reach."""
_PROGRAM = re.compile(
    rf"(?<![\w./-])({'|'.join(sorted(_PROGRAMS.split(), key=len, reverse=True))})(?=\s+[-\w./$\"'~<{{]|\s*[`|;&]|\s*$)"
)
_PHRASES = {
    "git that writes or fetches": re.compile(
        r"\bgit\s+(?:push|clone|remote|config|submodule|pull|fetch|reset|clean)\b"
    ),
    "a shell that runs text": re.compile(
        r"\b(?:ba|z|da|k)?sh\s+-c\b|\|\s*(?:sudo\s+)?(?:ba|z|da)?sh\b|\bpython3?\s+-c\b|\bnode\s+-e\b"
    ),
    "rm -r": re.compile(r"\brm\s+-[a-z]*[rf]"),
    "rm of what a program names": re.compile(r"\brm\s+[\"']?[$`]"),
    "go install": re.compile(r"\bgo\s+(?:install|get|run)\b"),
    "a download in a program": re.compile(
        r"\b(?:requests|httpx)\.(?:get|post|put)\b|\burllib\.request\b|\burlopen\b|\bfetch\("
        r"|\bInvoke-(?:WebRequest|Expression)\b"
    ),
    "the secrets of the environment": re.compile(
        r"\bprintenv\b|\bos\.environ\b|\bprocess\.env\b|~/\.(?:ssh|aws|netrc|gnupg|kube)\b"
        r"|\b[A-Z][A-Z0-9_]*_(?:TOKEN|KEY|SECRET|PASSWORD)\b"
    ),
}
_HIDDEN = {
    "an HTML comment": re.compile(r"<!--|-->"),
    "HTML that is not shown as text": re.compile(
        r"<(?:details|script|iframe|object|embed|style|template|img|svg)\b", re.IGNORECASE
    ),
    "a link's title": re.compile(r"\]\([^)\s]+\s+[\"'(]"),
    "a link definition": re.compile(r"^\s{0,3}\[[^\]]+\]:\s*\S"),
    "an image": re.compile(r"!\["),
}
_WORD = re.compile(r"[^\W\d_]{2,}")
_SHORT = 1000
_Item = tuple[str, str]


@lru_cache(maxsize=128)  # many lessons make the same of a skill
def reach_findings(base: Skill, skill: Skill) -> tuple[Finding, ...]:
    """Hold whatever `skill` reaches that `base` did not: once for each new thing, at the first line that has it."""
    known = _reached(base)
    found: dict[_Item, Finding] = {}
    for path, text in _texts(skill):
        for line, item in _reach(path, text):
            if item not in known and item not in found:
                found[item] = Finding("reach", Level.HELD, path, line, f"new {item[0]}: {item[1]}")
    others = (_file_findings, _frontmatter_findings, _removal_findings)
    return (*found.values(), *(each for find in others for each in find(base, skill)))


@lru_cache(maxsize=4)
def _reached(base: Skill) -> frozenset[_Item]:
    return frozenset(item for path, text in _texts(base) for _, item in _reach(path, text))


def _texts(skill: Skill) -> Iterator[tuple[str, str]]:
    for path, data in sorted(skill.files.items()):
        if path.endswith(".md") or not is_binary(data):
            yield path, data.decode("utf-8", "replace")


def _reach(path: str, text: str) -> Iterator[tuple[int, _Item]]:
    """Give everything that a file reaches, with its line."""
    is_markdown = path.endswith(".md")
    for number, line in enumerate(text.split("\n"), start=1):
        # Nearly all lines of a skill are those of its base, which every lesson is compared with.
        read = _known_line if len(line) <= _SHORT else _line
        yield from ((number, item) for item in read(line, is_markdown))


def _line(line: str, is_markdown: bool) -> tuple[_Item, ...]:
    plain = unicodedata.normalize("NFKC", line)
    return (
        *(("host", host) for host in _hosts(plain)),
        *(("command", match[1]) for match in _PROGRAM.finditer(plain)),
        *(("command", name) for name, pattern in _PHRASES.items() if pattern.search(plain)),
        *(("script", match[1]) for match in _SCRIPT.finditer(plain)),
        *(("hidden text", what) for what, pattern in _HIDDEN.items() if is_markdown and pattern.search(line)),
        *(("word in two scripts", word) for word in _mixed(plain)),
    )


_known_line = lru_cache(maxsize=8192)(_line)


def _hosts(line: str) -> Iterator[str]:
    for pattern in (_URL, _ADDRESS, _AT, _DOMAIN):
        for match in pattern.finditer(line):
            yield match[1].lower().rstrip(".,;")


def _mixed(line: str) -> Iterator[str]:
    """Give words that mix Latin letters with ones of another alphabet that look like them."""
    if not line.isascii():
        for match in _WORD.finditer(line):
            scripts = {unicodedata.name(char, "?").partition(" ")[0] for char in match[0]}
            if "LATIN" in scripts and scripts & {"CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE"}:
                yield match[0]


def _file_findings(base: Skill, skill: Skill) -> Iterator[Finding]:
    """Hold every script that is new or changed: a file in scripts/, or one that may be run."""
    for path in sorted(skill.files):
        is_same = skill.files[path] == base.files.get(path)
        if path in skill.executable - base.executable or (path.startswith("scripts/") and not is_same):
            yield Finding("reach", Level.HELD, path, None, f"a {'changed' if path in base.files else 'new'} script")


def _frontmatter_findings(base: Skill, skill: Skill) -> Iterator[Finding]:
    before, after = (_frontmatter(each) for each in (base, skill))
    if before != after and SKILL_FILE in base.files:
        yield Finding("reach", Level.HELD, SKILL_FILE, 1, "the frontmatter changed")


def _removal_findings(base: Skill, skill: Skill) -> Iterator[Finding]:
    """Hold what takes most of SKILL.md, or a whole file, out of a skill: a lesson adds or mends."""
    before = _body_lines(base)
    removed = (before - _body_lines(skill)).total()
    if 2 * removed > before.total():
        message = f"removes {removed} of {before.total()} lines of {SKILL_FILE}"
        yield Finding("reach", Level.HELD, SKILL_FILE, None, message)
    for path in sorted(base.files.keys() - skill.files.keys() - {SKILL_FILE}):
        yield Finding("reach", Level.HELD, path, None, "removes the whole file")


def _body_lines(skill: Skill) -> Counter[str]:
    """Count the lines that say something. Where they stand is all one: a section may be moved."""
    body = split(skill.files.get(SKILL_FILE, b"").decode("utf-8", "replace")).body
    return Counter(text for line in body.split("\n") if (text := line.strip()))


def _frontmatter(skill: Skill) -> str:
    return split(skill.files.get(SKILL_FILE, b"").decode("utf-8", "replace")).raw
