"""The options of a model and its budget, and which model they and the configuration come to."""

import math
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from gitskill.cli import options, output
from gitskill.cli.configured import REPOSITORY_FILE, exposed, narrowed_limits, user_config
from gitskill.cli.session import Session
from gitskill.errors import InvalidInput

if TYPE_CHECKING:
    from gitskill.config import UserConfig
    from gitskill.ids import CommitId
    from gitskill.model.budget import Limits
    from gitskill.model.endpoint import Settings
    from gitskill.model.local import Server
    from gitskill.model.stack import Script, Setup
    from gitskill.redact.redactor import Redactor

T = TypeVar("T")
Narrow = Callable[["Limits"], "Limits"]
_SMALL = 1.5
"""Billions of parameters. Of models up to here none that was tried wrote useful lessons."""
_SIZE = re.compile(r"(?<![a-z0-9.])(?:(\d{1,4}(?:\.\d{1,3})?)b|(\d{2,4})m)(?![a-z0-9])")


@dataclass(frozen=True, slots=True)
class ModelFlags:
    """What a command line says about the model and its budget."""

    model: str | None = None
    base_url: str | None = None
    local: bool = False
    offline: bool = False
    max_calls: int | None = None
    max_tokens: int | None = None
    max_usd: float | None = None
    workers: int | None = None

    def __post_init__(self) -> None:
        if self.offline and (self.local or self.model or self.base_url):
            raise click.UsageError("--offline asks no model: it does not go with --model, --base-url or --local")
        if self.local and self.base_url:
            raise click.UsageError("--local looks for a server by itself: it does not go with --base-url")


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a command that may ask a model goes by. Without a `setup` there is none: the offline engine works."""

    setup: "Setup | None"
    limits: "Limits"
    prompts: Path | None
    workers: int
    verify: str
    redactor: "Redactor"
    engine: str
    notes: tuple[str, ...]
    """What a person should know, a line each."""


class _Finite(click.FloatRange):
    """A number that can be a limit: nothing is more than `nan`."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        found: float = super().convert(value, param, ctx)
        return found if math.isfinite(found) else self.fail(f"{value!r} is not a finite number", param, ctx)


_OPTIONS = (
    click.option("--model", metavar="NAME", help="The model to ask; script:FILE answers from a file."),
    click.option("--base-url", metavar="URL", help="Where to ask: an OpenAI-compatible endpoint."),
    click.option("--local", is_flag=True, help="Look for a model server on this machine."),
    click.option("--offline", is_flag=True, help="Ask no model, even if one is configured."),
    click.option("--max-calls", type=click.IntRange(0), metavar="N", help="Stop before more calls than this."),
    click.option("--max-tokens", type=click.IntRange(0), metavar="N", help="Stop before more tokens than this."),
    click.option("--max-usd", type=_Finite(0), metavar="X", help="Stop before more dollars than this."),
    click.option("--workers", type=click.IntRange(1, 256), metavar="N", help="Calls at once.  [default: 32]"),
)


flags = options.together("flags", ModelFlags, _OPTIONS)
"""Gives a command the options of a model; it gets them as one argument `flags`, a ModelFlags."""


def again(flags: ModelFlags, stopped: BaseException) -> str:
    """Give the flags without which a run would go on with another model, or without the limits that were asked for.

    Where such a limit `stopped` it, they allow as much again: with the same ones it would not get far.
    """
    from gitskill.model.failures import BudgetSpent

    times = 2 if isinstance(stopped, BudgetSpent) else 1
    given = (("--model", flags.model), ("--base-url", flags.base_url))
    told = "".join(f" {flag} {shlex.quote(value)}" for flag, value in given if value)
    limits = (("--max-calls", flags.max_calls), ("--max-tokens", flags.max_tokens), ("--max-usd", flags.max_usd))
    told += " --local" * flags.local + " --offline" * flags.offline
    return told + "".join(f" {flag} {most * times or times - 1}" for flag, most in limits if most is not None)


def chosen(session: Session, flags: ModelFlags, base: "CommitId | None" = None) -> Chosen:
    """Find what to work with, and tell on stderr what a person should know about it."""
    found = choose(session, flags, base)
    for note in found.notes:
        output.tell(note)
    return found


def choose(
    session: Session, flags: ModelFlags, base: "CommitId | None" = None, narrow: "Narrow | None" = None
) -> Chosen:
    """Find what to work with: flags win over the environment, that over the user's file; a repository only narrows.

    The repository's files are those of the commit `base`, or of the one that is checked out; `narrow` says
    otherwise what narrows the limits.
    """
    from gitskill.config import VERIFY, WORKERS
    from gitskill.model.prices import table
    from gitskill.model.stack import Setup
    from gitskill.redact.redactor import Redactor

    user = user_config(session)
    given = own_limits(flags, user)
    limits = narrow(given) if narrow else narrowed_limits(session, given, base)
    where = None if flags.offline else find_model(session, flags, user)
    redactor = Redactor({**session.environment, **user.secrets})
    prices = table(user.prices)
    workers = flags.workers or user.workers or WORKERS
    setup = Setup(where, limits, prices, lambda text: redactor.session().text(text), workers) if where else None
    notes = [_engine_note(where, flags), exposed(session, user)]
    notes += [
        f"budget    {limits_told(limits)}, for {REPOSITORY_FILE} narrows it" if limits != given else "",
        small(where.model) if where else "",
    ]
    return Chosen(
        setup,
        limits,
        prompts_folder(user),
        workers,
        user.verify or VERIFY[0],
        redactor,
        shown(where),
        tuple(filter(None, notes)),
    )


