// What the person wants printed: images in order, layout, order. Kept for this study while the browser tab lives.
import { facts } from "./words.js";

const KEY = `film-${facts.study}`;
const KEPT = ["cells", "layout", "printer", "film_size", "orientation", "medium", "copies", "colour"];

export const frames = new Map(); // "id/frame" -> { stack, place, windows }
for (const stack of facts.stacks) {
  let place = 0;
  for (const image of stack.images) {
    for (let frame = 1; frame <= image.frames; frame += 1) {
      place += 1;
      const windows = image.windows.length ? image.windows : stack.windows;
      frames.set(`${image.id}/${frame}`, { stack, place, windows, instance: image.id, frame });
    }
  }
}

export class Wish {
  constructor(changed) {
    this.changed = changed;
    this.cells = [];
    this.layout = "2,2";
    this.orientation = "PORTRAIT";
    this.copies = 1;
    this.colour = false;
    this.printer = null;
    this.film_size = "";
    this.medium = "";
    this.chosen = -1; // place among all cells
    this.sheet = 1;
    this.restore();
  }

  get grid() {
    const [columns, rows] = this.layout.split(",").map(Number);
    return { columns, rows, cells: columns * rows };
  }

  get sheets() {
    return Math.max(1, Math.ceil(this.cells.length / this.grid.cells));
  }

  /** The first place on the sheet that is shown. */
  get first() {
    return (this.sheet - 1) * this.grid.cells;
  }

  get cell() {
    return this.cells[this.chosen];
  }

  asJson() {
    return Object.fromEntries(KEPT.map((name) => [name, this[name]]));
  }

  frameOf(cell) {
    return frames.get(`${cell.instance}/${cell.frame}`);
  }

  add(cells, { choose = true } = {}) {
    const known = cells.filter((cell) => this.frameOf(cell));
    if (!known.length) return;
    this.cells.push(...known);
    if (choose) this.choose(this.cells.length - 1, { quiet: true });
    this.tell();
  }

  remove(place = this.chosen) {
    if (!this.cells[place]) return;
    this.cells.splice(place, 1);
    this.choose(Math.min(place, this.cells.length - 1), { quiet: true });
    this.tell();
  }

  move(from, to) {
    if (!this.cells[from]) return;
    const target = Math.max(0, Math.min(this.cells.length - 1, to));
    const [cell] = this.cells.splice(from, 1);
    this.cells.splice(target, 0, cell);
    this.choose(target, { quiet: true });
    this.tell();
  }

  insert(cell, at) {
    if (!this.frameOf(cell)) return;
    const place = Math.min(at, this.cells.length);
    this.cells.splice(place, 0, cell);
    this.choose(place, { quiet: true });
    this.tell();
  }

  empty() {
    this.cells = [];
    this.chosen = -1;
    this.sheet = 1;
    this.tell();
  }

  choose(place, { quiet = false } = {}) {
    this.chosen = this.cells[place] ? place : -1;
    if (this.chosen >= 0) this.sheet = Math.floor(this.chosen / this.grid.cells) + 1;
    this.sheet = Math.max(1, Math.min(this.sheets, this.sheet));
    if (!quiet) this.tell({ picture: false });
  }

  goSheet(number) {
    this.sheet = Math.max(1, Math.min(this.sheets, number));
    this.chosen = -1;
    this.tell();
  }

  /** @param {number} quarters clockwise */
  rotate(quarters) {
    this.alter({ turn: ((this.cell?.turn ?? 0) + quarters) % 4 });
  }

  /** Left and right of the film change places: mirrored before it is turned, a turn goes the other way round. */
  flip() {
    this.alter({ turn: (4 - (this.cell?.turn ?? 0)) % 4, mirror: !this.cell?.mirror });
  }

  /** Change the chosen cell: `{ window: [center, width] | null }`, `{ invert }`, `{ turn, mirror }`. */
  alter(change) {
    if (!this.cell) return;
    this.cells[this.chosen] = { ...this.cell, ...change };
    this.tell();
  }

  /** Give how the chosen cell shows its image (window, invert, turn) to all cells of its series. */
  alterSeries() {
    const { cell } = this;
    if (!cell) return;
    const { stack } = this.frameOf(cell);
    const { window, invert, turn, mirror } = cell;
    this.cells = this.cells.map((other) =>
      this.frameOf(other).stack === stack ? { ...other, window, invert, turn, mirror } : other,
    );
    this.tell();
  }

  set(name, value) {
    this[name] = value;
    if (name === "layout") this.choose(this.chosen, { quiet: true });
    this.tell();
  }

  tell(what = {}) {
    try {
      sessionStorage.setItem(KEY, JSON.stringify(this.asJson()));
    } catch {
      // A full or forbidden store costs only the memory of this film.
    }
    this.changed({ picture: true, ...what });
  }

  restore() {
    try {
      const kept = JSON.parse(sessionStorage.getItem(KEY) ?? "{}");
      for (const name of KEPT) if (name in kept) this[name] = kept[name];
    } catch {
      // What cannot be read is forgotten.
    }
    this.cells = this.cells.filter((cell) => this.frameOf(cell));
    if (!/^\d+,\d+$/.test(this.layout)) this.layout = "2,2";
  }

  static forget() {
    sessionStorage.removeItem(KEY);
  }
}
