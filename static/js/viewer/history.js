// Undo for every tool: what the stage looks like, and what is drawn, remembered after each thing a person did.

const CALM_MS = 250; // one drag, or a burst of wheel turns, is one thing
const MOST = 100;

export class History {
  #past = [];
  #future = [];
  #now = null;
  #timer = 0;

  /** @param {{read: () => object, same: (one, other) => boolean, write: (state, before) => void, busy: () => boolean}} stage */
  constructor(stage) {
    this.stage = stage;
    // What comes next is another thing, however soon it comes.
    for (const kind of ['keydown', 'pointerdown']) {
      document.addEventListener(kind, (event) => this.#timer && !event.repeat && this.#take(), { capture: true });
    }
  }

  /** Something may have changed. */
  note() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#take(), CALM_MS);
  }

  #take() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    if (this.stage.busy()) return this.note();
    const state = this.stage.read();
    if (this.#now && !this.stage.same(state, this.#now)) {
      this.#past.push(this.#now);
      if (this.#past.length > MOST) this.#past.shift();
      this.#future = [];
    }
    this.#now = state;
    return undefined;
  }

  undo() {
    this.#go(this.#past, this.#future);
  }

  redo() {
    this.#go(this.#future, this.#past);
  }

  #go(from, to) {
    if (this.stage.busy()) return;
    if (this.#now) this.#take();
    const state = from.pop();
    if (!state) return;
    to.push(this.#now);
    this.stage.write(state, this.#now);
    this.#now = this.stage.read();
    clearTimeout(this.#timer);
    this.#timer = 0;
  }
}
