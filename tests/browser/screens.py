"""What a viewer's test looks at: the painted pixels, and the mouse over them."""

from __future__ import annotations

from dataclasses import dataclass

from playwright.sync_api import Locator, Page, expect

TOLERANCE = 3

_PIXEL = """([x, y]) => {
  const canvas = document.querySelector('.viewport canvas');
  const ratio = canvas.width / canvas.clientWidth;
  const context = canvas.getContext('2d');
  return [...context.getImageData(Math.floor(x * ratio), Math.floor(y * ratio), 1, 1).data].slice(0, 3);
}"""
_NEAR = """([points, tolerance]) => {
  const canvas = document.querySelector('.viewport canvas');
  if (!canvas) return false;
  const context = canvas.getContext('2d');
  const ratio = canvas.width / canvas.clientWidth;
  return points.every(([x, y, grey]) => {
    const data = context.getImageData(Math.floor(x * ratio), Math.floor(y * ratio), 1, 1).data;
    return [0, 1, 2].every((channel) => Math.abs(data[channel] - (grey[channel] ?? grey)) <= tolerance);
  });
}"""


@dataclass
class Screen:
    """The viewport of a viewer's page that shows a frame of ``columns`` x ``rows``."""

    page: Page
    columns: int
    rows: int

    @property
    def viewport(self) -> Locator:
        return self.page.locator(".viewport")

    @property
    def stage(self) -> tuple[float, float, float, float]:
        box = self.viewport.bounding_box()
        assert box is not None
        return box["x"], box["y"], box["width"], box["height"]

    @property
    def scale(self) -> float:
        """Of the whole frame fitted in the viewport."""
        _, _, width, height = self.stage
        return min(width / self.columns, height / self.rows)

    def at(self, column: float, row: float) -> tuple[float, float]:
        """Where the middle of a pixel of the fitted frame lies in the viewport."""
        _, _, width, height = self.stage
        return (
            width / 2 + (column + 0.5 - self.columns / 2) * self.scale,
            height / 2 + (row + 0.5 - self.rows / 2) * self.scale,
        )

    def pixel(self, x: float, y: float) -> list[int]:
        return list(self.page.evaluate(_PIXEL, [x, y]))

    def expect_greys(self, greys: dict[tuple[float, float], float], tolerance: float = TOLERANCE) -> None:
        """Wait until these pixels of the fitted frame are painted in these greys."""
        self.expect_at([(*self.at(*place), grey) for place, grey in greys.items()], tolerance)

    def expect_at(self, points: list[tuple[float, float, object]], tolerance: float = TOLERANCE) -> None:
        """Wait until the canvas is this grey (or colour) at these places of the viewport."""
        try:
            self.page.wait_for_function(_NEAR, arg=[points, tolerance], timeout=10_000)
        except Exception as error:
            seen = [(*map(round, point[:2]), point[2], self.pixel(*point[:2])) for point in points]
            raise AssertionError(f"painted (x, y, expected, seen): {seen}") from error

    def move_to(self, x: float, y: float) -> None:
        left, top, _, _ = self.stage
        self.page.mouse.move(left + x, top + y)

    def drag(
        self, dx: float, dy: float, button: str = "left", start: tuple[float, float] | None = None
    ) -> None:
        """A drag with real mouse events, in steps."""
        left, top, width, height = self.stage
        x, y = start or (width / 2, height / 2)
        self.page.mouse.move(left + x, top + y)
        self.page.mouse.down(button=button)  # type: ignore[arg-type]
        self.page.mouse.move(left + x + dx, top + y + dy, steps=8)
        self.page.mouse.up(button=button)  # type: ignore[arg-type]

    def wheel(self, notches: int) -> None:
        _, _, width, height = self.stage
        self.move_to(width / 2, height / 2)
        for _ in range(abs(notches)):
            self.page.mouse.wheel(0, 100 if notches > 0 else -100)

    def corner(self, name: str) -> Locator:
        return self.page.locator(f'[data-corner="{name}"]')

    def expect_corner(self, name: str, text: str) -> None:
        expect(self.corner(name)).to_have_text(text)
