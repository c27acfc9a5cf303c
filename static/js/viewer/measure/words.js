// What a mark measures, in words: the first line is the number, the others its basis and what else is known.

import { figure, word } from '../words.js';

const TWO = new Set(['mm', 'mm²', 'px', 'px²']);

/** @param {object} mark @param {string} name such as L1 @param {object | null} result as the server says, null: not yet
 *  @returns {{lines: string[], doubtful: boolean}} doubtful: not in millimetres, or no value */
export function labelOf(mark, name, result) {
  if (mark.shape === 'text') return { lines: [mark.text], doubtful: false };
  if (mark.shape === 'arrow') return { lines: mark.text ? [mark.text] : [], doubtful: false };
  if (!result) return { lines: [`${name} · …`], doubtful: false };
  if (result.sentence) return { lines: [name, result.sentence], doubtful: true };
  const lines = [`${name} · ${headline(mark, result)}`];
  if (result.statistics) lines.push(...valuesOf(result));
  if (result.channels) lines.push(...coloursOf(result));
  if (['length', 'rectangle', 'ellipse'].includes(mark.shape) && !result.refusal) lines.push(word(`basis-${result.basis}`));
  return { lines, doubtful: Boolean(result.refusal) || (result.basis === 'none' && TWO.has(result.unit)) };
}

function headline(mark, result) {
  if (result.rgb) return `R ${result.rgb[0]} G ${result.rgb[1]} B ${result.rgb[2]}`;
  if (result.refusal) return word(`refusal-${result.refusal}`);
  const digits = result.unit === '°' || TWO.has(result.unit) ? 1 : 2;
  const number = figure(result.number, digits);
  return result.unit === '°' ? `${number}°` : [number, result.unit].filter(Boolean).join(' ');
}

function coloursOf({ channels }) {
  const lines = channels.map(({ mean, deviation, low, high }, at) => {
    const values = { mean: figure(mean, 1), sd: figure(deviation, 1) };
    return `${'RGB'[at]} ${word('mean-sd', values)} · ${figure(low)}–${figure(high)}`;
  });
  return [...lines, word('pixels', { n: channels[0].count })];
}

function valuesOf({ statistics, value_unit: unit }) {
  const values = { mean: figure(statistics.mean, 1), sd: figure(statistics.deviation, 1) };
  const ends = { low: figure(statistics.low, 1), high: figure(statistics.high, 1), n: statistics.count };
  return [[word('mean-sd', values), unit].filter(Boolean).join(' '), word('low-high', ends)];
}
