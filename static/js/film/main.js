// The film page: what is wanted, what will come out, and what to know before.
import { bind, covered, typing } from "../keys.js";
import { sessionWatch } from "../session.js";
import { Cart } from "./cart.js";
import { Line } from "./line.js";
import { Order } from "./order.js";
import { SheetView } from "./sheet.js";
import { Wish } from "./wish.js";
import { windowMenu } from "./window.js";
import { facts, icon, word } from "./words.js";

const SIGNS = { bad: "err", warn: "warnt", info: "info", ok: "check" };
const by = (id) => document.getElementById(id);

const wish = new Wish(changed);
const cart = new Cart(wish);
const order = new Order(wish);
const view = new SheetView(wish, () => draw());
const menu = windowMenu(wish);
let printable = false;
let drawn = ""; // the wish the preview on the screen answers, as text
const line = new Line(facts.socket, answered, lineChanged);

/* --- what changed --- */
function changed({ picture }) {
  cart.write();
  writeSheets();
  writeLayout();
  writePrint();
  view.writeChoice();
  by("tools-name").textContent = word("cell", { n: wish.chosen - wish.first + 1 });
  document.querySelector('[data-tool="invert"]').setAttribute("aria-pressed", String(Boolean(wish.cell?.invert)));
  if (picture) draw();
}

function ask() {
  return { op: "preview", film: wish.asJson(), sheet: wish.sheet, box: view.box() };
}

function draw() {
  const wanted = ask();
  const text = JSON.stringify(wanted);
  if (text !== drawn) {
    by("busy").textContent = word("drawing");
    line.ask(wanted);
  } else if (view.close && view.facts) {
    line.ask({ op: "part", box: view.part() });
  }
}

async function answered(message, png, asked, more) {
  if (message.op === "error") {
    by("busy").textContent = message.text ?? message.code;
    return;
  }
  if (message.op === "preview") {
    drawn = JSON.stringify(asked);
    const image = png && (await createImageBitmap(png));
    view.show(message, image);
    printable = message.printable;
    writeAdvice(message);
    writeShown(message);
    writePrint();
    document.body.dataset.digest = message.digest;
    if (view.close) line.ask({ op: "part", box: view.part() });
  } else if (png) {
    view.showPart(await createImageBitmap(png));
  }
  if (!more) by("busy").textContent = "";
  document.body.dataset.drawn = String(message.seq);
}

function lineChanged(state, code) {
  if (state === "open") {
    drawn = "";
    draw();
  } else {
    by("busy").textContent = word(state === "ended" && code === 4403 ? "denied" : "reconnecting");
  }
}

