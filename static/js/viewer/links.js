// The film page begins with what is on the screen, and the attributes are those of the image there.

import { between } from './turns.js';

const WAIT_MS = 100; // after the last picture: an address is not written with every move of the mouse

export class Links {
  #timer = 0;

  /** @param {HTMLAnchorElement | null} print @param {HTMLAnchorElement | null} attributes */
  constructor(print, attributes) {
    this.print = print;
    this.attributes = attributes;
  }

  follow(viewport) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.write(viewport), WAIT_MS);
  }

  write(viewport) {
    const { shown, window } = viewport;
    if (!shown) return;
    const { study, source } = viewport.stack;
    const instance = source ? source.at(0).instance : shown.ask.instance; // a reformat is no object of its own
    if (this.attributes) this.attributes.href = study.attributes.replace('/0/', `/${instance}/`);
    if (!this.print) return;
    const address = new URL(study.print, location.href);
    if (source) {
      this.print.href = address;
      return;
    }
    address.searchParams.set('instance', shown.ask.instance);
    address.searchParams.set('frame', shown.ask.frame);
    const { presentation, voi } = shown.ask;
    if (presentation) address.searchParams.set('presentation', presentation);
    // Under a state its own window holds, which may be a table, unless the person has chosen another.
    const told = presentation && !voi ? null : window;
    if (told) address.searchParams.set('center', told.center);
    if (told) address.searchParams.set('width', told.width);
    const own = presentation ? viewport.presentation.turned : { turn: 0, mirror: false };
    const { turn, mirror } = between(own, viewport.view);
    if (turn) address.searchParams.set('turn', turn);
    if (mirror) address.searchParams.set('mirror', 1);
    if (shown.ask.invert) address.searchParams.set('invert', 1);
    this.print.href = address;
  }

  press(viewport) {
    this.write(viewport);
    this.print?.click();
  }
}
