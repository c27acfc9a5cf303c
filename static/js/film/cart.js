// The images of the study: press one to put it on the film, or take a whole series or every n-th image.
import { facts, icon, word } from "./words.js";
import { frames } from "./wish.js";

const SHOWN = 6;
const STEPS = [1, 2, 3, 5, 10];

export class Cart {
  constructor(wish) {
    this.wish = wish;
    this.open = new Set();
    this.buttons = new Map();
    for (const section of document.querySelectorAll(".cart-series")) this.build(section);
  }

  build(section) {
    const stack = facts.stacks.find((one) => one.key === section.dataset.stack);
    const list = [...frames.values()].filter((one) => one.stack === stack);
    this.menu(section, list);
    const more = section.querySelector("[data-more]");
    // Frames of one file share a thumbnail: its middle frame stands for all of them.
    const single = stack.images.length === 1 && stack.images[0].frames > 1;
    const shown = single ? [list[Math.floor(list.length / 2)]] : list;
    const fill = (until) => {
      const grid = section.querySelector("[data-grid]");
      grid.replaceChildren(...shown.slice(0, until).map((one) => this.button(one)));
      more.hidden = shown.length <= until;
      more.textContent = word("more", { n: shown.length - until });
      this.write();
    };
    more.addEventListener("click", () => fill(shown.length));
    fill(SHOWN);
  }

  button(one) {
    const key = `${one.instance}/${one.frame}`;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "cart-image";
    button.draggable = true;
    const picture = document.createElement("img");
    picture.src = facts.thumbnail.replace("/0/", `/${one.instance}/`);
    picture.alt = "";
    picture.loading = "lazy";
    picture.draggable = false;
    const at = document.createElement("span");
    at.className = "at";
    at.textContent = one.place;
    button.append(picture, at);
    const cell = { instance: one.instance, frame: one.frame };
    button.addEventListener("click", () => this.wish.add([cell]));
    button.addEventListener("dragstart", (event) => {
      event.dataTransfer.setData("text/x-film-image", JSON.stringify(cell));
      event.dataTransfer.effectAllowed = "copy";
    });
    this.buttons.set(key, button);
    return button;
  }

  menu(section, list) {
    const menu = section.querySelector("[data-add-menu]");
    const steps = STEPS.filter((step) => step === 1 || list.length >= step * 2);
    const items = steps.map((step) => {
      const some = list.filter((_, index) => index % step === 0);
      const item = document.createElement("button");
      item.type = "button";
      item.className = "item";
      item.append(icon("plus"), word(step === 1 ? "add-all" : "add-every", { n: some.length, step }));
      item.addEventListener("click", () => {
        menu.hidePopover();
        this.wish.add(some.map(({ instance, frame }) => ({ instance, frame })));
      });
      return item;
    });
    menu.replaceChildren(...items);
  }

  /** Show which images are on the film, and how many there are. */
  write() {
    const on = new Set(this.wish.cells.map((cell) => `${cell.instance}/${cell.frame}`));
    for (const [key, button] of this.buttons) {
      const one = frames.get(key);
      button.toggleAttribute("data-on", on.has(key));
      button.setAttribute("aria-label", word(on.has(key) ? "on-film" : "add", { n: one.place }));
      button.title = button.getAttribute("aria-label");
    }
    document.getElementById("cart-count").textContent = frames.size;
  }
}
