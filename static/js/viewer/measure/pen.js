// Drawing and changing marks with the pointer: in every tool a handle or line under it is taken; with a tool that
// draws, a press begins a mark, or goes on with one that has not all its places.

import { applied } from '../geometry.js';
import { SHAPES, distanceTo, linesOf } from './shapes.js';

const NEAR_LINE = 6;
const NEAR_HANDLE = 9;
const CLICK = 3;

export class Pen {
  /** @param {import('./own.js').Own} own @param {{ask: (viewport, place, then: (text: string) => void) => void}} calls */
  constructor(own, calls) {
    this.own = own;
    this.calls = calls;
  }

  /** Whether a mark waits for more places. */
  get drawing() {
    return this.own.draft !== null;
  }

  /** A left press at (x, y): what follows the pointer from now on, or null when it is not the pen's.
   *  @returns {{move: (x, y) => void, up: (x, y) => void} | null} */
  press(viewport, tool, x, y) {
    if (!viewport.shown) return null;
    if (this.drawing) return this.#goOn(viewport, x, y);
    return this.#take(viewport, x, y) ?? (SHAPES[tool] ? this.#begin(viewport, tool, x, y) : this.#letGo());
  }

  cancel() {
    const { own } = this;
    const had = own.draft !== null || own.selected !== '';
    own.draft = null;
    own.selected = '';
    own.calls.drawn();
    return had;
  }

  /** The pointer moves without a button: the next place of an unfinished mark follows it. */
  hover(viewport, x, y) {
    const { draft } = this.own;
    if (!draft?.open || !here(draft, viewport)) return;
    this.#draft({ ...draft, places: [...draft.places.slice(0, draft.open), viewport.placeAt(x, y)] });
  }

  #letGo() {
    if (this.own.selected) this.cancel();
    return null;
  }

  #draft(mark) {
    this.own.draft = mark;
    this.own.calls.drawn();
  }

  #begin(viewport, shape, x, y) {
    const { instance, frame } = viewport.shown.ask;
    const place = viewport.placeAt(x, y);
    const mark = { key: uuid(), study: viewport.stack.study, instance, frame, shape, places: [place], text: '' };
    if (shape === 'text') {
      this.calls.ask(viewport, [x, y], (text) => text && this.#keep({ ...mark, text }));
      return { move() {}, up() {} };
    }
    if (SHAPES[shape].places === 1) {
      this.#draft(mark);
      return { move: (nx, ny) => this.#draft({ ...mark, places: [viewport.placeAt(nx, ny)] }), up: () => this.#finish() };
    }
    return this.#stretch(viewport, { ...mark, places: [place, place] }, 1, x, y);
  }

  /** The place `at` follows the pointer until the button is let go. */
  #stretch(viewport, mark, at, x, y) {
    this.#draft(mark);
    const move = (nx, ny) => {
      const places = mark.places.map((place, index) => (index === at ? viewport.placeAt(nx, ny) : place));
      this.#draft({ ...mark, places });
    };
    const up = (nx, ny) => {
      const short = Math.hypot(nx - x, ny - y) < CLICK;
      if (at % 2 === 1 && short) this.cancel(); // a click draws nothing
      else this.#advance();
    };
    return { move, up };
  }

  #goOn(viewport, x, y) {
    const { draft } = this.own;
    if (!here(draft, viewport)) {
      this.cancel();
      return null;
    }
    const place = viewport.placeAt(x, y);
    const set = draft.places.slice(0, draft.open);
    if (draft.shape === 'cobb') return this.#stretch(viewport, { ...draft, open: 0, places: [...set, place, place] }, 3, x, y);
    return this.#stretch(viewport, { ...draft, open: 0, places: [...set, place] }, 2, x, y);
  }

  #advance() {
    const { draft } = this.own;
    if (draft.places.length >= SHAPES[draft.shape].places) this.#finish();
    else this.#draft({ ...draft, open: draft.places.length });
  }

  #finish() {
    const { open: _, ...mark } = this.own.draft;
    this.#keep(mark);
  }

  #keep(mark) {
    this.own.draft = null;
    this.own.selected = mark.key;
    this.own.put(mark);
  }

  /** A handle of the chosen mark, or the line of any, under the pointer. */
  #take(viewport, x, y) {
    const { matrix } = viewport;
    const project = (column, row) => applied(matrix, column, row);
    const { instance, frame } = viewport.shown.ask;
    const marks = this.own.on(instance, frame).toReversed();
    const chosen = marks.find((mark) => mark.key === this.own.selected);
    const at = chosen ? chosen.places.findIndex((place) => near(project(...place), x, y)) : -1;
    if (at >= 0) return this.#change(viewport, chosen, (place) => chosen.places.map((old, index) => (index === at ? place : old)), x, y);
    const hit = marks.find((mark) => touches(mark, project, x, y));
    if (!hit) return null;
    this.own.selected = hit.key;
    this.own.calls.drawn();
    const [column, row] = viewport.placeAt(x, y);
    const moved = (place) => hit.places.map((old) => [old[0] + place[0] - column, old[1] + place[1] - row]);
    return this.#change(viewport, hit, moved, x, y);
  }

  #change(viewport, mark, places, x, y) {
    let moved = false;
    const move = (nx, ny) => {
      moved ||= Math.hypot(nx - x, ny - y) >= CLICK;
      if (moved) this.#draft({ ...mark, places: places(viewport.placeAt(nx, ny)) });
    };
    const up = () => {
      if (this.own.draft) this.#finish();
    };
    return { move, up };
  }
}

function here(mark, viewport) {
  const ask = viewport.shown?.ask;
  return mark.instance === ask?.instance && mark.frame === ask?.frame;
}

function near([px, py], x, y) {
  return Math.hypot(px - x, py - y) <= NEAR_HANDLE;
}

function touches(mark, project, x, y) {
  if (mark.shape === 'text') {
    const [px, py] = project(...mark.places[0]);
    return x > px - 8 && x < px + 24 + 7 * mark.text.length && Math.abs(y - py) < 14;
  }
  return distanceTo(linesOf(mark.shape, mark.places, project), x, y) <= NEAR_LINE;
}

/** `crypto.randomUUID` is there in secure contexts only; a hospital's intranet may be none. */
function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 15) | 64;
  bytes[8] = (bytes[8] & 63) | 128;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
