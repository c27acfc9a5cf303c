// Reformats: the menu that opens them, the wait for the volume, and how thick their planes are.

import { background } from '../../session.js';
import { figure, word } from '../words.js';
import { planeOf, pointOf } from './planes.js';
import { Reformatted } from './reformatted.js';

const AGAIN_MS = 150; // while the volume is being made

export class Reformats {
  #asked = 0;

  /** @param {{grid: import('./grid.js').Grid, cross: import('./cross.js').Cross, show: (made, stack, index) => void,
   *   opened: () => void}} room */
  constructor(room) {
    this.room = room;
    this.popover = document.getElementById('reformats');
    this.said = this.popover.querySelector('[data-reformat-said]');
    this.planes = [...this.popover.querySelectorAll('[data-reformat]')];
    this.slabs = [...this.popover.querySelectorAll('[data-slab]')];
    this.thickness = this.popover.querySelector('[data-thickness]');
    this.millimetres = this.popover.querySelector('output');
    for (const button of this.planes) button.addEventListener('click', () => this.open(button.dataset.reformat));
    for (const button of this.slabs) button.addEventListener('click', () => this.#thicken(button.dataset.slab));
    this.thickness.addEventListener('input', () => this.#thicken(null));
    this.popover.addEventListener('beforetoggle', (event) => {
      if (event.newState !== 'open') return;
      this.#say('');
      this.write();
    });
  }

  openMenu() {
    this.popover.showPopover();
    this.planes[0].focus();
  }

  #say(sentence) {
    this.said.textContent = sentence;
  }

  get #stack() {
    return this.room.grid.active.viewport.stack;
  }

  /** What the menu shows is what the active viewport is. */
  write() {
    const stack = this.#stack;
    const is = stack instanceof Reformatted;
    for (const button of this.planes) {
      const { reformat } = button.dataset;
      button.setAttribute('aria-pressed', String(reformat === (is ? stack.plane : 'original')));
      button.disabled = !stack;
    }
    for (const button of this.slabs) {
      button.setAttribute('aria-pressed', String(is && stack.thickness > 0 && stack.slab === button.dataset.slab));
      button.disabled = !is;
    }
    this.thickness.disabled = !is;
    this.thickness.value = String(is ? stack.thickness : 0);
    this.thickness.style.setProperty('--part', `${(Number(this.thickness.value) / Number(this.thickness.max)) * 100}%`);
    this.millimetres.textContent = is && stack.thickness ? `${figure(stack.thickness, 1)} mm` : word('slab-none');
  }

  /** Planes of a kind in the active viewport, all three side by side, or the images themselves again.
   *  @param {'axial' | 'coronal' | 'sagittal' | 'three' | 'original'} what */
  async open(what) {
    const stack = this.#stack;
    if (!stack) return;
    const source = stack.source ?? stack.stack ?? stack;
    const made = this.room.grid.active;
    if (what === 'original') {
      if (stack !== source) this.#fill(made, source, made.viewport);
      this.popover.hidePopover();
      return;
    }
    const volume = await this.#volume(source);
    if (!volume) return;
    this.popover.hidePopover();
    if (what === 'three') this.#three(source, volume);
    else if (this.room.grid.screens.includes(made)) this.#fill(made, new Reformatted(source, volume, what), made.viewport);
    this.room.opened();
  }

  /** The volume of a stack, once the server has made it; null when there is none: the menu says why. */
  async #volume(source) {
    this.#asked += 1;
    const asked = this.#asked;
    const address = `${source.study.reformat}${source.at(0).instance}/`;
    while (asked === this.#asked) {
      const answer = await background(address);
      const found = answer && (answer.ok || answer.status === 422) ? await answer.json() : null;
      if (asked !== this.#asked) return null;
      if (found?.planes) return found;
      this.#say(found ? (found.sentence ?? word('reformat-progress', { n: found.done, total: found.total })) : word('views-offline'));
      if (!found || found.sentence) return null;
      await new Promise((go) => setTimeout(go, AGAIN_MS));
    }
    return null;
  }

  /** Axial, sagittal and coronal, and the images beside them. */
  #three(source, volume) {
    const { grid } = this.room;
    const { viewport } = grid.active;
    const look = { stack: viewport.stack, index: viewport.index, voi: viewport.voi, invert: viewport.invert };
    grid.arrange(2, 2);
    const stacks = ['axial', 'sagittal', 'coronal'].map((plane) => new Reformatted(source, volume, plane));
    [...stacks, source].forEach((stack, at) => this.#fill(grid.screens[at], stack, look));
    grid.activate(grid.screens[0]);
  }

  /** Show a stack at the middle of what was shown, with its window. */
  #fill(made, stack, { stack: before, index, voi, invert }) {
    this.room.show(made, stack, this.#beside(stack, before, index));
    made.viewport.setLook({ voi, invert, view: made.viewport.view });
  }

  #beside(stack, before, index) {
    if (stack === before) return index;
    const facts = before.located ? before.facts(index) : null;
    const plane = facts && planeOf(facts);
    const point = plane && pointOf(plane, [plane.columns / 2, plane.rows / 2]);
    return (point && this.room.cross.nearest(stack, point)) ?? stack.length >> 1;
  }

  /** Every reformat of the same images is as thick as the active one. A kind of slab needs a thickness to be one. */
  #thicken(slab) {
    const stack = this.#stack;
    if (!(stack instanceof Reformatted)) return;
    let thickness = Number(this.thickness.value);
    if (slab && !thickness) thickness = Math.min(Number(this.thickness.max), Math.max(5, Math.ceil(2 * stack.volume.step)));
    for (const { viewport } of this.room.grid.screens) {
      const { stack: other } = viewport;
      if (!(other instanceof Reformatted) || other.source !== stack.source) continue;
      viewport.stack = other.with(slab ?? stack.slab, thickness);
      viewport.show();
    }
    this.write();
  }
}
