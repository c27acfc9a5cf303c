// What a person drew: the list as it is, kept on the server mark by mark, and what each measures.
// Lists and marks are never changed, only replaced: undo keeps the old ones.

import { write } from '../post.js';

const RETRY_MS = 3000;

/** @typedef {{key: string, study: object, instance: number, frame: number, shape: string,
 *   places: [number, number][], text: string}} Mark */

export class Own {
  /** @type {readonly Mark[]} */
  list = [];
  draft = null; // being drawn or moved; stands for the mark of its key
  selected = ''; // key
  #results = new Map(); // key -> {of: places, result, asking}
  #waiting = new Map(); // key -> {study, mark | null}: to be told to the server
  #telling = false;

  /** @param {{changed: () => void, drawn: () => void}} calls changed: the list; drawn: whatever is to be drawn */
  constructor(calls) {
    this.calls = calls;
    window.addEventListener('pagehide', () => this.#tellAtOnce());
  }

  /** What was kept of a study. */
  load(study, records) {
    this.list = [...this.list, ...records.map((record) => ({ ...record, study }))];
  }

  /** The marks on a frame, the draft among them. */
  on(instance, frame) {
    const { draft } = this;
    const list = draft ? [...this.list.filter((mark) => mark.key !== draft.key), draft] : this.list;
    return list.filter((mark) => mark.instance === instance && mark.frame === frame);
  }

  get(key) {
    return this.list.find((mark) => mark.key === key);
  }

  /** L1, L2 ... in the order they were drawn. */
  nameOf(mark, letter) {
    const alike = this.list.filter((other) => other.shape === mark.shape && other.study === mark.study);
    const place = alike.findIndex((other) => other.key === mark.key);
    return `${letter}${(place < 0 ? alike.length : place) + 1}`;
  }

  put(mark) {
    const known = this.list.some((other) => other.key === mark.key);
    this.set(known ? this.list.map((other) => (other.key === mark.key ? mark : other)) : [...this.list, mark]);
  }

  remove(key) {
    if (this.get(key)) this.set(this.list.filter((mark) => mark.key !== key));
  }

  /** Another list, as after an undo: what differs is told to the server. */
  set(list) {
    const before = new Map(this.list.map((mark) => [mark.key, mark]));
    for (const mark of list) {
      if (before.get(mark.key) !== mark && kept(mark)) this.#waiting.set(mark.key, { study: mark.study, mark });
      before.delete(mark.key);
    }
    for (const [key, mark] of before) if (kept(mark)) this.#waiting.set(key, { study: mark.study, mark: null });
    this.list = list;
    if (!this.get(this.selected)) this.selected = '';
    this.#tell();
    this.calls.changed();
    this.calls.drawn();
  }

  async #tell() {
    if (this.#telling) return;
    this.#telling = true;
    while (this.#waiting.size) {
      const [key, { study, mark }] = this.#waiting.entries().next().value;
      const told = this.#waiting.get(key);
      const answer = await tell(key, study, mark);
      if (answer && this.#waiting.get(key) === told) this.#waiting.delete(key);
      if (!answer) await new Promise((go) => setTimeout(go, RETRY_MS));
    }
    this.#telling = false;
  }

  /** The page goes: what still waits for its turn is sent now, and outlives the page. */
  #tellAtOnce() {
    for (const [key, { study, mark }] of this.#waiting) tell(key, study, mark);
  }

  /** What a mark measures; null while it is asked for. */
  resultOf(mark) {
    const known = this.#results.get(mark.key);
    if (known?.of === mark.places) return known.result;
    if (!known?.asking) this.#ask(mark);
    return known?.result ?? null;
  }

  async #ask(mark) {
    const entry = { of: mark.places, result: this.#results.get(mark.key)?.result ?? null, asking: true };
    this.#results.set(mark.key, entry);
    const answer = await write(mark.study.measure, 'POST', body(mark));
    entry.asking = false;
    if (answer && (answer.ok || answer.status === 422)) entry.result = await answer.json();
    this.calls.drawn(); // asks again when the mark was moved meanwhile
  }
}

/** Marks on a reformat are not: another slice of the series would move its planes under them. */
function kept({ instance }) {
  return typeof instance === 'number';
}

function tell(key, study, mark) {
  return write(`${study.measurements}${key}/`, mark ? 'PUT' : 'DELETE', mark && body(mark));
}

function body({ instance, frame, shape, places, text }) {
  return { instance, frame, shape, places, text };
}
