"""Signatures of tags, made and checked as git does, by the programs that the person's own git configuration names.

A repository's configuration may name a program too: it is never read here, nor
does git itself run, which would read it.
"""

import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from gitskill.errors import GitRefused, InvalidInput
from gitskill.store.git import own_environment
from gitskill.store.objects import Signer
from gitskill.store.tags import TagText

_SSH = b"-----BEGIN SSH SIGNATURE-----"
_X509 = b"-----BEGIN SIGNED MESSAGE-----"
_PROGRAMS = {"openpgp": "gpg", "x509": "gpgsm", "ssh": "ssh-keygen"}


class SigningFailed(GitRefused):
    """The program that signs or checks signatures did not."""


class Trust(StrEnum):
    """What a signature is worth to this person."""

    GOOD = "good"
    NONE = "none"
    UNKNOWN = "unknown"
    """It may be right: this person has told nobody whose it should be, or lacks the key or the program."""
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Signature:
    """What came of checking one."""

    trust: Trust
    told: str = ""
    """Whose it is, or what is wrong; one line."""


def signer(settings: Mapping[str, str], who: str) -> Signer:
    """Give what signs as the person's git configuration says; `who` is `Name <address>`."""
    form = settings.get("gpg.format", "openpgp")
    key = settings.get("user.signingkey", "")
    if form not in _PROGRAMS:
        raise InvalidInput(f"gpg.format is {form!r}, not one of {', '.join(_PROGRAMS)}")
    if form != "ssh":
        # As git: without a key of the person's choice, the one for their name.
        command = [_program(settings, form), "--status-fd=2", "-bsau", key or who]
        return lambda payload: _signed(command, payload)
    if not key:
        raise InvalidInput(
            "user.signingKey is not set in your own git configuration; a repository's is not read",
            hint="git config --global user.signingKey ~/.ssh/id_ed25519.pub",
        )
    return lambda payload: _signed_by_ssh(_program(settings, form), key, payload)


def _program(settings: Mapping[str, str], form: str) -> str:
    """Name the program for a format: the person's, else git's choice."""
    named = settings.get(f"gpg.{form}.program", "") or (settings.get("gpg.program", "") if form == "openpgp" else "")
    return str(Path(named).expanduser()) if named.startswith("~") else named or _PROGRAMS[form]


def _signed_by_ssh(program: str, key: str, payload: bytes) -> bytes:
    literal = key.removeprefix("key::") if key.startswith(("key::", "ssh-")) else ""
    if not literal:
        return _signed([program, "-Y", "sign", "-n", "git", "-f", str(Path(key).expanduser())], payload)
    with tempfile.TemporaryDirectory() as folder:  # a key of the agent's is named by its public half
        place = Path(folder) / "key.pub"
        place.write_text(f"{literal}\n")
        return _signed([program, "-Y", "sign", "-n", "git", "-f", str(place), "-U"], payload)


def _signed(command: Sequence[str], payload: bytes) -> bytes:
    done = _run(command, payload)
    signature = done.stdout.replace(b"\r\n", b"\n")
    if done.returncode or not signature.startswith(b"-----BEGIN "):
        said = [line for line in _lines(done.stderr) if not line.startswith("[GNUPG:]")]
        raise SigningFailed(
            f"{command[0]} did not sign: {(said or [f'exit code {done.returncode}'])[-1]}",
            hint="nothing was released; see gpg.format and user.signingKey of your git configuration",
        )
    return signature if signature.endswith(b"\n") else signature + b"\n"


def check(tag: TagText, settings: Mapping[str, str]) -> Signature:
    """Check the signature of a tag against the signers that the person's own configuration allows."""
    if not tag.signature:
        return Signature(Trust.NONE)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "signature"
        file.write_bytes(tag.signature)
        try:
            if tag.signature.startswith(_SSH):
                return _check_ssh(tag, str(file), settings)
            form = "x509" if tag.signature.startswith(_X509) else "openpgp"
            return _check_gpg([_program(settings, form), "--status-fd=1", "--verify", str(file), "-"], tag)
        except SigningFailed as error:
            return Signature(Trust.UNKNOWN, str(error))


def _check_ssh(tag: TagText, file: str, settings: Mapping[str, str]) -> Signature:
    program = _program(settings, "ssh")
    whole = _run([program, "-Y", "check-novalidate", "-n", "git", "-s", file], tag.payload)
    if whole.returncode:
        return Signature(Trust.BAD, "its signature does not fit what it says")
    key = re.search(r"key (SHA256:\S+)", whole.stdout.decode(errors="replace"))
    named = f"key {key[1]}" if key else "a key"
    allowed = settings.get("gpg.ssh.allowedsignersfile", "")
    if not allowed:
        return Signature(Trust.UNKNOWN, f"signed with {named}; gpg.ssh.allowedSignersFile names nobody to expect")
    signers, when = str(Path(allowed).expanduser()), f"-Overify-time={_moment(tag.when)}"
    found = _run([program, "-Y", "find-principals", "-f", signers, "-s", file, when], b"")
    for name in _lines(found.stdout) if not found.returncode else ():
        command = [program, "-Y", "verify", "-n", "git", "-f", signers, "-I", name, "-s", file, when]
        if not _run(command, tag.payload).returncode:
            return Signature(Trust.GOOD, f"signed by {name}")
    return Signature(Trust.BAD, f"wrong signer: {named} is none that {allowed} allows")


def _check_gpg(command: Sequence[str], tag: TagText) -> Signature:
    done = _run(command, tag.payload)
    status = {}
    for line in _lines(done.stdout):
        if line.startswith("[GNUPG:] "):
            word, _, rest = line.removeprefix("[GNUPG:] ").partition(" ")
            status[word] = rest
    if "GOODSIG" in status and not done.returncode:
        return Signature(Trust.GOOD, f"signed by {status['GOODSIG'].partition(' ')[2]}")
    if "BADSIG" in status:
        return Signature(Trust.BAD, "its signature does not fit what it says")
    for word, why in (("REVKEYSIG", "revoked"), ("EXPKEYSIG", "expired"), ("EXPSIG", "expired")):
        if word in status:
            return Signature(Trust.BAD, f"wrong signer: the key of {status[word].partition(' ')[2]} is {why}")
    if "NO_PUBKEY" in status:
        return Signature(Trust.UNKNOWN, f"signed with key {status['NO_PUBKEY']}, which you do not have")
    return Signature(Trust.BAD, "its signature cannot be read")


def _moment(when: int) -> str:
    try:
        return datetime.fromtimestamp(when, UTC).strftime("%Y%m%d%H%M%SZ")
    except (OverflowError, OSError, ValueError):
        return "19700101000000Z"


def _run(command: Sequence[str], data: bytes) -> subprocess.CompletedProcess[bytes]:
    """Run a program in the person's terminal, where it may ask for a passphrase."""
    try:
        return subprocess.run(  # noqa: S603
            command, input=data, capture_output=True, env=own_environment(), check=False
        )
    except OSError as error:
        raise SigningFailed(f"{command[0]} cannot be run: {error.strerror}") from error


def _lines(data: bytes) -> list[str]:
    return [line.strip() for line in data.decode(errors="replace").splitlines() if line.strip()]
