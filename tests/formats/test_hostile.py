"""Text of a machine may be anything: every format stays valid, and nothing of it takes effect."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser

import cmarkgfm
import html5lib
import pytest

from envcheck.matrix import Matrix
from envcheck.model import Facts, Report
from envcheck.render import formats, github, html
from envcheck.render.sheet import Sheet
from tests.formats import runner, samples

HOSTILE = {
    "script": "<script>alert(1)</script>",
    "attribute": "\"><img src=x onerror=alert(1)>' onload='x",
    "style": "</style></title><svg onload=alert(1)>",
    "bars": "a|b||c|",
    "cdata": "]]> <![CDATA[ ]]>",
    "comment": "--> <!-- -->",
    "entity": "&lt;b&gt; &#x202e; &amp;",
    "command": "::error::injected",
    "commands": "x\n::add-mask::x\r\n  ::set-output name=a::b\r::stop-commands::t",
    "old command": "x ##[error]injected ##[add-mask]x",
    "encoded": "%0A::error::x%25%0D%0A::warning::y",
    "properties": "a,file=/etc/passwd,line=1::b",
    "ansi": "\x1b[31mred\x1b]8;;http://x\x07link\x1b[2J",
    "bidi": "a\u202etxt.exe\u2066\u200f\u061c",
    "controls": "a\x00b\x08c\x7fd\x85e\u2028f\ufffeg",
    "surrogate": "caf\udce9",
    "lines": "a\n\n# title\n\n- item\n\n    code\n```\nfence",
    "fence": "``` ````\n~~~",
    "markdown": "![x](http://x/y.png) [a](javascript:b) <http://x> **b** ~~s~~ `c` \\",
    "mention": "@somebody #1 owner/repo#2 www.example.com http://example.com a@example.com",
    "start": "1. one",
    "quotes": "'\"`$(touch x)`$x",
    "long": "nvidia-cudnn-" + "x" * 1_000_000,
    "empty": "",
}


@pytest.fixture(scope="module")
def plain(machine: Callable[..., Facts], matrix: Matrix) -> Report:
    return samples.report_of(machine("linux-none-tf29-mixed"), matrix)


@pytest.fixture(params=HOSTILE.values(), ids=HOSTILE.keys())
def sheet(request: pytest.FixtureRequest, plain: Report) -> Sheet:
    return samples.sheet_of(samples.hostile(plain, request.param))


def assert_harmless(text: str) -> None:
    """No control or direction character, no command of GitHub's, and no end to its length."""
    assert re.sub(r"[\u2060\ufe0f]", "", text.replace("\n", "")).isprintable()
    assert "##[" not in text
    assert len(text) < 1_000_000


@pytest.mark.parametrize("name", ["junit", "sarif", "gitlab"])
def test_documents_stay_valid(sheet: Sheet, name: str) -> None:
    text = formats.render(name, sheet)
    assert_harmless(text)
    check = {
        "junit": samples.check_junit,
        "sarif": samples.check_sarif,
        "gitlab": samples.check_gitlab,
    }[name]
    check(text)
    assert list(runner.commands(text)) == []


def test_json_has_everything_as_it_is(sheet: Sheet) -> None:
    text = formats.render("json", sheet)
    assert text.isascii()
    assert list(runner.commands(text)) == []
    document = samples.check_json(text)
    assert document["findings"][0]["subject"] == sheet.report.findings[0].subject


def test_annotations_are_ours_alone(sheet: Sheet) -> None:
    text = github.render(sheet)
    assert_harmless(text)
    found = list(runner.commands(text))
    assert len(found) == text.count("\n")
    titles = [command.properties["title"].split(" ")[0] for command in found]
    assert set(titles) <= {"TFX303", "TFX301", "TFX302", "KER201", "GPU101", "IMP301", "envcheck:"}
    assert {command.name for command in found} <= {"error", "warning", "notice"}
    (place,) = [found for found in found if "line" in found.properties]
    assert set(place.properties) == {"title", "file", "line", "col"}
    assert place.properties["line"] == "3"


def test_the_log_on_github_takes_no_command_of_a_machine(sheet: Sheet) -> None:
    token = "0123456789abcdef"
    text = github.guarded(formats.render("terminal", sheet), token)
    assert text.startswith(f"::stop-commands::{token}\n")
    assert list(runner.commands(text)) == []


def test_the_terminal_gets_no_control_characters(sheet: Sheet) -> None:
    text = formats.render("terminal", sheet)
    assert text.replace("\n", "").isprintable()


UNSAFE = cmarkgfm.Options.CMARK_OPT_UNSAFE
"""Raw HTML of the text would stay, and be seen."""


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


class Tags(HTMLParser):
    """The elements of a text, and the attributes that they have."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[tuple[str, str]] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {(tag, name) for name, _ in attrs}


def test_markdown_is_nothing_but_ours(sheet: Sheet) -> None:
    text = formats.render("markdown", sheet)
    assert_harmless(text)
    assert list(runner.commands(text)) == []
    rendered = Tags(cmarkgfm.github_flavored_markdown_to_html(text, UNSAFE))
    ours = words("h2 h3 p table thead tbody tr th td pre code ul li strong sub")
    assert set(rendered.tags) <= ours
    assert rendered.attributes <= {("pre", "lang"), ("code", "class")}
    assert rendered.tags.count("td") == 4 * len(sheet.view.layers)
    assert rendered.tags.count("h3") == len(sheet.view.findings) + 2
    # Outside of code nothing is a mention or a reference.
    prose = re.sub(r"(?s)(`+).*?\1", "", text)
    assert not re.search(r"@\w|#\d", prose)


PAGE = words(
    "html head meta title style body header p span h1 div h2 pre code main section a details "
    "summary ul ol li article h3 h4 dl dt dd table thead tbody tr th td b script footer"
)
ATTRIBUTES = words("lang charset http-equiv content name class aria-hidden href id tabindex scope")


def test_a_page_is_nothing_but_ours(sheet: Sheet) -> None:
    text = html.render(sheet)
    assert_harmless(text)
    assert list(runner.commands(text)) == []
    html5lib.HTMLParser(strict=True).parse(text)
    page = Tags(text)
    assert set(page.tags) <= PAGE
    assert page.tags.count("script") == page.tags.count("style") == 1
    attributes = {name for _, name in page.attributes}
    assert attributes <= ATTRIBUTES
    links, names = (re.findall(rf' {name}="(.*?)"', text) for name in ("href", "id"))
    assert {link.removeprefix("#") for link in links} <= set(names)
    assert len(set(names)) == len(names)
