// One viewport: which picture it shows, how, and the painting of it.

import { PARTIAL, PREVIEW, WINDOW } from './wire.js';
import { pictureKey } from './bitmaps.js';
import { boxFor, wholeView } from './geometry.js';
import { Marks } from './marks.js';
import { paintPicture } from './painting.js';
import { Stance } from './stance.js';
import { Toning, isPart } from './toning.js';

const SETTLE_MS = 120;
const LONGEST_MOVING = 1280; // pixels of the longer side while things move
const LONGEST_SETTLED = 8192;
const AHEAD = 12;
const BEHIND = 2;

export class Viewport extends Stance {
  #serial = 0;
  #drawn = 0;
  #settle = 0;
  #direction = 1;
  #held = null; // the picture on the screen
  #passing = false; // the window changes with every move: its pictures are not kept
  #toning = new Toning(() => this.frames);

  #observer;

  /** @param {{bitmaps: import('./bitmaps.js').Bitmaps, changed: (Viewport) => void, painted: (Viewport) => void,
   *   moved: (Viewport, kind: 'scroll' | 'window' | 'zoom') => void}} room */
  constructor(element, number, room) {
    super();
    this.element = element;
    this.number = number;
    this.room = room;
    this.canvas = element.querySelector('canvas');
    this.context = this.canvas.getContext('2d', { alpha: false, desynchronized: true });
    this.marks = new Marks(this, element.querySelector('svg.marks'));
    this.stage = { width: 1, height: 1, ratio: 1 };
    this.stack = null;
    this.index = 0;
    this.view = wholeView();
    this.voi = null; // null: each image's own
    this.invert = false;
    this.presentation = null; // the state that is applied, see presentation.js
    this.shown = null; // {ask, header, bitmap, index} on the screen
    this.refusal = null; // {sentence, index} in the picture's place
    this.playing = false;
    this.dragging = false; // the window is being dragged here
    this.at = 0; // when the person did what is shown next
    this.resize();
    this.#observer = new ResizeObserver(() => this.resize());
    this.#observer.observe(element);
  }

  destroy() {
    clearTimeout(this.#settle);
    this.#observer.disconnect();
    this.#clear();
    this.stack = null;
    this.element.remove();
  }

  /** The socket of the study this viewport shows. @returns {import('./frames.js').Frames} */
  get frames() {
    return this.stack.study.frames;
  }

  load(stack, index = 0) {
    this.stack = stack;
    this.index = Math.min(Math.max(index, 0), stack.length - 1);
    this.#direction = 1;
    this.voi = null;
    this.invert = false;
    this.presentation = null;
    this.view = wholeView();
    this.#clear();
    this.show();
  }

  get facts() {
    return this.stack.facts(this.shown?.index ?? this.index);
  }

  get preview() {
    return Boolean(this.shown && this.shown.header.flags & PREVIEW);
  }

  /** The file ends inside the frame. */
  get partial() {
    return Boolean(this.shown && this.shown.header.flags & PARTIAL);
  }

  /** The window on the screen, or null where there is none (colour). */
  get window() {
    if (!this.shown || !(this.shown.header.flags & WINDOW)) return null;
    return { center: this.shown.header.center, width: this.shown.header.windowWidth };
  }

  /** The window a drag begins with: what is on the screen, else one that changes nothing. */
  get startWindow() {
    const steps = 2 ** (this.facts.samples > 1 ? 8 : (this.facts.bits ?? 8));
    return this.window ?? (this.shown && { center: steps / 2, width: steps });
  }

  // --- what a person does ---

  scrollTo(index, at) {
    if (!this.stack) return;
    const next = Math.min(Math.max(index, 0), this.stack.length - 1);
    if (next === this.index) return;
    this.#direction = next > this.index ? 1 : -1;
    this.index = next;
    this.show(at);
    if (this.frames.near) this.prefetch(); // the next one is made while this one travels
    this.room.moved(this, 'scroll');
  }

  /** @param {boolean} passing another one follows soon */
  setVoi(voi, at, passing = this.dragging) {
    this.voi = voi;
    this.#passing = passing;
    this.show(at);
    this.#passing = false;
    this.room.moved(this, 'window');
  }

  setInvert(invert) {
    this.invert = invert;
    this.show();
  }

  reset() {
    this.setLook({ voi: null, invert: false, view: wholeView(), presentation: null });
    for (const kind of ['window', 'zoom']) this.room.moved(this, kind);
  }

  /** Show the images that a presentation state speaks of as it says, and lay them out so; null: as they are. */
  present(presentation, view) {
    this.setLook({ voi: null, invert: false, view, presentation });
  }

  /** Window, inversion, view and applied state at once. */
  setLook({ voi, invert, view, presentation = this.presentation }) {
    this.presentation = presentation;
    this.voi = voi;
    this.invert = invert;
    this.view = view;
    this.show();
    this.paint();
  }

  /** Nothing at all. */
  empty() {
    this.stack = null;
    this.#clear();
    this.room.changed(this);
  }

  look(view) {
    if (!this.stack) return;
    this.view = view;
    this.paint();
    this.#settleSoon();
    this.room.changed(this);
    this.room.moved(this, 'zoom');
  }

  // --- asking ---

  /** Show what is wanted now: at once when it is here, else as soon as it comes. */
  show(at = performance.now()) {
    if (!this.stack) return;
    this.at = at;
    this.#serial += 1;
    const settled = this.#ask('settled');
    const exact = this.room.bitmaps.get(pictureKey(settled));
    const moving = exact ? null : this.#quick(this.#ask('moving'));
    const picture = exact ?? this.room.bitmaps.get(pictureKey(moving));
    if (picture) this.#draw(exact ? settled : moving, picture);
    else this.frames.want(this.number, moving);
    if (!exact) this.#settleSoon();
    this.room.changed(this);
    if (picture) this.prefetch();
  }

  #ask(quality, index = this.index) {
    const { instance, frame } = this.stack.at(index);
    const longest = quality === 'moving' ? LONGEST_MOVING : LONGEST_SETTLED;
    const size = boxFor(this.view, this.stack.sizeAt(index), this.stage, longest);
    const { voi, invert, at } = this;
    const presentation = this.presentation?.covers(instance, frame) ? this.presentation.id : 0;
    const what = { instance, frame, presentation, voi, invert, size, quality };
    return { ...what, index, serial: this.#serial, passing: this.#passing, at, taker: this };
  }

  #quick(ask) {
    return ask.passing ? this.#toning.quickest(ask) : ask;
  }

