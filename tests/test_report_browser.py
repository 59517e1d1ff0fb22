"""The report page in a real browser: it unfolds, filters and sorts, and nothing that was planted in it runs."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from browser import Browser, browser
from conftest import needed
from gitskill.cli.main import run
from studied_run import sample

POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>\n')
TRAP = "<script>window.seen = []; window.ran = what => window.seen.push(what); window.alert = ran</script>"
RAW = """
<script>ran("script")</script><img src="data:image/png;base64,x" onerror="ran('onerror')">
<svg onload="ran('onload')"></svg><style>body { --planted: 1 }</style><p id="styled" style="--planted: 1">p</p>
<iframe srcdoc="<script>parent.ran('frame')</script>"></iframe>
<a id="link" href="javascript:ran('link')">link</a><button id="button" onclick="ran('click')">button</button>
"""
PLANTED_RAN = "document.querySelectorAll('img, iframe, a[href^=javascript], [onerror], [onclick]').length"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser(needed("chromium", "the report page in a browser")) as found:
        yield found


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, sealed_git: None) -> Path:  # noqa: ARG001
    made = sample(tmp_path_factory.getbasetemp())
    place = tmp_path_factory.mktemp("pages") / "report.html"
    assert run(["-C", str(made), "report", "-o", str(place)], os.environ) == 0
    return place


def beside(page: Path, name: str, text: str) -> str:
    (page.parent / name).write_text(text)
    return (page.parent / name).as_uri()


def trapped(chromium: Browser, url: str) -> list[str]:
    """Open a page, click at whatever looks planted, and give what ran."""
    chromium.open(url)
    found = chromium.js(
        "document.querySelectorAll('details').forEach(each => { each.open = true; });"
        "for (const id of ['link', 'button']) document.getElementById(id)?.click();"
        "new Promise(done => setTimeout(done, 50)).then(() => window.seen ?? [])"
    )
    return sorted(set(found))


def test_what_is_planted_in_traces_lessons_names_and_skills_is_text_even_without_the_policy(
    chromium: Browser, page: Path
) -> None:
    html = page.read_text()
    bare = POLICY.sub("", html).replace("<body>", f"<body>{TRAP}")
    assert bare.count("Content-Security-Policy") == 0

    assert trapped(chromium, beside(page, "bare.html", bare)) == []
    assert chromium.js(PLANTED_RAN) == 0
    told = chromium.js("document.body.textContent")
    for what in ("title", "cause", "quote", "trace", "task", "rule", "anomaly", "skill", "file"):
        assert f"<script>ran('{what}')</script>" in told, what
    assert "<img src=x onerror=ran('name')>" in told


def test_the_policy_lets_nothing_run_even_where_it_is_not_escaped(chromium: Browser, page: Path) -> None:
    html = page.read_text().replace("<main>", f"{RAW}<main>")
    bare = POLICY.sub("", html).replace("<body>", f"<body>{TRAP}")
    styled = "getComputedStyle(document.getElementById('styled')).getPropertyValue('--planted')"

    without = trapped(chromium, beside(page, "without.html", bare))
    assert without == ["click", "frame", "link", "onerror", "onload", "script"]  # the trap works
    assert chromium.js(styled) == "1"
    # With the policy the trap itself must be let in, or nothing could be heard.
    chromium.open("about:blank")
    chromium.call("Page.addScriptToEvaluateOnNewDocument", source=TRAP.removeprefix("<script>")[:-9])
    chromium.call("Page.navigate", url=beside(page, "with.html", html))
    assert chromium.js(
        "new Promise(done => { const look = () => document.readyState == 'complete' && document.getElementById('link')"
        " ? done(true) : setTimeout(look, 5); look(); })"
    )
    assert trapped_here(chromium) == []
    assert chromium.js(styled) == ""
    assert chromium.js("document.querySelector('.tools').hidden") is False  # our own script did run


def trapped_here(chromium: Browser) -> list[str]:
    found: list[str] = chromium.js(
        "for (const id of ['link', 'button']) document.getElementById(id).click();"
        "new Promise(done => setTimeout(done, 50)).then(() => window.seen)"
    )
    return found


def test_it_unfolds_filters_and_sorts_and_asks_the_network_for_nothing(chromium: Browser, page: Path) -> None:
    chromium.open(page.as_uri())
    asked = [
        each["params"]["request"]["url"] for each in chromium.events if each["method"] == "Network.requestWillBeSent"
    ]
    assert asked == [page.as_uri()]
    assert not [each for each in chromium.events if each["method"] in {"Runtime.exceptionThrown", "Log.entryAdded"}]

    chromium.js("document.querySelector('#list summary').focus()")
    opened = "document.querySelector('#list details').open"
    assert chromium.js(opened) is False
    chromium.press("Enter", "\r")
    assert chromium.js(opened) is True
    assert chromium.js("getComputedStyle(document.activeElement).outlineStyle") == "solid"

    chromium.js("document.querySelector('.tree summary').focus()")
    chromium.press("ArrowLeft")
    assert chromium.js("document.querySelector('.tree details').open") is False
    chromium.press("ArrowRight")
    assert chromium.js("document.querySelector('.tree details').open") is True

    shown = "[...document.querySelectorAll('#list > li:not([hidden]) .t')].map(each => each.textContent)"
    assert len(chromium.js(shown)) == 5
    chromium.js("document.querySelector('input').focus()")
    chromium.type("NAMES short")
    assert chromium.js(shown) == ["Names are short"]
    assert chromium.js("document.querySelector('output').textContent") == "1 of 5"
    chromium.js(
        "document.querySelector('input').value = ''; document.querySelector('input').dispatchEvent(new Event('input'))"
    )

    by_support = chromium.js(shown)
    chromium.js("document.querySelector('[data-sort=title]').focus()")
    chromium.press("Enter", "\r")
    assert chromium.js(shown) == sorted(by_support)
    assert chromium.js("document.querySelector('[data-sort=title]').getAttribute('aria-pressed')") == "true"
    chromium.press(" ", " ")
    assert chromium.js(shown) == sorted(by_support)[::-1]


def test_it_fits_a_phone_and_paper_and_a_link_opens_its_lesson(chromium: Browser, page: Path) -> None:
    chromium.open(page.as_uri(), width=390, height=844, dark=True)
    assert chromium.js("getComputedStyle(document.body).backgroundColor") == "rgb(21, 24, 28)"
    anchor = chromium.js("document.querySelector('.blame a').getAttribute('href')")
    chromium.js("document.querySelector('.blame a').click()")
    assert chromium.js(f"document.querySelector('{anchor}').open") is True
    seen = "document.querySelector('#list li:last-child .card').checkVisibility()"
    assert chromium.js(seen) is False
    chromium.call("Emulation.setEmulatedMedia", media="print")
    assert chromium.js(seen) is True  # unfolded on paper, without any script
    chromium.call("Emulation.setEmulatedMedia", media="")
    chromium.js("document.querySelectorAll('details').forEach(each => { each.open = true; })")
    assert chromium.js("document.documentElement.scrollWidth") == 390
    chromium.resize(320)
    assert chromium.js("document.documentElement.scrollWidth") == 320


def test_without_scripts_all_can_be_read(chromium: Browser, page: Path) -> None:
    chromium.open("about:blank")
    chromium.call("Emulation.setScriptExecutionDisabled", value=True)
    before = chromium.js("document.URL")
    chromium.call("Page.navigate", url=page.as_uri())
    while chromium.js("document.URL") == before or chromium.js("document.readyState") != "complete":
        pass

    assert chromium.js("document.querySelector('.tools').hidden") is True
    seen = "document.querySelector('#list .card').checkVisibility()"
    assert chromium.js(seen) is False
    chromium.js("document.querySelector('#list summary').click()")
    assert chromium.js(seen) is True
