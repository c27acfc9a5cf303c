// The sheet on its light box: the bitmap, the cells to press and drag, rulers, pixel for pixel.
import { word } from "./words.js";

const PLATE = 7;
const MARGIN = 14;
const TOOLS = 62;
const SVG = "http://www.w3.org/2000/svg";

export class SheetView {
  /** `wanted()` is called when another picture is needed: size or part changed. */
  constructor(wish, wanted) {
    this.wish = wish;
    this.wanted = wanted;
    this.stage = document.getElementById("stage");
    this.plate = document.getElementById("plate");
    this.sheet = document.getElementById("sheet");
    this.canvas = document.getElementById("canvas");
    this.cells = document.getElementById("cells");
    this.tools = document.getElementById("tools");
    this.facts = null; // the last preview's message
    this.close = false; // pixel for pixel
    this.at = { left: 0, top: 0 };
    new ResizeObserver(() => this.resized()).observe(this.stage);
    this.pan();
  }

  /** The screen pixels a sheet of this shape can have. */
  box() {
    const ratio = devicePixelRatio || 1;
    const width = Math.max(64, this.stage.clientWidth - 2 * (PLATE + MARGIN));
    const height = Math.max(64, this.stage.clientHeight - 2 * (PLATE + MARGIN));
    return [Math.min(4096, Math.round(width * ratio)), Math.min(4096, Math.round(height * ratio))];
  }

  /** The part of the film under the stage when it is shown pixel for pixel: a film pixel is a device pixel. */
  part() {
    const ratio = devicePixelRatio || 1;
    const { columns, rows } = this.facts.film;
    const width = Math.min(columns, 4096, Math.round(this.stage.clientWidth * ratio));
    const height = Math.min(rows, 4096, Math.round(this.stage.clientHeight * ratio));
    this.at.left = Math.max(0, Math.min(columns - width, Math.round(this.at.left)));
    this.at.top = Math.max(0, Math.min(rows - height, Math.round(this.at.top)));
    return [this.at.left, this.at.top, width, height];
  }

  resized() {
    if (this.facts) this.place();
    this.wanted();
  }

  setClose(close, focus = null) {
    if (this.close === close || (close && !this.facts)) return;
    if (close) {
      const { columns, rows } = this.facts.film;
      const middle = focus ?? [columns / 2, rows / 2];
      const ratio = devicePixelRatio || 1;
      this.at = { left: middle[0] - (this.stage.clientWidth * ratio) / 2, top: middle[1] - (this.stage.clientHeight * ratio) / 2 };
    }
    this.close = close;
    this.stage.classList.toggle("close", close);
    this.place();
    this.wanted();
  }

  /** A preview arrived. */
  show(message, image) {
    this.facts = message;
    this.plate.hidden = false;
    this.place();
    if (!this.close) this.paint(image);
    this.writeCells();
  }

  showPart(image) {
    if (this.close) this.paint(image);
  }

  paint(image) {
    if (!image) return;
    this.canvas.width = image.width;
    this.canvas.height = image.height;
    this.canvas.getContext("2d").drawImage(image, 0, 0);
  }

  /** Lay the plate in the middle of the stage, and the rulers along it. */
  place() {
    const { columns, rows } = this.facts.film;
    const ratio = devicePixelRatio || 1;
    if (this.close) {
      const [, , width, height] = this.part();
      this.size(width / ratio, height / ratio);
      this.plate.style.left = this.plate.style.top = "";
      this.rulers(-this.at.left / ratio, -this.at.top / ratio, 1 / ratio);
      return;
    }
    const [width, height] = this.box().map((side) => side / ratio);
    const scale = Math.min(width / columns, height / rows, 1);
    this.scale = scale;
    this.size(columns * scale, rows * scale);
    const free = this.stage.clientWidth - columns * scale - 2 * PLATE;
    // Beside the sheet there is room for the tools of the cell, as far as there is room at all.
    const left = Math.round(Math.max(free / 2, Math.min(TOOLS, free - 4)));
    const top = Math.round((this.stage.clientHeight - rows * scale) / 2 - PLATE);
    this.plate.style.left = `${left}px`;
    this.plate.style.top = `${top}px`;
    this.rulers(left + PLATE, top + PLATE, scale);
    this.placeTools(left, top);
  }

  size(width, height) {
    this.sheet.style.width = `${width}px`;
    this.sheet.style.height = `${height}px`;
  }

  placeTools(left, top) {
    this.tools.hidden = !this.wish.cell || this.close;
    const room = left - TOOLS;
    this.tools.style.left = `${Math.max(4, room + 4)}px`;
    this.tools.style.top = `${Math.max(4, top + 60)}px`;
  }

  /** Centimetres of film: `from` is where the film begins, `scale` screen pixels a film pixel. */
  rulers(fromX, fromY, scale) {
    const [width, height] = this.facts.size_mm;
    const { columns, rows } = this.facts.film;
    ruler(document.getElementById("ruler-across"), fromX, (scale * columns * 10) / width, Math.floor(width / 10), false);
    ruler(document.getElementById("ruler-down"), fromY, (scale * rows * 10) / height, Math.floor(height / 10), true);
  }

