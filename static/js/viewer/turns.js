// How a picture is turned: mirrored left to right first (or not), then turned clockwise by quarters.
// Every way to turn and flip by right angles is one of these eight.

/** @typedef {{turn: 0 | 1 | 2 | 3, mirror: boolean}} Turned */

/** Width and height as they lie on the screen; the other way round when turned by one quarter or three. */
export function onScreen({ turn }, { width, height }) {
  return turn % 2 ? { width: height, height: width } : { width, height };
}

/** [a, b, c, d]: where a step along a row (a, b) and one down a column (c, d) goes on the screen. */
export function matrixOf({ turn, mirror }) {
  const [cos, sin] = [[1, 0], [0, 1], [-1, 0], [0, -1]][turn];
  const along = mirror ? -1 : 1;
  return [along * cos, along * sin, -sin, cos].map((part) => part || 0); // no -0
}

/** @param {number} quarters clockwise */
export function rotated(view, quarters) {
  const by = (((quarters % 4) + 4) % 4);
  let pan = [view.panX, view.panY];
  for (let done = 0; done < by; done += 1) pan = [-pan[1], pan[0]];
  return { ...view, turn: (view.turn + by) % 4, panX: pan[0], panY: pan[1] };
}

/** Left and right of the screen change places. */
export function flippedAcross(view) {
  return { ...view, turn: (4 - view.turn) % 4, mirror: !view.mirror, panX: -view.panX };
}

/** Top and bottom of the screen change places. */
export function flippedDown(view) {
  return { ...view, turn: (6 - view.turn) % 4, mirror: !view.mirror, panY: -view.panY };
}

const CLOCKWISE = ['top', 'right', 'bottom', 'left'];

/** What stands at each edge of the screen, from what stands at each edge of the stored image. */
export function edgesOnScreen({ turn, mirror }, edges) {
  if (!edges) return null;
  const own = mirror ? { ...edges, left: edges.right, right: edges.left } : edges;
  return Object.fromEntries(CLOCKWISE.map((edge, place) => [edge, own[CLOCKWISE[(place + 4 - turn) % 4]]]));
}

/** As a presentation state says it, PS3.3 C.10.6: turned clockwise by degrees first, then flipped left to right. */
export function spatialOf({ turn, mirror }) {
  return { rotation: 90 * (mirror ? (4 - turn) % 4 : turn), flip: mirror };
}

/** What is still to be done to a picture that is turned as `from` so that it is turned as `to`: mirrored, then turned. */
export function between(from, to) {
  const mirror = from.mirror !== to.mirror;
  // Mirrored, a turn goes the other way round.
  return { turn: (mirror ? to.turn + from.turn : to.turn - from.turn + 4) % 4, mirror };
}

export function turnedAs({ rotation, flip }) {
  const turn = (((rotation / 90) % 4) + 4) % 4;
  return { turn: flip ? (4 - turn) % 4 : turn, mirror: Boolean(flip) };
}
