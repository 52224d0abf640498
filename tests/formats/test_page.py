"""The page in a real browser: nothing on the console, nothing too wide, everything legible.

It needs a Chromium (`make browser`) and is skipped without one, but not where
ENVCHECK_NEEDS_BROWSER is set, as in .ci/run.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from coffee_smoke import data, reference
from envcheck.matrix import Matrix
from envcheck.model import Facts, Fix, Report, known, unknown
from envcheck.render import html
from envcheck.render.html import coffee
from tests.formats import samples

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = [path for name in NAMES if (path := shutil.which(name))]
    if not found:
        if os.environ.get("ENVCHECK_NEEDS_BROWSER"):
            pytest.fail("there is no Chromium, and this run has to have one")
        pytest.skip("there is no Chromium: make browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found[0], args=ARGUMENTS)
        yield browser
        browser.close()


def trained(facts: Facts) -> Facts:
    """The result carries the parameters of the network, here those that are shipped."""
    x, _ = data.beans()
    w1, b1, w2, b2 = reference.shipped_weights()
    numbers = [*w1.ravel(), *b1, *w2.ravel(), *b2, *x.mean(axis=0), *x.std(axis=0)]
    value = {**facts["smoke.result"].value, "parameters": [float(number) for number in numbers]}
    return facts.merged({"smoke.result": known(value, "edited")})


@pytest.fixture(scope="module")
def reports(machine: Callable[..., Facts], matrix: Matrix) -> dict[str, Report]:
    """A pass with everything on it, a fail with findings of all kinds, and hostile text."""
    good = trained(machine("linux-rtx3080-tf29-cuda116"))
    edits = {
        "driver.release": "470.57.02",
        "driver.cuda_supported": "11.4",
        "numpy.version": unknown("the folder may not be read"),
    }
    bad = machine("linux-rtx4090-tf220-wheels", edits)
    fix = Fix("rewrite", "safe", (("envcheck", "scan", "--fix", "a b.py"),))
    warning = replace(samples.in_code(3), severity="warning", fixes=(fix,))
    note = replace(samples.in_code(4, file="b.py"), severity="info")
    failed = samples.report_of(bad, matrix, [warning, note])
    long = "a" * 3000 + "\u202e<script>alert(1)</script>\x1b[31m" + "b|" * 500
    return {
        "pass": samples.report_of(good, matrix),
        "fail": failed,
        "hostile": samples.hostile(failed, long),
    }


CASES = [
    (name, scheme, width)
    for name in ("pass", "fail", "hostile")
    for scheme in ("light", "dark")
    for width in (360, 1280)
]


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Callable[..., tuple[Page, list[str]]]]:
    pages: list[Page] = []

    def open_(report: Report, width: int = 1280, **options: Any) -> tuple[Page, list[str]]:
        file = tmp_path / "report.html"
        file.write_text(html.render(samples.sheet_of(report)), encoding="utf-8")
        page = browser.new_page(viewport={"width": width, "height": 900}, **options)
        page.set_default_timeout(120_000)  # an upper bound for a loaded machine
        pages.append(page)
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: said.append(request.url))
        page.on("dialog", lambda dialog: said.append(dialog.message))
        page.goto(file.as_uri())
        return page, [text for text in said if text != file.as_uri()]

    yield open_
    for page in pages:
        page.close()


@pytest.mark.parametrize(("name", "scheme", "width"), CASES)
def test_it_is_quiet_fits_and_can_be_read(
    opened: Callable[..., tuple[Page, list[str]]],
    reports: dict[str, Report],
    name: str,
    scheme: str,
    width: int,
) -> None:
    page, said = opened(reports[name], width, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
    assert said == []
    assert page.evaluate("document.documentElement.scrollWidth") == width
    # Nothing sticks out of its box either, but where it can be scrolled.
    assert page.evaluate(STICKING_OUT) == []
    found = (
        Axe().run(page, options={"resultTypes": ["violations", "incomplete", "passes"]}).response
    )
    assert nodes(found["violations"]) == []
    contrast = [item for item in found["passes"] if item["id"] == "color-contrast"]
    assert len(nodes(contrast)) > 50
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert paper == {"light": "rgb(247, 243, 238)", "dark": "rgb(21, 17, 14)"}[scheme]


def nodes(items: Any) -> list[tuple[str, str]]:
    return [(item["id"], node["html"][:200]) for item in items for node in item["nodes"]]


STICKING_OUT = """
[...document.querySelectorAll("body *:not(svg *):not(.hidden)")]
  .filter(e => !e.closest(".scroll, pre") && e.getClientRects().length)
  .filter(e => e.getBoundingClientRect().right > innerWidth + 0.5)
  .map(e => e.outerHTML.slice(0, 200))
