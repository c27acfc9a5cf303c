// Where a picture lies in its viewport. Lengths are CSS pixels; `scale` is CSS pixels per pixel of the frame.
// `full` is the frame as it is stored (made square); how it is turned is the view's, see turns.js.

import { matrixOf, onScreen } from './turns.js';

const CLOSEST = 32; // device pixels per pixel of the frame
const VISIBLE = 48; // of the frame that always stays in the viewport

export function fitScale(view, full, stage) {
  const turned = onScreen(view, full);
  return Math.min(stage.width / turned.width, stage.height / turned.height);
}

/** A view as it is after a reset: the whole frame, upright, in the middle. `zoom` 1 is fit; pan is along the screen,
 *  in pixels of the frame; `turn` and `mirror` as turns.js says. A view is never changed, only replaced. */
export function wholeView() {
  return { zoom: 1, panX: 0, panY: 0, turn: 0, mirror: false };
}

export function scaleOf(view, full, stage) {
  return fitScale(view, full, stage) * view.zoom;
}

/** The view with `scale`, the point of the frame under (x, y) staying where it is. */
export function zoomed(view, full, stage, scale, x, y) {
  const fit = fitScale(view, full, stage);
  const next = Math.min(Math.max(scale, Math.min(fit / 4, 1 / stage.ratio)), Math.max(CLOSEST / stage.ratio, fit));
  const before = fit * view.zoom;
  const fromX = x - stage.width / 2;
  const fromY = y - stage.height / 2;
  const panX = view.panX + fromX / next - fromX / before;
  const panY = view.panY + fromY / next - fromY / before;
  return kept({ ...view, zoom: next / fit, panX, panY }, full, stage);
}

export function panned(view, full, stage, dx, dy) {
  const scale = scaleOf(view, full, stage);
  return kept({ ...view, panX: view.panX + dx / scale, panY: view.panY + dy / scale }, full, stage);
}

/** The view, moved so that some of the frame can be seen. */
function kept(view, full, stage) {
  const scale = scaleOf(view, full, stage);
  const reach = (side, room) => Math.max(0, (side + room / scale) / 2 - VISIBLE / scale);
  const clamp = (value, limit) => Math.min(Math.max(value, -limit), limit);
  const turned = onScreen(view, full);
  return {
    ...view,
    panX: clamp(view.panX, reach(turned.width, stage.width)),
    panY: clamp(view.panY, reach(turned.height, stage.height)),
  };
}

/** Where the frame is drawn, turned, in device pixels, on whole ones: what is drawn 1:1 must not be blurred. */
export function placement(view, full, stage) {
  const scale = scaleOf(view, full, stage) * stage.ratio;
  const turned = onScreen(view, full);
  const width = Math.max(1, Math.round(turned.width * scale));
  const height = Math.max(1, Math.round(turned.height * scale));
  return {
    x: Math.round((stage.width * stage.ratio - width) / 2 + view.panX * scale),
    y: Math.round((stage.height * stage.ratio - height) / 2 + view.panY * scale),
    width,
    height,
  };
}

/**
 * The one way from the image to the screen: a matrix [a, b, c, d, e, f] as canvas and SVG have it, from stored pixels
 * ((0, 0) is the outer corner of the first, its middle is (0.5, 0.5), PS3.3 C.10.5.1.2) to CSS pixels of the
 * viewport. Painting, marks, hits, the value under the pointer: all go through it or its `inverse`.
 */
export function transform(view, full, stage, { columns, rows }) {
  const place = placement(view, full, stage);
  const [a, b, c, d] = matrixOf(view);
  const width = place.width / stage.ratio;
  const height = place.height / stage.ratio;
  const along = view.turn % 2 ? height : width; // the side of the box that a row of pixels lies along
  const down = view.turn % 2 ? width : height;
  const [p, q, r, s] = [(a * along) / columns, (b * along) / columns, (c * down) / rows, (d * down) / rows];
  const x = place.x / stage.ratio + width / 2;
  const y = place.y / stage.ratio + height / 2;
  return [p, q, r, s, x - (p * columns + r * rows) / 2, y - (q * columns + s * rows) / 2];
}

export function inverse([a, b, c, d, e, f]) {
  const det = a * d - b * c;
  return [d / det, -b / det, -c / det, a / det, (c * f - d * e) / det, (b * e - a * f) / det];
}

export function applied([a, b, c, d, e, f], x, y) {
  return [a * x + c * y + e, b * x + d * y + f];
}

/** The box a picture is asked to fit in: what will be drawn, never more than the frame has. */
export function boxFor(view, full, stage, longest) {
  const place = placement(view, full, stage);
  const limit = Math.min(1, longest / Math.max(place.width, place.height));
  const side = (drawn, has) => Math.max(1, Math.min(Math.round(drawn * limit), has));
  const drawn = onScreen(view, place); // turned back: the server sends frames upright
  if (drawn.width >= full.width && limit === 1) return [full.width, full.height];
  return [side(drawn.width, full.width), side(drawn.height, full.height)];
}

/** Scale bar: 1, 2, 5 or 10 cm, at least 60 px long: the longest within a third of the viewport; null when none fits. */
export function scaleBar(millimetresPerPixel, scale, stage) {
  if (!millimetresPerPixel) return null;
  const bars = [1, 2, 5, 10].map((cm) => ({ cm, pixels: ((cm * 10) / millimetresPerPixel) * scale }));
  const readable = bars.filter((bar) => bar.pixels >= 60 && bar.pixels <= stage.width * 0.8);
  return readable.filter((bar) => bar.pixels <= stage.width / 3).pop() ?? readable[0] ?? null;
}
