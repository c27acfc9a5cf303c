// Saved views and key images: the study's presentation states applied and saved, stars, and what they filter.

import { Applied, draw, seenBox, viewOf } from './applied.js';
import { spatialOf } from './turns.js';
import { wholeView } from './geometry.js';
import { word } from './words.js';
import { attribute, text } from './write.js';

const MARKS = 'presentation';

/** Some places of a stack, as a stack. */
class Filtered {
  constructor(stack, places) {
    this.stack = stack;
    this.places = places;
    this.key = stack.key;
    this.study = stack.study;
    this.series = stack.series;
    this.images = stack.images;
    this.length = places.length;
    this.multiFrame = stack.multiFrame;
    this.frameTime = null; // not a film any more
  }

  get located() {
    return this.stack.located;
  }

  locate() {
    return this.stack.locate();
  }

  at(index) {
    return this.stack.at(this.places[index]);
  }

  facts(index) {
    return this.stack.facts(this.places[index]);
  }

  sizeAt(index) {
    return this.stack.sizeAt(this.places[index]);
  }

  learnSize(index, header) {
    this.stack.learnSize(this.places[index], header);
  }

  indexOf(instance, frame) {
    return this.places.indexOf(this.stack.indexOf(instance, frame));
  }
}

export class Presentation {
  #stars = new Set(); // "instance:frame"
  #selections = [];
  #told = null; // the filter that holds

  /** @param {{study: object, stacks: Map, active: () => Viewport, load: (stack, instance, frame) => void,
   *  drawn: (instance, frame) => {graphics: object[], texts: object[]}}} room */
  constructor(page, room) {
    this.page = page;
    this.room = room;
    this.dialog = document.getElementById('views');
    const part = (name) => this.dialog.querySelector(`[data-views="${name}"]`);
    [this.list, this.filters, this.said] = ['list', 'filters', 'said'].map(part);
    this.starButton = page.querySelector('[data-do="star"]');
    this.token = this.dialog.querySelector('[name=csrfmiddlewaretoken]').value;
    part('save').addEventListener('submit', (event) => this.#submit(event, () => this.#save(event.target)));
    part('select').addEventListener('submit', (event) => this.#submit(event, () => this.#select(event.target)));
    this.#readKeys();
  }

  /** The active viewport, if it shows images of the study whose views these are: a prior has its own page. */
  get #viewport() {
    const viewport = this.room.active();
    const { stack } = viewport;
    return stack?.study === this.room.study && !stack.source ? viewport : null;
  }

  get #stacks() {
    return [...this.room.stacks.values()].filter((stack) => stack.study === this.room.study);
  }

  // --- asking the server ---

