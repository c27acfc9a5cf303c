// The value under the pointer, in the corner of the viewport it was asked for.

import { figure, word } from './words.js';

export class Value {
  #number = -1; // of the viewport

  /** @param {(number: number) => object} screenOf */
  constructor(screenOf) {
    this.screenOf = screenOf;
  }

  /** @param {object | null} place */
  ask(viewport, place) {
    if (this.#number !== viewport.number) this.clear();
    this.#number = viewport.number;
    if (place) viewport.frames.probe(viewport.number, place);
    else this.clear();
  }

  told(reply) {
    if (reply.viewport !== this.#number) return;
    const value = reply.rgb ? `R ${reply.rgb[0]} G ${reply.rgb[1]} B ${reply.rgb[2]}` : figure(reply.value, 2);
    this.#show(word('value-at', { value: [value, reply.unit].filter(Boolean).join(' '), x: reply.x, y: reply.y }));
  }

  clear() {
    this.#show('');
  }

  #show(text) {
    const made = this.screenOf(this.#number);
    if (!made || made.corners.value === text) return;
    made.corners.value = text;
    made.corners.write(made.viewport);
  }
}
