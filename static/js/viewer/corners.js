// The facts in the corners, orientation letters, badges and scale bar of one viewport.

import { figure, windowFigure, word } from './words.js';
import { scaleBar } from './geometry.js';
import { edgesOnScreen } from './turns.js';

const SCALED_BELOW = 0.5;

/** Writes into elements marked data-corner, only what changed: this runs with every picture. */
export class Corners {
  #written = new Map();

  constructor(element) {
    this.element = element;
    this.slots = new Map([...element.querySelectorAll('[data-corner]')].map((slot) => [slot.dataset.corner, slot]));
    this.value = '';
  }

  write(viewport) {
    const { stack } = viewport;
    this.#whose(stack);
    if (!stack) return;
    const { study } = stack;
    const facts = viewport.facts;
    const index = viewport.shown?.index ?? viewport.refusal?.index ?? viewport.index;
    this.#text('series', seriesLine(stack.series));
    this.#text('when', facts.when || study.when);
    this.#text('place', placeLine(stack, index));
    this.#text('slice', sliceLine(facts));
    this.#text('exposure', exposureLine(facts));
    this.#text('window', windowLine(viewport));
    this.#text('zoom', viewport.shown ? word('zoom', { n: figure(viewport.scale * viewport.stage.ratio, 2) }) : '');
    this.#text('value', this.value);
    this.#letters(viewport.shown ? edgesOnScreen(viewport.view, facts.letters) : null);
    this.#badges(viewport, facts);
    this.#bar(viewport, facts);
    this.#refusal(viewport.refusal);
  }

  /** Who and which study. An empty viewport says nothing. */
  #whose(stack) {
    this.element.toggleAttribute('data-empty', !stack);
    this.#text('accession', stack?.study.accession ?? '');
    this.#text('badge-prior', stack?.study.prior ?? '');
    this.#text('badge-reformat', stack?.badges?.plane ?? '');
    this.#text('badge-slab', stack?.badges?.slab ?? '');
  }

  #text(name, text) {
    if (this.#written.get(name) === text) return;
    this.#written.set(name, text);
    const slot = this.slots.get(name);
    slot.textContent = text;
    slot.hidden = !text;
  }

  #letters(letters) {
    for (const side of ['left', 'right', 'top', 'bottom']) this.#text(`letter-${side}`, letters?.[side] ?? '');
  }

  #badges(viewport, facts) {
    const lossy = facts.lossyRatio ? word('lossy-ratio', { n: figure(facts.lossyRatio, facts.lossyRatio < 10 ? 1 : 0) }) : word('lossy');
    const scale = viewport.scale * viewport.stage.ratio;
    this.#text('badge-conflict', viewport.stack.study.conflict ? word('conflict') : '');
    this.#text('badge-partial', viewport.partial ? word('partial') : '');
    this.#text('badge-lossy', facts.lossy ? lossy : '');
    const measured = facts.spacing || facts.regions;
    this.#text('badge-uncalibrated', viewport.shown && !measured ? word('uncalibrated') : '');
    this.#text('badge-scaled', viewport.shown && scale < SCALED_BELOW ? word('scaled', { n: figure(scale, 2) }) : '');
  }

  #bar(viewport, facts) {
    const { full, view } = viewport;
    const [down, along] = facts.spacing ?? [0, 0];
    const spacing = view.turn % 2 ? (down * facts.rows) / full.height : (along * facts.columns) / full.width;
    const bar = viewport.shown ? scaleBar(spacing, viewport.scale, viewport.stage) : null;
    const slot = this.slots.get('bar');
    const drawn = bar ? `${bar.cm} ${bar.pixels.toFixed(1)}` : '';
    if (this.#written.get('bar') === drawn) return;
    this.#written.set('bar', drawn);
    slot.hidden = !bar;
    if (!bar) return;
    slot.style.width = `${bar.pixels}px`;
    slot.dataset.cm = bar.cm;
    const parts = bar.cm === 1 ? 10 : bar.cm === 2 ? 4 : bar.cm === 5 ? 5 : 10;
    slot.style.setProperty('--part', `${bar.pixels / parts}px`);
    this.slots.get('bar-length').textContent = word(facts.spacingBasis === 'imager' ? 'bar-imager' : 'bar', { n: bar.cm });
  }

  #refusal(refusal) {
    const sentence = refusal?.sentence ?? '';
    if (this.#written.get('refusal') === sentence) return;
    this.#text('refusal', sentence);
    this.slots.get('refusal-box').hidden = !refusal;
  }
}

function seriesLine(series) {
  const number = series.number === null ? '' : word('series', { n: series.number });
  return [number, series.description, series.station].filter(Boolean).join(' · ');
}

function placeLine(stack, index) {
  const { image, frame } = stack.at(index);
  if (stack.multiFrame) return word('frame-of', { n: frame, total: image.frames });
  return word('image-of', { n: index + 1, total: stack.length });
}

function sliceLine(facts) {
  const thickness = facts.thickness ? `${figure(facts.thickness, 2)} mm` : '';
  if (thickness && facts.location !== null && facts.location !== undefined) {
    return word('slice-at', { thickness, location: figure(facts.location, 1) });
  }
  if (thickness) return word('slice', { thickness });
  const size = `${facts.columns} × ${facts.rows}`;
  return facts.bits > 8 ? word('size-bits', { size, bits: facts.bits }) : size;
}

function exposureLine(facts) {
  const parts = [facts.kvp ? `${figure(facts.kvp)} kV` : '', facts.current ? `${figure(facts.current)} mA` : '', facts.kernel, facts.viewPosition];
  return parts.filter(Boolean).join(' · ');
}

function windowLine(viewport) {
  const { window } = viewport;
  if (!window) return '';
  const { center, width } = window;
  return `W ${windowFigure(width, width)} L ${windowFigure(center, width)}`;
}
