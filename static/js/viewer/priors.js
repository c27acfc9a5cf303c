// Other studies of the patient, newest first: opened in the strip, and shown beside the study.

import { background } from '../session.js';

export class Priors {
  #opening = new Map(); // section -> promise of its keys

  /** @param {HTMLElement} strip @param {(record: object) => void} add what came of a study */
  constructor(strip, add) {
    this.add = add;
    this.sections = [...strip.querySelectorAll('[data-prior]')];
    for (const section of this.sections) section.querySelector('summary').addEventListener('click', () => this.open(section));
  }

  /** @returns {Promise<string[]>} the keys of its stacks */
  open(section) {
    if (!this.#opening.has(section)) this.#opening.set(section, this.#fetch(section));
    return this.#opening.get(section);
  }

  async #fetch(section) {
    const answer = await background(section.dataset.prior);
    if (!answer?.ok) {
      this.#opening.delete(section);
      return [];
    }
    const record = await answer.json();
    this.add(record);
    section.querySelector('.thumbs').innerHTML = record.strip;
    return record.stacks.map((stack) => stack.key);
  }

  /** The next prior that is not open yet, opened. @returns {Promise<string[]>} */
  async next() {
    const section = this.sections.find((one) => !one.open);
    if (!section) return [];
    section.open = true;
    return this.open(section);
  }
}
