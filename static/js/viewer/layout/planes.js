// Slices as planes in the patient, PS3.3 C.7.6.2: where they lie, whether they face the same way, where they meet.
// Lengths are millimetres. Places in an image are stored pixels, (0, 0) the outer corner of the first.

const PARALLEL = 0.999; // cosine: two slices that face the same way, PS3.3 C.7.6.2 allows for rounding

const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const minus = (a, b) => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
const along = (from, direction, length) => from.map((part, axis) => part + direction[axis] * length);

/** @typedef {{corner: number[], right: number[], down: number[], normal: number[], step: [number, number],
 *   columns: number, rows: number}} Plane */

/** The plane of an image, null when its position, orientation or spacing in the patient is not known. @returns {Plane | null} */
export function planeOf(facts) {
  const { position, orientation, spacing, columns, rows } = facts;
  if (position?.length !== 3 || orientation?.length !== 6 || !spacing || facts.spacingBasis !== 'pixel') return null;
  const right = orientation.slice(0, 3);
  const down = orientation.slice(3);
  if (Math.abs(dot(right, right) - 1) > 0.01 || Math.abs(dot(down, down) - 1) > 0.01) return null;
  const step = [spacing[1], spacing[0]]; // of a column, of a row
  const normal = [
    right[1] * down[2] - right[2] * down[1],
    right[2] * down[0] - right[0] * down[2],
    right[0] * down[1] - right[1] * down[0],
  ];
  // Image Position is the middle of the first pixel.
  const corner = along(along(position, right, -step[0] / 2), down, -step[1] / 2);
  return { corner, right, down, normal, step, columns, rows };
}

export function parallel(one, other) {
  return Math.abs(dot(one.normal, other.normal)) > PARALLEL;
}

/** How far along its normal a plane lies from the origin of the patient. */
export function depthOf(plane, normal = plane.normal) {
  return dot(plane.corner, normal);
}

/** The place of a point of the patient in the image of a plane. */
export function placeIn(plane, point) {
  const way = minus(point, plane.corner);
  return [dot(way, plane.right) / plane.step[0], dot(way, plane.down) / plane.step[1]];
}

/** The point of the patient at a place in the image of a plane. */
export function pointOf(plane, [column, row]) {
  return along(along(plane.corner, plane.right, column * plane.step[0]), plane.down, row * plane.step[1]);
}

/**
 * Where the rectangle of `other` cuts the plane of `image`: two places in the image, within its rectangle; null when
 * they do not meet or face the same way.
 * @returns {[[number, number], [number, number]] | null}
 */
export function crossing(image, other) {
  if (parallel(image, other)) return null;
  const { columns, rows } = other;
  const corners = [[0, 0], [columns, 0], [columns, rows], [0, rows]].map((place) => pointOf(other, place));
  const heights = corners.map((point) => dot(minus(point, image.corner), image.normal));
  const met = [];
  for (let at = 0; at < 4; at += 1) {
    const next = (at + 1) % 4;
    const [here, there] = [heights[at], heights[next]];
    if (here >= 0 === there >= 0) continue;
    const way = minus(corners[next], corners[at]);
    met.push(placeIn(image, along(corners[at], way, here / (here - there))));
  }
  return met.length === 2 ? clipped(met[0], met[1], image) : null;
}

/** The part of a line within the image, after Liang and Barsky. */
function clipped([x0, y0], [x1, y1], { columns, rows }) {
  let [from, to] = [0, 1];
  const [dx, dy] = [x1 - x0, y1 - y0];
  for (const [step, room] of [[-dx, x0], [dx, columns - x0], [-dy, y0], [dy, rows - y0]]) {
    if (step === 0 && room < 0) return null;
    if (step < 0) from = Math.max(from, room / step);
    if (step > 0) to = Math.min(to, room / step);
  }
  if (from >= to) return null;
  return [[x0 + dx * from, y0 + dy * from], [x0 + dx * to, y0 + dy * to]];
}
