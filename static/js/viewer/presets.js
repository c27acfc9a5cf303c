// Windows on the number keys, by modality. The first of most is the image's own.

import { word } from './words.js';

const CT = [
  ['soft-tissue', 40, 400],
  ['lung', -600, 1500],
  ['bone', 400, 1800],
  ['liver', 60, 160],
  ['auto'],
  ['brain', 40, 80],
  ['own'],
  ['region'],
];
const GREYSCALE = [['own'], ['auto'], ['brighter'], ['contrast'], ['region']];
const COLOUR = [['own'], ['brighter'], ['contrast']];
const MOST = 9;

/** @typedef {{name: string, label: string, voi: (object|null) | ((own: object, region: object) => object | null)}} Preset */

/** The presets of a stack, a person's own windows at the end: for CT in Hounsfield units the usual ones, else what the images offer themselves.
 *  @returns {Preset[]} */
export function presetsFor(facts, modality, kept = []) {
  const colour = facts.samples > 1;
  const hounsfield = !colour && modality === 'CT' && facts.rescaleType !== 'US';
  const table = colour ? COLOUR : hounsfield ? CT : GREYSCALE;
  const named = table.map(([name, center, width]) => ({ name, label: word(`preset-${name}`), voi: voiOf(name, center, width) }));
  const offered = colour || hounsfield || (facts.windows ?? []).length < 2 ? [] : facts.windows.slice(1).map(windowPreset);
  const usual = [...named, ...offered];
  const mine = kept.filter((window) => window.modality === modality && !colour).map(keptPreset);
  return [...usual.slice(0, Math.max(4, MOST - mine.length)), ...mine].slice(0, MOST);
}

function voiOf(name, center, width) {
  if (name === 'own') return null;
  if (name === 'auto') return { auto: true };
  if (name === 'brighter') return (own) => ({ ...own, center: own.center - own.width * 0.2 });
  if (name === 'region') return (_, region) => region;
  if (name === 'contrast') return (own) => ({ ...own, width: own.width * 0.6 });
  return { center, width };
}

function keptPreset({ name, center, width }, place) {
  return { name: `kept-${place + 1}`, label: name, voi: { center, width } };
}

function windowPreset([center, width, explanation], place) {
  return { name: `window-${place + 2}`, label: explanation || word('preset-window', { n: place + 2 }), voi: { center, width } };
}

export function sameVoi(one, other) {
  if (!one || !other) return !one && !other;
  if (one.auto || other.auto) return Boolean(one.auto && other.auto);
  return Math.abs(one.center - other.center) < 1e-6 && Math.abs(one.width - other.width) < 1e-6;
}
