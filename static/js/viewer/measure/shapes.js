// What can be drawn: how many places each shape has, its lines on the screen, and where its label stands.

import { element } from '../marks.js';

/** Places each shape has, and the letter its number is told with. Names as the server knows them. */
export const SHAPES = {
  length: { places: 2, letter: 'L' },
  angle: { places: 3, letter: 'A' },
  cobb: { places: 4, letter: 'C' },
  rectangle: { places: 2, letter: 'R' },
  ellipse: { places: 2, letter: 'E' },
  probe: { places: 1, letter: 'B' },
  arrow: { places: 2, letter: '' },
  text: { places: 1, letter: '' },
};

const ARROW = 12; // pixels of its head
const CROSS = 7;
const TICK = 5;
const ROUND = 48; // corners of an ellipse, for hits

/** The lines of a shape: polylines of points on the screen, by which it is drawn and hit.
 *  @param {string} shape @param {[number, number][]} places stored pixels
 *  @param {(column, row) => [number, number]} project */
export function linesOf(shape, places, project) {
  const points = places.map((place) => project(...place));
  switch (shape) {
    case 'rectangle':
      return [closed(corners(places).map((place) => project(...place)))];
    case 'ellipse':
      return points.length < 2 ? [] : [closed(round(places).map((place) => project(...place)))];
    case 'length':
      return [points, ...points.map((point) => tick(point, points))];
    case 'cobb':
      return [points.slice(0, 2), points.slice(2)];
    case 'arrow':
      return [points, head(points)];
    case 'probe': {
      const [[x, y]] = points;
      return [[[x - CROSS, y], [x + CROSS, y]], [[x, y - CROSS], [x, y + CROSS]]];
    }
    case 'text':
      return [];
    default:
      return [points];
  }
}

export function corners([[x0, y0], [x1, y1] = [x0, y0]]) {
  return [[x0, y0], [x1, y0], [x1, y1], [x0, y1]];
}

function round([[x0, y0], [x1, y1]]) {
  const [x, y, width, height] = [(x0 + x1) / 2, (y0 + y1) / 2, (x1 - x0) / 2, (y1 - y0) / 2];
  return Array.from({ length: ROUND }, (_, at) => {
    const turn = (at / ROUND) * 2 * Math.PI;
    return [x + width * Math.cos(turn), y + height * Math.sin(turn)];
  });
}

const closed = (points) => [...points, points[0]];

/** Across the end of a length. */
function tick([x, y], points) {
  if (points.length < 2) return [];
  const [dx, dy] = [points[1][0] - points[0][0], points[1][1] - points[0][1]];
  const long = Math.hypot(dx, dy) || 1;
  const [ox, oy] = [(-dy / long) * TICK, (dx / long) * TICK];
  return [[x - ox, y - oy], [x + ox, y + oy]];
}

function head(points) {
  if (points.length < 2) return [];
  const [[x0, y0], [x1, y1]] = points;
  const way = Math.atan2(y1 - y0, x1 - x0);
  const arm = (by) => [x1 - ARROW * Math.cos(way + by), y1 - ARROW * Math.sin(way + by)];
  return [arm(0.45), [x1, y1], arm(-0.45)];
}

/** How far (x, y) is from the nearest line. */
export function distanceTo(lines, x, y) {
  let least = Infinity;
  for (const line of lines) {
    for (let at = 1; at < line.length; at += 1) least = Math.min(least, fromSegment(line[at - 1], line[at], x, y));
  }
  return least;
}

function fromSegment([x0, y0], [x1, y1], x, y) {
  const [dx, dy] = [x1 - x0, y1 - y0];
  const long = dx * dx + dy * dy;
  const part = long ? Math.min(1, Math.max(0, ((x - x0) * dx + (y - y0) * dy) / long)) : 0;
  return Math.hypot(x - x0 - part * dx, y - y0 - part * dy);
}

/** The drawing: each line twice, dark and wide below, lit above. */
export function drawn(lines) {
  const points = lines.filter((line) => line.length > 1).map((line) => line.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(' '));
  return ['mark-ground', 'mark-line'].flatMap((kind) => points.map((list) => element('polyline', { points: list, class: kind })));
}
