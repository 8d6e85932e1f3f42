"""The whole page without barriers: axe-core finds nothing serious, and every control can be hit."""

from __future__ import annotations

import pytest
from support.axe import axe_script, barriers
from support.whole_page import OPEN_JS, WITHOUT_TOUR, open_page, wait_for, wait_for_race

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def axe(tmp_path_factory) -> str:
    return axe_script(tmp_path_factory.mktemp("axe"))


@pytest.fixture
def visit(browser, url):
    contexts = []

    def open_one(width: int, theme: str, **options):
        contexts.append(browser.new_context(viewport={"width": width, "height": 900}, **options))
        contexts[-1].add_init_script(WITHOUT_TOUR)
        return open_page(contexts[-1], url, f"?__theme={theme}")

    yield open_one
    for context in contexts:
        context.close()


def open_everything(page) -> None:
    """Accordions open, those inside others too, a patch pinned, a race run."""
    page.wait_for_function(OPEN_JS)
    page.locator("[data-ref=mergeTop]").press("ArrowRight")
    page.locator("[data-ref=mergeTop]").press("Enter")
    wait_for(page, "s.pinned !== null")
    page.locator("#lab-street img").wait_for(state="attached")
    wait_for_race(page, "['done', 'stopped'].includes(s.state)")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_axe_finds_nothing_serious(visit, axe, width, theme):
    page = visit(width, theme)
    assert barriers(page, axe) == []
    open_everything(page)
    assert barriers(page, axe) == []


LEAST_PX = 24
SMALL_JS = """(least) => {
  const controls = '.mpm :is(button, input, select, summary, a, [role=slider], [role=button])';
  const sizeOf = (node) => (node.closest('label:has(input[type=checkbox])') ?? node).getBoundingClientRect();
  return [...document.querySelectorAll(controls)]
    .filter((node) => node.checkVisibility({ visibilityProperty: true }) && node.getClientRects().length)
    .filter((node) => Math.min(sizeOf(node).width, sizeOf(node).height) < least - 0.01)
    .map((node) => {
      const { width, height } = sizeOf(node);
      return `${width.toFixed(1)} x ${height.toFixed(1)}: ${node.outerHTML.slice(0, 160)}`;
    });
}"""


@pytest.mark.parametrize(("width", "has_touch"), [(1440, False), (390, True)])
def test_every_control_is_large_enough_to_hit(visit, width, has_touch):
    page = visit(width, "light", has_touch=has_touch)
    open_everything(page)
    assert page.evaluate(SMALL_JS, LEAST_PX) == []
