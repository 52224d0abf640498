"""The pages of findings: they are what the rules say now, and every link leads somewhere."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping

import cmarkgfm
import pytest

from envcheck.commands.explain import shelf
from envcheck.explain import codes
from envcheck.matrix import Matrix
from envcheck.render.i18n import english
from tests.conftest import ROOT
from tools import build_docs


@pytest.fixture(scope="module")
def made(matrix: Matrix) -> Mapping[str, str]:
    return build_docs.pages(shelf(), matrix)


def committed() -> dict[str, str]:
    return {path.name: path.read_text("utf-8") for path in build_docs.FOLDER.iterdir()}


def test_the_committed_pages_are_those_of_the_rules(made: Mapping[str, str]) -> None:
    """Else: `make docs`, and look at the difference."""
    assert committed() == made


def test_every_link_leads_to_a_page() -> None:
    texts = committed()
    for name, text in texts.items():
        rendered = cmarkgfm.github_flavored_markdown_to_html(text)
        links = [link for link in re.findall(r'href="([^"]+)"', rendered) if "://" not in link]
        assert [link for link in links if link not in texts] == [], name
        if name != build_docs.INDEX:
            assert build_docs.INDEX in links
            assert texts[build_docs.INDEX].count(f"]({name})") == 1
    assert (ROOT / "README.md").read_text("utf-8").count("](docs/findings/README.md)") == 1


def test_a_page_says_what_the_terminal_says() -> None:
    """The same words, once Markdown is rendered."""
    for code in shelf().codes:
        page = shelf().page(code, english)
        assert page
        text = (build_docs.FOLDER / f"{code}.md").read_text("utf-8")
        rendered = cmarkgfm.github_flavored_markdown_to_html(text)
        plain = words(html.unescape(re.sub(r"<[^>]+>", "", rendered)))
        said = [page.title, page.about, page.why, *page.lines]
        said += [part for m in page.meanings for part in (m.title, m.summary, *m.excluded)]
        terminal = words(codes.text_of(page, english))
        for sentence in filter(None, map(words, said)):
            assert sentence in terminal, code
            assert sentence.replace("`", "") in plain.replace("`", ""), code


def words(text: str) -> str:
    return " ".join(text.split())
