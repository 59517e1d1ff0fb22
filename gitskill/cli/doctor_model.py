"""What `gitskill doctor` says about the configuration and the model: rows, and never a key."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from gitskill.cli import configured, models
from gitskill.cli.session import Session
from gitskill.errors import GitskillError

if TYPE_CHECKING:
    from gitskill.config import UserConfig
    from gitskill.model.endpoint import Settings
    from gitskill.model.local import Server
    from gitskill.model.prices import Price
    from gitskill.model.trial import Trial

Row = tuple[str, str, str]
_FLAGS = models.ModelFlags()
_NAMED = 5


def rows(session: Session, *, call: bool) -> Iterator[Row]:
    """Tell what is configured and whether it works; with `call` by asking the model one tiny question."""
    try:
        user = configured.user_config(session)
    except GitskillError as error:
        yield ("configuration", "bad", reason(error))
        return
    yield _configuration(session, user)
    yield from _budget(session, user)
    yield from _model(session, user, call=call)


def local_row(ports: Sequence[int]) -> Row:
    """Tell which model servers answer on this machine, and what they have."""
    from asyncio import run

    from gitskill.model.local import probe

    found = run(probe(ports))
    none = f"none answers at port {', '.join(map(str, ports))}; --local looks there too"
    return ("local models", "ok" if found else "none", "; ".join(map(_served, found)) or none)


def reason(error: GitskillError) -> str:
    """Write an error and its hint in one cell."""
    return f"{error}{f' ({error.hint})' if error.hint else ''}"


def _configuration(session: Session, user: "UserConfig") -> Row:
    path = configured.config_path(session)
    if path is None or not path.exists():
        return ("configuration", "none", f"no file{f' at {path}' if path else ': HOME names no folder'}")
    if warning := configured.exposed(session, user):
        return ("configuration", "note", warning)
    return ("configuration", "ok", str(path))


def _model(session: Session, user: "UserConfig", *, call: bool) -> Iterator[Row]:
    from gitskill.model.endpoint import Settings
    from gitskill.model.prices import table

    try:
        prices = table(user.prices)
        models.prompts_folder(user)
        where = models.find_model(session, _FLAGS, user)
    except GitskillError as error:
        yield ("model", "bad", reason(error))
        return
    if where is None:
        yield ("model", "none", "none is configured: the offline engine works")
        return
    _, who = models.model_name(session, _FLAGS, user)
    if not isinstance(where, Settings):
        yield ("model", "ok", f"{where.path}, a file of answers, named by {who}")
        return
    yield ("model", "ok", f"{where.model}, named by {who}, at {where.endpoint.host}, named by {where.source}")
    if note := models.small(where.model):
        yield ("model size", "note", note)
    yield _key(session, where)
    if call:
        yield _call(where, prices)


def _key(session: Session, settings: "Settings") -> Row:
    if settings.endpoint.key:
        who = "OPENAI_API_KEY" if session.environment.get("OPENAI_API_KEY") else "your configuration"
        return ("key", "ok", f"from {who}")
    if settings.endpoint.headers:
        return ("key", "ok", "none; headers from your configuration are sent")
    return ("key", "none", "none, and on this machine none is needed")


def _call(settings: "Settings", prices: "Mapping[str, Price]") -> Row:
    from asyncio import run

    from gitskill.model.trial import tried

    try:
        trial = run(tried(settings, prices))
    except GitskillError as error:
        return ("model call", "bad", reason(error))
    return ("model call", "ok", _told(trial))


def _told(trial: "Trial") -> str:
    forms = {"schema": "a JSON schema", "tool": "the parameters of a tool", "prompt": "the prompt's own words"}
    cost = "price unknown" if trial.usd is None else f"${trial.usd:.6f}"
    tokens = trial.usage.input + trial.usage.output
    return f"it answers in the shape of {forms[trial.form]}; {tokens} tokens, {cost}"


def _budget(session: Session, user: "UserConfig") -> Iterator[Row]:
    """Tell the limits of every run; nothing where there is no skill, which has a row of its own."""
    try:
        _ = session.reader
    except GitskillError:
        return
    try:
        limits = configured.narrowed_limits(session, models.own_limits(_FLAGS, user))
    except GitskillError as error:
        yield ("budget", "bad", reason(error))
    else:
        told = models.limits_told(limits)
        yield ("budget", "ok" if told else "none", told or "no limit, unless an option sets one")


def _served(server: "Server") -> str:
    more = f" and {len(server.models) - _NAMED} more" if len(server.models) > _NAMED else ""
    names = ", ".join(server.models[:_NAMED]) or "no model"
    usually = f" (mostly {server.usually})" if server.usually else ""
    return f"{server.base_url}{usually}: {names}{more}"
