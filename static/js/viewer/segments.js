// Segmentations over images: which are there, which are on, and the laying over. Their pictures lie in an SVG above
// the canvas: the image below keeps its window, and a window drag draws nothing anew here.

import { background } from '../session.js';
import { element } from './marks.js';

const MARKS = 'segments';
const LINE = 18;

export class Segments {
  #on = new Set(); // of segmentations
  #list = [];

  /** @param {{grid: import('./layout/grid.js').Grid, study: object}} room */
  constructor(room) {
    this.room = room;
    this.button = document.querySelector('[popovertarget="segments"]');
    this.popover = document.getElementById('segments');
    this.rows = this.popover?.querySelector('[data-segments]');
    if (room.study.segmentations) this.#read();
  }

  async #read() {
    const answer = await background(this.room.study.segmentations);
    if (!answer?.ok) return;
    this.#list = (await answer.json()).segmentations;
    this.rows.replaceChildren(...this.#list.map((one) => this.#row(one)));
  }

  #row(one) {
    const template = this.popover.querySelector('template');
    const row = template.content.firstElementChild.cloneNode(true);
    row.querySelector('.clip').textContent = one.name;
    row.querySelector('ul').append(...one.segments.map((segment) => named(segment)));
    row.disabled = !Object.keys(one.places).length;
    row.querySelector('.none').hidden = !row.disabled;
    row.addEventListener('click', () => {
      if (!this.#on.delete(one)) this.#on.add(one);
      row.setAttribute('aria-pressed', String(this.#on.has(one)));
      this.button.setAttribute('aria-pressed', String(this.#on.size > 0));
      for (const screen of this.room.grid.screens) this.follow(screen);
    });
    return row;
  }

  open() {
    if (this.button) this.popover.showPopover();
  }

  /** A viewport came, or another segmentation is on. */
  follow({ viewport }) {
    viewport.marks.remove(MARKS);
    if (this.#on.size) viewport.marks.add(MARKS, (group, project) => this.#draw(viewport, group, project));
  }

  #draw(viewport, group, project) {
    const { stack, shown, stage } = viewport;
    viewport.element.querySelector('svg.segments').append(group); // below what is written and drawn
    if (stack.study !== this.room.study) return;
    const { instance, frame } = shown.ask;
    const legend = [];
    for (const one of this.#on) {
      const box = one.places[`${instance}:${frame}`];
      if (!box) continue;
      group.append(laid(`${this.room.study.segmentations}${one.id}/${instance}/${frame}.png`, box, project));
      legend.push(...one.segments);
    }
    const top = stage.height / 2 + 36;
    legend.forEach(({ label, colour, number }, at) => {
      const y = top + at * LINE;
      if (y > stage.height - 60) return;
      group.append(
        element('rect', { x: 12, y: y - 10, width: 11, height: 11, fill: colour, class: 'segment-colour' }),
        element('text', { x: 29, y, class: 'segment-name' }, label || String(number)),
      );
    });
  }
}

/** A picture over the box [left, top, width, height] of the image, turned and enlarged as the image is. */
function laid(href, [left, top, width, height], project) {
  const [x, y] = project(left, top);
  const [ax, ay] = project(left + width, top);
  const [dx, dy] = project(left, top + height);
  const matrix = [ax - x, ay - y, dx - x, dy - y, x, y].map((part) => part.toFixed(4));
  const whole = { x: 0, y: 0, width: 1, height: 1, preserveAspectRatio: 'none', class: 'segment' };
  return element('image', { href, ...whole, transform: `matrix(${matrix.join(' ')})` });
}

function named({ label, number, colour }) {
  const item = document.createElement('li');
  const swatch = document.createElement('i');
  swatch.style.background = colour;
  item.append(swatch, label || String(number));
  return item;
}
