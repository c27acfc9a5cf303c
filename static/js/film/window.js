// The window of a cell: the image's own, or width and level by hand.
import { word } from "./words.js";

const by = (id) => document.getElementById(id);

/** `open(button)` shows the menu beside the button for the chosen cell. */
export function windowMenu(wish) {
  const menu = by("window-menu");

  by("window-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const width = number(by("window-width").value);
    const center = number(by("window-center").value);
    if (!(width > 0) || !Number.isFinite(center)) {
      by(width > 0 ? "window-center" : "window-width").select();
      return;
    }
    menu.hidePopover();
    wish.alter({ window: [center, width] });
  });
  by("window-own").addEventListener("click", () => {
    menu.hidePopover();
    wish.alter({ window: null });
  });

  function preset([center, width, name]) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "chip";
    button.textContent = name || `${width} / ${center}`;
    button.title = `${width} / ${center}`;
    button.addEventListener("click", () => {
      menu.hidePopover();
      wish.alter({ window: [center, width] });
    });
    return button;
  }

  return {
    open(button) {
      const { cell } = wish;
      if (!cell) return;
      const { windows } = wish.frameOf(cell);
      const [center, width] = cell.window ?? windows[0] ?? ["", ""];
      by("window-title").textContent = `${word("window")}, ${word("cell", { n: wish.chosen - wish.first + 1 })}`;
      by("window-width").value = width;
      by("window-center").value = center;
      by("window-presets").replaceChildren(...windows.map(preset));
      menu.showPopover();
      const { right, top } = button.getBoundingClientRect();
      menu.style.left = `${right + 8}px`;
      menu.style.top = `${Math.min(top, innerHeight - menu.offsetHeight - 8)}px`;
      by("window-width").select();
    },
  };
}

/** A number as a person types it: a comma, a true minus sign. */
function number(text) {
  const plain = text.trim().replace(",", ".").replace("−", "-");
  return plain === "" ? NaN : Number(plain);
}
