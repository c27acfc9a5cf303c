// Marks of one's own, drawn in a viewport: lines, handles of the chosen one, labels.

import { element } from '../marks.js';
import { SHAPES, drawn, linesOf } from './shapes.js';
import { labelOf } from './words.js';

const LINE = 16;

/** @param {import('../viewport.js').Viewport} viewport @param {import('./own.js').Own} own */
export function drawsOwn(viewport, own) {
  viewport.marks.add('own', (group, project) => {
    const { instance, frame } = viewport.shown.ask;
    for (const mark of own.on(instance, frame)) group.append(one(mark, own, project));
    for (const label of group.querySelectorAll('.mark-label')) ground(label, viewport.stage);
  });
}

function one(mark, own, project) {
  const chosen = mark.key === own.selected || mark.key === own.draft?.key;
  const group = element('g', { 'data-mark': mark.key, 'data-shape': mark.shape, class: chosen ? 'mark chosen' : 'mark' });
  group.append(...drawn(linesOf(mark.shape, mark.places, project)));
  const points = mark.places.map((place) => project(...place));
  if (chosen) group.append(...points.map(([cx, cy]) => element('circle', { cx, cy, r: 4, class: 'mark-handle' })));
  const whole = mark.places.length === SHAPES[mark.shape].places;
  const result = whole && !['text', 'arrow'].includes(mark.shape) ? own.resultOf(mark) : null;
  const { lines, doubtful } = labelOf(mark, own.nameOf(mark, SHAPES[mark.shape].letter), result);
  if (whole && lines.length) group.append(label(lines, doubtful, points));
  return group;
}

/** Right of the rightmost point. */
function label(lines, doubtful, points) {
  const [x, y] = points.reduce((best, point) => (point[0] > best[0] ? point : best));
  const rows = lines.map((line, at) => element('tspan', { x: 0, dy: at ? LINE : 0, class: at ? '' : 'first' }, line));
  const group = element('g', { class: doubtful ? 'mark-label doubtful' : 'mark-label' }, element('text', {}, ...rows));
  group.dataset.x = x + 14;
  group.dataset.y = y - (LINE * lines.length) / 2 + 12;
  return group;
}

/** The black ground of a label, once its size is known; the label stays within the viewport. */
function ground(group, stage) {
  const box = group.firstChild.getBBox();
  const [width, height] = [box.width + 14, box.height + 5];
  group.prepend(
    element('rect', { x: -7, y: box.y - 2, width, height, class: 'label-ground' }),
    element('rect', { x: -7, y: box.y - 2, width: 2, height, class: 'label-edge' }),
  );
  const x = Math.max(7, Math.min(Number(group.dataset.x), stage.width - width + 5));
  const y = Math.max(4 - box.y, Math.min(Number(group.dataset.y), stage.height - height - box.y));
  group.setAttribute('transform', `translate(${x.toFixed(1)} ${y.toFixed(1)})`);
}
