// Windows a person made and named: kept on the server, offered among the presets of their modality.

import { write } from './post.js';
import { windowFigure } from './words.js';

export class Windows {
  /** @param {{address: string, list: object[]}} kept @param {{changed: () => void, current: () => object | null}} calls
   *  `current`: {modality, center, width} of the active viewport, null where there is none */
  constructor(kept, calls) {
    this.address = kept.address;
    this.list = kept.list;
    this.calls = calls;
    this.dialog = document.getElementById('own-windows');
    this.form = this.dialog.querySelector('form');
    this.figures = this.dialog.querySelector('[data-window]');
    this.rows = this.dialog.querySelector('ul');
    this.form.addEventListener('submit', (event) => {
      event.preventDefault();
      const name = this.form.elements.name.value.trim();
      const current = calls.current();
      if (name && current) this.#set([...this.list, { name, ...current }]);
      this.dialog.close();
    });
  }

  open() {
    const current = this.calls.current();
    this.form.hidden = !current;
    if (current) this.figures.textContent = `W ${windowFigure(current.width, current.width)} L ${windowFigure(current.center, current.width)}`;
    this.form.reset();
    this.#rows();
    this.dialog.showModal();
  }

  #rows() {
    const template = this.dialog.querySelector('template');
    this.rows.replaceChildren(
      ...this.list.map((window, place) => {
        const row = template.content.firstElementChild.cloneNode(true);
        row.querySelector('span').textContent = `${window.name} · ${window.modality}`;
        row.querySelector('button').addEventListener('click', () => {
          this.#set(this.list.filter((_, other) => other !== place));
          this.#rows();
        });
        return row;
      }),
    );
  }

  #set(list) {
    this.list = list;
    write(this.address, 'PUT', list);
    this.calls.changed();
  }
}