"""


def test_it_is_read_without_script(
    opened: Callable[..., tuple[Page, list[str]]], reports: dict[str, Report]
) -> None:
    page, said = opened(reports["fail"], java_script_enabled=False)
    assert said == []
    assert page.locator("h1").inner_text() == (
        "The NVIDIA driver 470.57.02 is too old for TensorFlow 2.20.0"
    )
    assert page.locator("button").count() == 0
    assert "525.60.13 or newer" in page.locator(".first").inner_text()
    assert page.locator("#IMP301 pre").first.inner_text() == "envcheck scan --fix 'a b.py'"


def test_commands_are_copied(
    opened: Callable[..., tuple[Page, list[str]]], reports: dict[str, Report]
) -> None:
    page, _ = opened(reports["fail"])
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("#IMP301 button").first.click()
    page.get_by_text("Copied").wait_for()
    text = page.evaluate("navigator.clipboard.readText()")
    assert text == "envcheck scan --fix 'a b.py'"


def test_the_picture_says_where_it_breaks(
    opened: Callable[..., tuple[Page, list[str]]], reports: dict[str, Report]
) -> None:
    page, _ = opened(reports["fail"])
    broken = page.locator(".node.breaks .name").all_inner_texts()
    assert broken == ["Your imports", "Driver"]
    assert page.locator(".edge.broken").all_inner_texts() == ["runs CUDA up to 11.4"]
    assert page.locator(".edge.unknown").all_inner_texts() == ["could not be looked at"]
    page.locator(".n-driver .badge").click()
    assert page.url.endswith("#DRV103")
    whole, _ = opened(reports["pass"])
    assert whole.locator(".edge").count() == whole.locator(".edge.ok").count() == 9


def test_the_beans_are_those_that_are_trained_on() -> None:
    import json

    x, y = data.beans()
    drawn = json.loads(coffee.BEANS.read_text(encoding="utf-8"))
    exact = [
        [round(float(celsius), 1), round(float(minutes), 2), int(good)]
        for (celsius, minutes), good in zip(x, y.ravel(), strict=True)
    ]
    assert drawn == exact
    assert coffee.ASKED == data.TEST_BEANS


def test_the_shaded_region_is_the_networks(machine: Callable[..., Facts]) -> None:
    facts = trained(machine("linux-rtx3080-tf29-cuda116"))
    parameters = facts["smoke.result"].value["parameters"]
    x, _ = data.beans()
    weights = reference.shipped_weights()
    wanted = reference.forward(weights, reference.normalise(x, x)).ravel()
    computed = [coffee.probability(parameters, *map(float, bean)) for bean in x]
    assert computed == pytest.approx(wanted.tolist(), abs=1e-9)


def test_the_outlined_region_is_the_rule() -> None:
    """Just inside of each corner is a good roast, just outside is none."""
    middle = [sum(corner[axis] for corner in coffee.RULE) / 3 for axis in (0, 1)]
    for corner in coffee.RULE:
        inside, outside = (
            [middle[axis] + (corner[axis] - middle[axis]) * scale for axis in (0, 1)]
            for scale in (0.99, 1.01)
        )
        assert data.is_good(*inside)
        assert not data.is_good(*outside)
