// Below and above the images: slider, play, presets, the state of the line.

import { presetsFor, sameVoi } from './presets.js';
import { figure, word } from './words.js';
import { attribute, property, text } from './write.js';

const SLOW_MS = 150;

export class Dock {
  /** @param {HTMLElement} page @param {{scroll: (index) => void, play: () => void, step: (by) => void,
   *   speed: (value) => void, preset: (preset) => void, kept: () => object[]}} calls */
  constructor(page, calls) {
    this.calls = calls;
    this.presets = [];
    const all = (name) => [...page.querySelectorAll(`[data-dock="${name}"]`)];
    this.sliders = all('slider');
    this.counts = all('count');
    this.plays = all('play');
    [this.still] = all('still');
    [this.film] = all('film');
    [this.speed] = all('speed');
    [this.dropped] = all('dropped');
    [this.row] = all('presets');
    [this.line] = all('line');
    [this.lineWords] = all('line-words');
    [this.stream] = all('stream');
    for (const slider of this.sliders) {
      slider.addEventListener('input', () => calls.scroll(Number(slider.value) - 1));
      slider.addEventListener('pointerup', () => slider.blur());
    }
    for (const play of this.plays) play.addEventListener('click', () => calls.play());
    for (const step of all('step')) step.addEventListener('click', () => calls.step(Number(step.dataset.by)));
    this.speed.addEventListener('change', () => {
      calls.speed(Number(this.speed.value));
      this.speed.blur();
    });
  }

  /** Another stack: other length, other presets. */
  load(viewport) {
    const { stack } = viewport;
    if (!stack) {
      this.film.hidden = this.still.hidden = true;
      this.presets = [];
      this.row.replaceChildren();
      return;
    }
    const film = stack.multiFrame;
    viewport.element.append(this.film);
    this.film.hidden = !film;
    this.still.hidden = film || stack.length < 2;
    for (const slider of this.sliders) slider.max = String(stack.length);
    this.presets = presetsFor(stack.facts(0), stack.series.modality, this.calls.kept());
    this.row.replaceChildren(...this.presets.map((preset, place) => this.#button(preset, place + 1)));
    for (const option of this.speed.options) {
      option.textContent = word('rate', { n: figure((Number(option.value) * 1000) / (stack.frameTime ?? 1000 / 15), 1) });
    }
  }

  #button(preset, number) {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'tool words';
    button.dataset.preset = preset.name;
    const key = document.createElement('kbd');
    key.textContent = String(number);
    button.append(key, preset.label);
    button.addEventListener('click', () => this.calls.preset(preset));
    return button;
  }

  /** The wish: slider, count and the chosen preset follow the person, not the picture. */
  write(viewport) {
    const { stack, index } = viewport;
    if (!stack) return;
    const count = `${index + 1} / ${stack.length}`;
    for (const slider of this.sliders) {
      slider.value = String(index + 1);
      property(slider, '--part', stack.length > 1 ? `${((index / (stack.length - 1)) * 100).toFixed(2)}%` : '0%');
      attribute(slider, 'aria-valuetext', count);
    }
    for (const slot of this.counts) text(slot, count);
    this.presets.forEach((preset, place) => {
      const on = typeof preset.voi !== 'function' && sameVoi(preset.voi, viewport.voi);
      attribute(this.row.children[place], 'aria-pressed', String(on));
    });
  }

  writeCine(cine) {
    for (const slider of this.sliders) this.#range(slider, cine);
    for (const play of this.plays) {
      play.setAttribute('aria-pressed', String(cine.playing));
      play.setAttribute('aria-label', word(cine.playing ? 'pause' : 'play'));
      play.querySelector('use').setAttribute('href', play.dataset[cine.playing ? 'pauseIcon' : 'playIcon']);
    }
    this.speed.value = String(cine.speed);
    text(this.dropped, word('dropped', { n: cine.dropped }));
  }

  /** The part of the film that is played, when it is not all of it. */
  #range(slider, { range, viewport }) {
    const last = (viewport.stack?.length ?? 1) - 1;
    attribute(slider, 'data-range', String(range !== null));
    property(slider, '--from', range ? `${(range[0] / last) * 100}%` : '0%');
    property(slider, '--to', range ? `${(range[1] / last) * 100}%` : '100%');
  }

  /** @param {'opening' | 'open' | 'lost' | 'ended'} state */
  writeLine(state, roundTrip, viewport, reason = '') {
    const slow = state === 'open' && roundTrip > SLOW_MS;
    attribute(this.line, 'data-state', slow ? 'slow' : state);
    const words = { opening: word('connecting'), lost: word('reconnecting'), ended: reason };
    text(this.lineWords, words[state] ?? word('milliseconds', { n: Math.max(1, Math.round(roundTrip)) }));
    const stream = viewport?.shown ? word(viewport.preview ? 'preview' : 'as-stored') : '';
    text(this.stream, state === 'open' && stream ? ` · ${stream}` : '');
  }
}