  async #ask(address, body) {
    const options = body && {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'X-CSRFToken': this.token },
      body: JSON.stringify(body),
    };
    try {
      const answer = await fetch(address, { credentials: 'same-origin', redirect: 'manual', ...options });
      const found = await answer.json();
      if (answer.ok) return found;
      this.#say(found.sentence);
    } catch {
      this.#say(word('views-offline'));
    }
    return null;
  }

  #say(sentence) {
    this.said.textContent = sentence;
  }

  async #readStates() {
    const found = await this.#ask(this.room.study.presentations);
    if (!found) return;
    const none = this.#row(word('view-none'), '', () => this.apply(null));
    none.dataset.state = '';
    this.list.replaceChildren(none, ...found.states.map((state) => this.#stateRow(state)));
    this.#markRows();
  }

  async #readKeys() {
    const found = await this.#ask(this.room.study.keyObjects);
    if (!found) return;
    this.#stars = new Set(found.stars.map(([instance, frame]) => `${instance}:${frame}`));
    this.#selections = found.selections;
    this.#drawFilters();
    this.follow(this.room.active());
  }

  // --- the dialog ---

  async open() {
    this.#say(this.room.active().stack?.source ? word('reformat-not-kept') : '');
    if (!this.dialog.open) this.dialog.showModal();
    await Promise.all([this.#readStates(), this.#readKeys()]);
  }

  #row(title, beside, act) {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'view-row';
    const name = document.createElement('span');
    name.textContent = title;
    const more = document.createElement('span');
    more.className = 'faint';
    more.textContent = beside;
    button.append(name, more);
    button.addEventListener('click', async () => {
      if ((await act()) !== false) this.dialog.close();
    });
    return button;
  }

  #stateRow(state) {
    const beside = state.reason || [state.when, state.creator, ...state.leftOut.map((what) => word('left-out', { what }))];
    const row = this.#row(state.label || word('view-nameless'), [beside].flat().filter(Boolean).join(' · '), () => this.apply(state));
    row.dataset.state = state.id;
    row.disabled = Boolean(state.reason) || !state.images.length;
    return row;
  }

  #markRows() {
    const now = String(this.room.active().presentation?.id ?? '');
    for (const row of this.list.children) attribute(row, 'aria-pressed', String(row.dataset.state === now));
  }

  #drawFilters() {
    const rows = [
      this.#row(word('all-images'), '', () => this.filter(null)),
      this.#row(word('starred'), word('images', { n: this.#stars.size }), () => this.filter('stars')),
      ...this.#selections.map((one) => {
        const beside = [word('images', { n: one.images.length }), one.when, one.creator].filter(Boolean).join(' · ');
        return this.#row([one.title, one.description].filter(Boolean).join(': ') || word('view-nameless'), beside, () => this.filter(one));
      }),
    ];
    rows[1].disabled = !this.#stars.size;
    this.#selections.forEach((one, place) => (rows[place + 2].disabled = !one.images.length));
    this.filters.replaceChildren(...rows);
  }

  async #submit(event, act) {
    event.preventDefault();
    const [button] = event.target.querySelectorAll('[type=submit]');
    button.disabled = true;
    await act();
    button.disabled = false;
  }

  // --- saved views ---

  /** Show the images a state speaks of as it says; with null, as they are themselves. */
  async apply(state) {
    let viewport = this.#viewport;
    if (!viewport) return false;
    if (!state) {
      viewport.present(null, wholeView());
      return true;
    }
    const found = await this.#ask(`${this.room.study.presentations}${state.id}/`);
    if (!found) return false;
    const applied = new Applied(found, state.label || word('view-nameless'));
    if (!this.#bring(viewport, applied)) return false;
    viewport = this.room.active();
    const { instance, frame } = viewport.stack.at(viewport.index);
    viewport.present(applied, viewOf(applied, viewport, instance, frame));
    return true;
  }

  /** Scroll, or go, to an image the state speaks of. */
  #bring(viewport, applied) {
    const covered = (stack) => {
      for (let index = 0; index < stack.length; index += 1) {
        const { instance, frame } = stack.at(index);
        if (applied.covers(instance, frame)) return { instance, frame };
      }
      return null;
    };
    const now = viewport.stack.at(viewport.index);
    if (applied.covers(now.instance, now.frame)) return true;
    for (const stack of [viewport.stack, ...this.#stacks]) {
      const found = covered(stack);
      if (!found) continue;
      if (stack !== viewport.stack) this.room.load(stack, found.instance, found.frame);
      else viewport.scrollTo(stack.indexOf(found.instance, found.frame));
      return true;
    }
    return false;
  }

  async #save(form) {
    const viewport = this.#viewport;
    if (!viewport?.shown) return;
    const { instance, frame } = viewport.shown.ask;
    const applied = viewport.presentation;
    const made = await this.#ask(this.room.study.presentations, {
      name: form.elements.name.value,
      series: form.elements.series.checked,
      instance,
      frame,
      voi: viewport.voi,
      invert: viewport.invert,
      box: seenBox(viewport),
      ...spatialOf(viewport.view),
      ...this.room.drawn(instance, frame),
      base: applied?.covers(instance, frame) ? applied.id : 0,
    });
    if (!made) return;
    form.reset();
    await this.#readStates();
    this.#say(word('view-saved'));
  }

  // --- key images ---

  async star() {
    const shown = this.#viewport?.shown;
    if (!shown) return;
    const { instance, frame } = shown.ask;
    const key = `${instance}:${frame}`;
    const found = await this.#ask(this.room.study.stars, { instance, frame, on: !this.#stars.has(key) });
    if (!found) return;
    if (found.on) this.#stars.add(key);
    else this.#stars.delete(key);
    this.#drawFilters();
    this.follow(this.room.active());
  }

  async #select(form) {
    const body = { title: form.elements.title.value, description: form.elements.description.value };
    if (!(await this.#ask(this.room.study.keyObjects, body))) return;
    form.reset();
    await this.#readKeys();
    this.#say(word('selection-saved'));
  }

  /** Scroll through the images with a star, or those of a selection, or all again (null). */
  filter(what) {
    const viewport = this.#viewport;
    if (!viewport) return false;
    const { instance, frame } = viewport.stack.at(viewport.index);
    const whole = viewport.stack.stack ?? viewport.stack;
    if (!what) {
      this.room.load(whole, instance, frame);
      return true;
    }
    for (const stack of [whole, ...this.#stacks]) {
      const places = [];
      for (let index = 0; index < stack.length; index += 1) if (this.#chosen(what, stack.at(index))) places.push(index);
      if (!places.length) continue;
      const name = what === 'stars' ? word('starred') : what.title;
      this.#told = { name, stack: new Filtered(stack, places) };
      this.room.load(this.#told.stack, instance, frame);
      return true;
    }
    return false;
  }

  #chosen(what, { instance, frame }) {
    if (what === 'stars') return this.#stars.has(`${instance}:${frame}`);
    return what.images.some(([id, frames]) => id === instance && (!frames.length || frames.includes(frame)));
  }

  // --- what changed ---

  /** The picture or the wish changed: star, marks and badges follow. */
  follow(viewport) {
    const { shown, presentation, element: section } = viewport;
    const ask = shown?.ask;
    const on = Boolean(ask) && this.#stars.has(`${ask.instance}:${ask.frame}`);
    if (viewport === this.room.active()) {
      attribute(this.starButton, 'aria-pressed', String(on));
      this.starButton.disabled = Boolean(viewport.stack?.source);
    }
    const holds = Boolean(ask) && ask.presentation > 0 && ask.presentation === presentation?.id;
    badge(section, 'state', holds ? word('view-of', { name: presentation.label }) : '');
    badge(section, 'star', on ? '★' : '');
    badge(section, 'filter', viewport.stack && viewport.stack === this.#told?.stack ? this.#told.name : '');
    const wanted = holds ? presentation : null;
    if (viewport.drawnState === wanted) return;
    viewport.drawnState = wanted;
    viewport.marks.remove(MARKS);
    if (wanted) viewport.marks.add(MARKS, (group, project) => draw(group, project, wanted, viewport));
  }
}

function badge(section, name, words) {
  const slot = section.querySelector(`[data-views="badge-${name}"]`);
  text(slot, words);
  if (slot.hidden !== !words) slot.hidden = !words;
}
