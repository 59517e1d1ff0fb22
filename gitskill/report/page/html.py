"""The page as one HTML file that asks nobody for anything, and in which nothing but our own script runs.

Two walls, each enough by itself: every text is escaped where it is written,
and the policy in the head lets only the style and the script with these very
hashes through. No text of a trace, a lesson or a skill is put into a script,
a style or the address of a link.
"""

import base64
import hashlib
from functools import cache
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from gitskill.report.page.values import Page
from gitskill.resources import resource
from gitskill.visible import visible

GENERATOR = '<meta name="generator" content="gitskill report">'
"""By this a page that we wrote is known again."""
_LONGEST = 10_000


def render(page: Page) -> str:
    """Write the page. The same values give the same bytes."""
    style, script = _read("page.css"), _read("page.js")
    policy = "; ".join(
        [
            "default-src 'none'",
            f"style-src '{_hash(style)}'",
            f"script-src '{_hash(script)}'",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )
    # These are files of ours: no data is in them.
    ours = {"style": Markup(style), "script": Markup(script), "generator": Markup(GENERATOR)}  # noqa: S704
    return _environment().get_template("page.html").render(page=page, policy=policy, **ours)


@cache
def _environment() -> Environment:
    return Environment(
        autoescape=True,
        loader=FunctionLoader(_read),
        undefined=StrictUndefined,
        finalize=_harmless,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _harmless(value: Any) -> Any:
    """Make every text that is written visible: no control character and no hidden one reaches the page.

    A text without end, which nobody wrote to be read, is cut.
    """
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    cut = f"… ({len(value) - _LONGEST:,} more characters)" if len(value) > _LONGEST else ""
    return visible(value[:_LONGEST]) + cut


def _read(name: str) -> str:
    return resource(f"templates/report/{name}").read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
