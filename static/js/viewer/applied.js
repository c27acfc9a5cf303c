// A presentation state on the screen: where it lays the frame, and what it draws over it.

import { fitScale, wholeView } from './geometry.js';
import { element } from './marks.js';
import { matrixOf, onScreen, turnedAs } from './turns.js';

const MM = 96 / 25.4; // CSS pixels of a millimetre
const LINE = 17; // pixels between two lines of text

/** A state as the server lays it out, for one viewport. */
export class Applied {
  constructor({ id, rotation, flip, images }, label) {
    this.id = id;
    this.label = label;
    this.images = images;
    this.turned = turnedAs({ rotation, flip });
  }

  covers(instance, frame) {
    const image = this.images[instance];
    return Boolean(image) && meant(image, frame);
  }

  area(instance, frame) {
    return this.images[instance]?.areas.find((area) => meant(area, frame)) ?? null;
  }

  marks(instance, frame) {
    return (this.images[instance]?.marks ?? []).filter((group) => meant(group, frame)).flatMap((group) => group.items);
  }
}

function meant({ frames }, frame) {
  return !frames.length || frames.includes(frame);
}

// --- where things lie ---

/** The view in which the displayed area lies as the state says (PS3.3 C.10.4). */
export function viewOf(applied, viewport, instance, frame) {
  const view = { ...wholeView(), ...applied.turned };
  const area = applied.area(instance, frame);
  const { columns, rows } = viewport.stack.facts(viewport.index);
  if (!area || !columns || !rows) return view;
  const full = viewport.stack.sizeAt(viewport.index);
  const [left, top, right, bottom] = area.box;
  const [across, down] = [full.width / columns, full.height / rows];
  const box = onScreen(view, { width: (right - left) * across, height: (bottom - top) * down });
  const { stage } = viewport;
  let scale = Math.min(stage.width / box.width, stage.height / box.height);
  if (area.mode === 'MAGNIFY' && area.magnification) scale = area.magnification / (stage.ratio * across);
  if (area.mode === 'TRUE SIZE' && area.spacing) scale = (area.spacing[1] * MM) / across;
  const [a, b, c, d] = matrixOf(view);
  const x = ((left + right) / 2 - columns / 2) * across;
  const y = ((top + bottom) / 2 - rows / 2) * down;
  return { ...view, zoom: scale / fitScale(view, full, stage), panX: -(a * x + c * y), panY: -(b * x + d * y) };
}

/** What is seen of the frame, in stored pixels; null for all of it. */
export function seenBox(viewport) {
  const { zoom, panX, panY } = viewport.view;
  if (zoom === 1 && !panX && !panY) return null;
  const { columns, rows } = viewport.facts;
  const { width, height } = viewport.stage;
  const [[a, b], [c, d]] = [viewport.placeAt(0, 0), viewport.placeAt(width, height)];
  const side = (value, most) => Math.min(Math.max(Math.round(value), 0), most);
  const [left, right] = [side(Math.min(a, c), columns), side(Math.max(a, c), columns)];
  const [top, bottom] = [side(Math.min(b, d), rows), side(Math.max(b, d), rows)];
  return left < right && top < bottom ? [left, top, right, bottom] : null;
}

// --- drawing ---

export function draw(group, project, applied, viewport) {
  const { instance, frame } = viewport.shown.ask;
  if (!applied.covers(instance, frame)) return;
  const { columns, rows } = viewport.facts;
  const [left, top, right, bottom] = applied.area(instance, frame)?.box ?? [0, 0, columns, rows];
  const [[x, y], [u, v]] = [project(left, top), project(right, bottom)];
  const corner = [Math.min(x, u), Math.min(y, v)];
  const size = [Math.abs(u - x), Math.abs(v - y)];
  const place = ([column, row], units) =>
    units === 'DISPLAY' ? [corner[0] + column * size[0], corner[1] + row * size[1]] : project(column, row);
  for (const mark of applied.marks(instance, frame)) group.append(...(mark.points ? [line(mark, place)] : caption(mark, place)));
}

function line({ points, units, closed, filled, colour }, place) {
  const placed = points.map((point) => place(point, units));
  if (placed.length === 1) return element('circle', { cx: placed[0][0], cy: placed[0][1], r: 3, fill: colour });
  const path = placed.map(([x, y]) => `${x.toFixed(2)},${y.toFixed(2)}`).join(' ');
  return element(closed ? 'polygon' : 'polyline', { points: path, fill: filled ? colour : 'none', stroke: colour, 'stroke-width': 1.5 });
}

function caption(mark, place) {
  const corners = mark.box?.map((corner) => place(corner, mark.boxUnits));
  const anchor = mark.anchor && place(mark.anchor, mark.anchorUnits);
  const [first, last] = corners
    ? [0, 1].map((end) => [0, 1].map((axis) => Math[end ? 'max' : 'min'](corners[0][axis], corners[1][axis])))
    : [anchor, anchor];
  const align = { CENTER: ['middle', 0.5], RIGHT: ['end', 1] }[mark.align] ?? ['start', 0];
  const x = first[0] + (last[0] - first[0]) * align[1];
  const words = element('text', { x, y: first[1] + LINE - 4, fill: mark.colour, 'text-anchor': align[0] });
  mark.text.split('\n').forEach((part, number) => {
    const span = element('tspan', { x, dy: number ? LINE : 0 });
    span.textContent = part;
    words.append(span);
  });
  if (!mark.line || !anchor || !corners) return [words];
  const near = [0, 1].map((axis) => Math.min(Math.max(anchor[axis], first[axis]), last[axis]));
  const lead = element('line', { x1: near[0], y1: near[1], x2: anchor[0], y2: anchor[1], stroke: mark.colour });
  return [lead, words];
}
