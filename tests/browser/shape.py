"""What is true of every page, as the browser sees it: width, targets, accessibility rules."""

from __future__ import annotations

from collections.abc import Sequence

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

SIZES = [(1366, 768), (1024, 768)]
# A page is loaded in one size and drawn to the other, in the second language the other way round.
LOADED = {"en": SIZES, "zh-hans": SIZES[::-1]}
AA = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]},
    "resultTypes": ["violations"],  # of what passes, axe would describe every element
    "preload": False,  # axe would copy imported style sheets into the page, which the policy forbids
}
_AXE = """
async (options) => {
  const { violations } = await axe.run(options);
  return violations.flatMap((rule) => rule.nodes.map((node) => `${rule.id}: ${node.html.slice(0, 160)}`));
}
"""

# How far a press still belongs to an element, along the lines through its middle. A target behind the
# edge of something that scrolls is brought into view first.
_TARGETS = """
() => {
  const small = [];
  const kinds = "a[href], button, input, select, textarea, summary, [role=button], [tabindex='0']";
  for (const element of document.querySelectorAll(kinds)) {
    if (!element.checkVisibility({ checkOpacity: false, checkVisibilityCSS: true })) continue;
    if (element.closest("p, dd, .sentence-text") && element.matches("a")) continue;
    if (element.disabled || element.matches(".skip, [type=hidden]")) continue;
    const owner = element.closest("label") ?? element;
    owner.scrollIntoView({ block: "nearest" });
    const box = owner.getBoundingClientRect();
    const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
    const ours = (px, py) => {
      const hit = document.elementFromPoint(px, py);
      return hit !== null && (owner.contains(hit) || hit.closest("label")?.control === element);
    };
    if (!ours(x, y)) continue;
    const reach = (dx, dy, most) => {
      let far = 0;
      while (far < most && ours(x + dx * (far + 1), y + dy * (far + 1))) far += 1;
      return far;
    };
    const across = (dx, dy) => {
      const before = reach(-dx, -dy, 39);
      return before + reach(dx, dy, 39 - before) + 1;  // 40 is enough: nobody looks further
    };
    const [width, height] = [across(1, 0), across(0, 1)];
    if (width < 40 || height < 40) {
      small.push(`${element.outerHTML.slice(0, 120)} ${width} x ${height}`);
    }
  }
  return small;
}
"""


def violations(page: Page) -> list[str]:
    """Axe's findings of level A and AA: the rule and where."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    return list(page.evaluate(_AXE, AA))


def lay_flat(page: Page) -> None:
    """Let nothing stick: what lies half under a bar until one scrolls is not small."""
    page.evaluate(
        """() => {
          scrollTo(0, 0);
          for (const element of document.querySelectorAll("*"))
            if (getComputedStyle(element).position === "sticky") element.style.position = "static";
        }"""
    )


def small_targets(page: Page) -> list[str]:
    """What can be pressed on less than 40 x 40 px."""
    return list(page.evaluate(_TARGETS))


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than the window."""
    return int(page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))


def ill_shaped(page: Page, sizes: Sequence[tuple[int, int]] = SIZES, *, flat: bool = False) -> list[str]:
    """What is wrong with a loaded page in windows of these sizes: its width, targets, and axe's rules.

    ``flat``: axe judges the page laid flat, and last, for that cannot be undone.
    """
    found: list[str] = []
    for size in sizes:
        name = _resize(page, size)
        wider = overflow(page)
        found += [f"{name}: {wider} px wider than the window"] if wider > 0 else []
        found += [f"{name}: small: {target}" for target in small_targets(page)]
        found += [] if flat else [f"{name}: {broken}" for broken in violations(page)]
    if flat:
        lay_flat(page)
        for size in sizes:
            name = _resize(page, size)
            found += [f"{name}: {broken}" for broken in violations(page)]
    return found


def _resize(page: Page, size: tuple[int, int]) -> str:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    return f"{size[0]}x{size[1]}"