  /* --- cells --- */
  writeCells() {
    const { film, cells, advice } = this.facts;
    const marks = new Map();
    for (const { level, cells: named } of advice) {
      if (level !== "bad" && level !== "warn") continue;
      for (const number of named) if (marks.get(number) !== "bad") marks.set(number, level);
    }
    // Buttons are kept and changed, so that the focus stays where it is.
    while (this.cells.children.length > cells.length) this.cells.lastChild.remove();
    cells.forEach((box, index) => {
      const button = this.cells.children[index]?.firstChild ?? this.newCell(index);
      const [left, top, width, height] = box;
      button.style.left = `${(left / film.columns) * 100}%`;
      button.style.top = `${(top / film.rows) * 100}%`;
      button.style.width = `${(width / film.columns) * 100}%`;
      button.style.height = `${(height / film.rows) * 100}%`;
      this.writeCell(button, index, marks.get(index + 1));
    });
  }

  writeCell(button, index, mark) {
    const place = this.wish.first + index;
    const cell = this.wish.cells[place];
    const frame = cell && this.wish.frameOf(cell);
    button.classList.toggle("vacant", !cell);
    button.draggable = Boolean(cell);
    button.setAttribute("aria-pressed", String(Boolean(cell) && place === this.wish.chosen));
    button.tabIndex = place === Math.max(this.wish.chosen, this.wish.first) ? 0 : -1;
    const values = { n: index + 1, series: frame?.stack.name, image: frame?.place };
    button.setAttribute("aria-label", word(cell ? "cell-image" : "cell-empty", values));
    const sign = button.querySelector(".sign");
    sign.hidden = !cell || !mark;
    sign.className = `sign ${mark ?? ""}`;
  }

  newCell(index) {
    const item = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.className = "film-cell";
    const sign = document.createElement("span");
    sign.className = "sign";
    sign.textContent = "!";
    sign.hidden = true;
    button.append(sign);
    item.append(button);
    this.cells.append(item);
    const place = () => this.wish.first + index;
    button.addEventListener("click", () => this.wish.choose(place()));
    button.addEventListener("dblclick", (event) => this.closeAt(event));
    button.addEventListener("dragstart", (event) => {
      event.dataTransfer.setData("text/x-film-cell", String(place()));
      event.dataTransfer.effectAllowed = "move";
    });
    button.addEventListener("dragover", (event) => {
      event.preventDefault();
      button.classList.add("target");
    });
    for (const kind of ["dragleave", "drop"]) button.addEventListener(kind, () => button.classList.remove("target"));
    button.addEventListener("drop", (event) => {
      event.preventDefault();
      const from = event.dataTransfer.getData("text/x-film-cell");
      const image = event.dataTransfer.getData("text/x-film-image");
      if (from !== "") this.wish.move(Number(from), place());
      else if (image) this.wish.insert(JSON.parse(image), place());
    });
    return button;
  }

  /** Mark the chosen cell at once; the picture need not change for it. */
  writeChoice() {
    if (!this.facts) return;
    this.writeCells();
    if (!this.close) this.place();
  }

  focusCell(place) {
    this.cells.children[place - this.wish.first]?.firstChild.focus();
  }

  closeAt(event) {
    const area = this.sheet.getBoundingClientRect();
    const { columns, rows } = this.facts.film;
    this.setClose(true, [
      ((event.clientX - area.left) / area.width) * columns,
      ((event.clientY - area.top) / area.height) * rows,
    ]);
  }

  /** Pixel for pixel, the film is moved by dragging. */
  pan() {
    let from = null;
    this.plate.addEventListener("pointerdown", (event) => {
      if (!this.close) return;
      from = { x: event.clientX, y: event.clientY, ...this.at };
      this.plate.setPointerCapture(event.pointerId);
    });
    this.plate.addEventListener("pointermove", (event) => {
      if (!from) return;
      const ratio = devicePixelRatio || 1;
      this.at = { left: from.left - (event.clientX - from.x) * ratio, top: from.top - (event.clientY - from.y) * ratio };
      this.place();
      this.wanted();
    });
    for (const kind of ["pointerup", "pointercancel"]) this.plate.addEventListener(kind, () => (from = null));
  }
}

function ruler(svg, from, step, count, down) {
  const marks = [];
  for (let at = 0; at <= count; at += 1) {
    const place = from + at * step;
    const five = at % 5 === 0;
    const line = document.createElementNS(SVG, "path");
    const start = five ? 13 : 18;
    line.setAttribute("d", down ? `M22 ${place}H${start}` : `M${place} 22V${start}`);
    marks.push(line);
    if (!five) continue;
    const text = document.createElementNS(SVG, "text");
    text.textContent = at;
    text.setAttribute("x", down ? 2 : place + 3);
    text.setAttribute("y", down ? place + 10 : 10);
    marks.push(text);
  }
  svg.replaceChildren(...marks);
}