def own_limits(flags: ModelFlags, user: "UserConfig") -> "Limits":
    """Give the limits that the user wants."""
    from gitskill.model.budget import Limits

    asked = (("max_calls", flags.max_calls), ("max_tokens", flags.max_tokens), ("max_usd", flags.max_usd))
    calls, tokens, usd = (user.limits.get(name) if flag is None else flag for name, flag in asked)
    return Limits(None if calls is None else int(calls), None if tokens is None else int(tokens), usd)


def model_name(session: Session, flags: ModelFlags, user: "UserConfig") -> tuple[str, str]:
    """Give the model's name and who named it; both are empty if nobody did."""
    said = {
        "--model": flags.model,
        "GITSKILL_MODEL": session.environment.get("GITSKILL_MODEL"),
        "your configuration": user.model.get("model"),
    }
    return next(((name, who) for who, name in said.items() if name and isinstance(name, str)), ("", ""))


def find_model(session: Session, flags: ModelFlags, user: "UserConfig") -> "Settings | Script | None":
    """Find the model to ask; None if nothing names one."""
    from gitskill.model.endpoint import settle
    from gitskill.model.local import PORTS
    from gitskill.model.stack import SCRIPT, Script

    if flags.local:
        return find_local(flags.model, user, tuple(PORTS))
    name, _ = model_name(session, flags, user)
    if name.startswith(SCRIPT):
        script = Script(session.directory / name.removeprefix(SCRIPT))
        if not script.path.is_file():
            raise InvalidInput(f"{script.path} is no file of answers")
        return script
    given = {"base_url": flags.base_url, "model": flags.model}
    return settle({name: value for name, value in given.items() if value}, session.environment, user.model)


def find_local(wanted: str | None, user: "UserConfig", ports: Sequence[int]) -> "Settings":
    """Find the one model that servers on this machine have, or the `wanted` one. No key is ever sent to them."""
    from asyncio import run

    from gitskill.model.endpoint import settle
    from gitskill.model.local import probe

    server, model = _only(run(probe(ports)), wanted, ports)
    deadline = {name: value for name, value in user.model.items() if name == "deadline"}
    found = settle({"base_url": server.base_url, "model": model}, {}, deadline)
    if found is None:  # it is named, so it is settled
        raise InvalidInput("no model is named")
    return replace(found, source="--local")


def _only(servers: "Sequence[Server]", wanted: str | None, ports: Sequence[int]) -> "tuple[Server, str]":
    from gitskill.model.failures import ModelUnusable

    if not servers:
        raise ModelUnusable(
            f"no model server answers on this machine, at port {', '.join(map(str, ports))}",
            hint="start one, or say where it is with --base-url",
        )
    all_of_them = ", ".join(dict.fromkeys(model for server in servers for model in server.models))
    offers = [(server, model) for server in servers for model in server.models if wanted in {None, model}]
    if not offers:
        what = f"has {wanted}" if wanted else "has a model"
        raise ModelUnusable(f"no server on this machine {what}", hint=f"there are: {all_of_them or 'none'}")
    if len(offers) == 1:
        return offers[0]
    if wanted:
        places = ", ".join(server.base_url for server, _ in offers)
        raise InvalidInput(f"several servers have {wanted}", hint=f"choose one with --base-url: {places}")
    raise InvalidInput("there are several models on this machine", hint=f"choose one with --model: {all_of_them}")


def shown(where: "Settings | Script | None") -> str:
    """Name the engine for a person: which model, and on which host."""
    from gitskill.model.endpoint import Settings

    if where is None:
        return "offline"
    return f"{where.model} at {where.endpoint.host}" if isinstance(where, Settings) else where.model


def small(model: str) -> str:
    """Say so if the name tells a size below which no model was seen to be of use."""
    sizes = [float(billions or int(millions) / 1000) for billions, millions in _SIZE.findall(model.lower())]
    if not sizes or max(sizes) > _SMALL:
        return ""
    return f"{model} seems to be small: no model up to 1.5 billion parameters that was tried wrote useful lessons"


def _engine_note(where: "Settings | Script | None", flags: ModelFlags) -> str:
    from gitskill.model.endpoint import Settings

    if isinstance(where, Settings):
        return f"model     {shown(where)} ({where.source})"
    if where:
        return f"model     {shown(where)}"
    return (
        "" if flags.offline else "model     none is configured: the offline engine works (gitskill doctor tells more)"
    )


def limits_told(limits: "Limits") -> str:
    """Name the limits for a person; empty if there are none."""
    named: Mapping[str, float | None] = {"calls": limits.calls, "tokens": limits.tokens, "dollars": limits.usd}
    told = ", ".join(f"{limit:,} {what}" for what, limit in named.items() if limit is not None)
    return f"at most {told}" if told else ""


def prompts_folder(user: "UserConfig") -> Path | None:
    """Give the folder of the user's own prompts, if there is one."""
    if user.prompts is not None and not user.prompts.is_dir():
        raise InvalidInput(f"prompts of your configuration: {user.prompts} is no folder")
    return user.prompts