/* --- writing --- */
function writeSheets() {
  const group = by("sheets");
  const buttons = Array.from({ length: wish.sheets }, (_, index) => {
    const button = group.children[index] ?? document.createElement("button");
    button.type = "button";
    button.textContent = word("sheet", { n: index + 1 });
    button.onclick = () => wish.goSheet(index + 1);
    button.setAttribute("aria-pressed", String(index + 1 === wish.sheet));
    return button;
  });
  group.replaceChildren(...buttons);
  group.querySelector('[aria-pressed="true"]')?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

function writeLayout() {
  by("layout-name").textContent = wish.layout.replace(",", " × ");
  for (const button of document.querySelectorAll("[data-layout]")) {
    button.setAttribute("aria-pressed", String(button.dataset.layout === wish.layout));
  }
}

function writePrint() {
  const ready = printable && wish.cells.length > 0;
  by("print").disabled = !ready;
  by("print-words").textContent = word(wish.sheets === 1 ? "print-one" : "print-many", { n: wish.sheets });
}

function writeShown({ film }) {
  const { columns, rows, bits } = film;
  if (view.close) {
    by("shown").textContent = word(bits > 8 ? "shown-upper" : "shown-all", { columns, rows, bits });
  } else {
    const scale = (view.scale * (devicePixelRatio || 1)).toFixed(2);
    by("shown").textContent = word("shown", { scale, columns, rows, bits });
  }
}

function writeAdvice({ advice }) {
  by("advice").replaceChildren(
    ...advice.map(({ level, text, cells }) => {
      const item = document.createElement("li");
      item.className = level;
      item.append(icon(SIGNS[level]));
      if (cells.length) {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = word(cells.length === 1 ? "in-cell" : "in-cells", { list: list(cells), text });
        button.addEventListener("click", () => {
          wish.choose(wish.first + cells[0] - 1);
          view.focusCell(wish.chosen);
        });
        item.append(button);
      } else {
        const words = document.createElement("span");
        words.textContent = text;
        item.append(words);
      }
      return item;
    }),
  );
}

/** 1, 2, 3, 7 as "1–3, 7". */
function list(numbers) {
  const runs = [];
  for (const number of numbers) {
    const last = runs.at(-1);
    if (last && last[1] === number - 1) last[1] = number;
    else runs.push([number, number]);
  }
  return runs.map(([from, to]) => (from === to ? from : `${from}–${to}`)).join(", ");
}

/* --- what is pressed --- */
const does = {
  window: () => menu.open(document.querySelector('[data-tool="window"]')),
  invert: () => wish.alter({ invert: !wish.cell?.invert }),
  rotate: () => wish.rotate(1),
  flip: () => wish.flip(),
  series: () => wish.alterSeries(),
  earlier: () => wish.move(wish.chosen, wish.chosen - 1),
  later: () => wish.move(wish.chosen, wish.chosen + 1),
  remove: () => wish.remove(),
};
for (const button of document.querySelectorAll("[data-tool]")) {
  button.addEventListener("click", () => does[button.dataset.tool]());
}

for (const button of document.querySelectorAll("[data-layout]")) {
  button.addEventListener("click", () => {
    by("layout-menu").hidePopover();
    wish.set("layout", button.dataset.layout);
  });
}
by("layout-own").addEventListener("submit", (event) => {
  event.preventDefault();
  by("layout-menu").hidePopover();
  wish.set("layout", `${by("own-columns").valueAsNumber || 1},${by("own-rows").valueAsNumber || 1}`);
});
by("layout-menu").addEventListener("toggle", (event) => {
  if (event.newState !== "open") return;
  const { left, bottom } = by("layout-button").getBoundingClientRect();
  by("layout-menu").style.left = `${Math.min(left, innerWidth - 384)}px`;
  by("layout-menu").style.top = `${bottom + 4}px`;
  [by("own-columns").value, by("own-rows").value] = wish.layout.split(",");
});
for (const opener of document.querySelectorAll(".cart-add")) {
  document.getElementById(opener.getAttribute("popovertarget")).addEventListener("toggle", (event) => {
    if (event.newState !== "open") return;
    const { right, top } = opener.getBoundingClientRect();
    event.target.style.left = `${right + 4}px`;
    event.target.style.top = `${Math.min(top, innerHeight - event.target.offsetHeight - 8)}px`;
  });
}

by("clear").addEventListener("click", () => wish.empty());
function zoom(close) {
  view.setClose(close);
  by("fit").setAttribute("aria-pressed", String(!view.close));
  by("one-to-one").setAttribute("aria-pressed", String(view.close));
  if (view.facts) writeShown(view.facts);
}
by("fit").addEventListener("click", () => zoom(false));
by("one-to-one").addEventListener("click", () => zoom(true));
by("cells").addEventListener("dblclick", () => zoom(true));

by("form").addEventListener("submit", (event) => {
  if (by("print").disabled) {
    event.preventDefault();
    return;
  }
  by("film").value = JSON.stringify(wish.asJson());
  by("print").setAttribute("aria-busy", "true");
  by("print-words").textContent = word("printing");
  Wish.forget();
});

for (const opener of document.querySelectorAll("[data-open]")) {
  opener.addEventListener("click", () => by(opener.dataset.open).showModal());
}
for (const closer of document.querySelectorAll("[data-close]")) {
  closer.addEventListener("click", () => closer.closest("dialog").close());
}

/* --- keys --- */
function step(by_, move) {
  if (move) {
    wish.move(wish.chosen, wish.chosen + by_);
  } else {
    wish.choose(Math.max(0, Math.min(wish.cells.length - 1, (wish.chosen < 0 ? wish.first - by_ : wish.chosen) + by_)));
  }
  view.focusCell(wish.chosen);
}
const onCell = (work) => (event) => (wish.cell ? (work(event), true) : false);
bind("ArrowRight", (event) => (step(1, event.shiftKey), true));
bind("ArrowLeft", (event) => (step(-1, event.shiftKey), true));
bind("ArrowDown", (event) => (step(wish.grid.columns, event.shiftKey), true));
bind("ArrowUp", (event) => (step(-wish.grid.columns, event.shiftKey), true));
bind("PageDown", () => (wish.goSheet(wish.sheet + 1), true));
bind("PageUp", () => (wish.goSheet(wish.sheet - 1), true));
bind("Delete", onCell(does.remove));
bind("Backspace", onCell(does.remove));
bind("w", onCell(does.window));
bind("i", onCell(does.invert));
bind("]", onCell(does.rotate));
bind("[", onCell(() => wish.rotate(3)));
bind("f", onCell(does.flip));
bind("a", onCell(does.series));
bind("l", () => by("layout-menu").showPopover());
bind("0", () => zoom(false));
bind("1", () => zoom(true));
bind("?", () => by("keys").showModal());
bind("Escape", () => {
  if (typing()) document.activeElement.blur();
  else if (view.close) zoom(false);
  else if (wish.cell) wish.choose(-1);
  else by("back").click();
  return true;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !event.ctrlKey || covered()) return;
  event.preventDefault();
  if (!by("print").disabled) by("form").requestSubmit(by("print"));
});

/* --- the image the viewer sent us --- */
function takeFromAddress() {
  const asked = new URLSearchParams(location.search);
  const instance = Number(asked.get("instance"));
  if (!instance) return;
  const cell = { instance, frame: Number(asked.get("frame")) || 1 };
  const [center, width] = [asked.get("center"), asked.get("width")].map((text) => (text === null ? NaN : Number(text)));
  if (Number.isFinite(center) && width > 0) cell.window = [center, width];
  if (asked.get("invert") === "1") cell.invert = true;
  const turn = Number(asked.get("turn"));
  if ([1, 2, 3].includes(turn)) cell.turn = turn;
  if (asked.get("mirror") === "1") cell.mirror = true;
  const presentation = Number(asked.get("presentation"));
  if (Number.isInteger(presentation) && presentation > 0) cell.presentation = presentation;
  // A reload must not add it again.
  history.replaceState(null, "", location.pathname);
  wish.add([cell]);
}

takeFromAddress();
changed({ picture: true });
sessionWatch();