  #settleSoon() {
    clearTimeout(this.#settle);
    this.#settle = setTimeout(() => this.#settleNow(), SETTLE_MS);
  }

  #settleNow() {
    if (!this.stack || this.playing || this.refusal) return undefined;
    const ask = this.#ask('settled');
    const key = pictureKey(ask);
    if (this.shown && pictureKey(this.shown.ask) === key) return this.prefetch();
    const picture = this.room.bitmaps.get(key);
    if (picture) this.#draw(ask, picture);
    else if (!this.frames.expects(this.number, key)) this.frames.want(this.number, ask);
    return undefined;
  }

  /** Ask for the neighbours in the direction of travel, as they would look now. */
  prefetch() {
    if (!this.stack || this.stack.length < 2) return;
    const asks = [];
    const want = (step) => {
      let index = this.index + step * this.#direction;
      if (this.playing) index = (index + this.stack.length) % this.stack.length;
      if (index < 0 || index >= this.stack.length) return;
      const settled = pictureKey(this.#ask('settled', index));
      const ask = this.#ask('moving', index);
      if (!this.room.bitmaps.has(settled) && !this.room.bitmaps.has(pictureKey(ask))) asks.push(ask);
    };
    for (let step = 1; step <= AHEAD; step += 1) want(step);
    for (let step = 1; step <= BEHIND; step += 1) want(-step);
    const [first] = asks;
    const alike = asks.filter((ask) => String(ask.size) === String(first.size) && ask.presentation === first.presentation);
    if (alike.length) this.frames.prefetch(this.number, alike);
  }

  // --- receiving ---

  take(ask, picture) {
    if (!this.stack) return; // late: this viewport was emptied
    if (isPart(ask)) {
      this.#takeTable(ask, picture);
      return;
    }
    if (!ask.passing) this.room.bitmaps.put(pictureKey(ask), picture);
    if (this.#overtaken(ask)) {
      if (ask.passing) picture.bitmap.close();
      return;
    }
    this.stack.learnSize(ask.index, picture.header);
    this.#draw(ask, picture);
    if (!ask.passing && (this.index === ask.index || this.frames.near)) this.prefetch();
  }

  /** A table is an exact picture, of the size pictures have while things move. */
  #takeTable(ask, part) {
    if (this.#overtaken(ask)) return;
    const picture = this.#toning.toned(ask, part);
    const settled = this.#ask('settled', ask.index);
    const whole = String(settled.size) === String(ask.size);
    if (picture) this.#draw({ ...ask, quality: whole ? 'settled' : 'moving' }, picture);
    else this.frames.want(this.number, { ...ask, quality: 'moving' });
  }

  /** Whether something newer or better is on the screen already. */
  #overtaken(ask) {
    if (ask.serial < this.#drawn) return true;
    return ask.serial === this.#drawn && ask.quality === 'moving' && this.shown?.ask.quality === 'settled';
  }

  refuse(ask, reply) {
    if (!this.stack || this.#overtaken(ask)) return;
    if (isPart(ask)) {
      this.#toning.refuse(ask);
      this.frames.want(this.number, { ...ask, quality: 'moving' });
      return;
    }
    this.#clear();
    this.#drawn = ask.serial;
    this.refusal = { sentence: reply.sentence, index: ask.index };
    this.room.painted(this);
    if (this.index === ask.index) this.prefetch();
  }

  /** Nothing is shown, and nothing that was asked for so far will be. */
  #clear() {
    this.#release();
    this.shown = null;
    this.refusal = null;
    this.#drawn = this.#serial + 1;
    this.#toning.clear();
    this.paint();
  }

  #draw(ask, picture) {
    this.#release();
    this.#drawn = ask.serial;
    this.refusal = null;
    this.shown = { ask, ...picture, index: ask.index };
    this.#held = picture;
    this.room.bitmaps.hold(picture);
    this.paint();
    this.room.painted(this);
  }

  #release() {
    if (this.#held) this.room.bitmaps.release(this.#held);
    this.#held = null;
    if (this.shown?.ask.passing) this.shown.bitmap.close?.(); // pictures of a drag are in no cache
  }

  // --- painting ---

  resize() {
    const ratio = window.devicePixelRatio || 1;
    const { clientWidth: width, clientHeight: height } = this.element;
    if (!width || !height) return;
    this.stage = { width, height, ratio };
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    // Sides of viewports may end between pixels; those of the canvas must not, or it would be blurred.
    this.canvas.style.width = `${this.canvas.width / ratio}px`;
    this.canvas.style.height = `${this.canvas.height / ratio}px`;
    this.paint();
    if (this.stack) {
      this.#settleSoon();
      this.room.changed(this);
    }
  }

  paint() {
    paintPicture(this);
    this.marks.follow();
  }
}
