// Viewports that follow the active one: to the same place in the patient, with the same window, with the same zoom.

import { sameSpace } from './lines.js';
import { depthOf, parallel, planeOf } from './planes.js';

export const KINDS = ['scroll', 'window', 'zoom'];

export class Link {
  #following = false;
  on = new Set();
  #last = ['scroll'];

  /** @param {import('./grid.js').Grid} grid */
  constructor(grid) {
    this.grid = grid;
  }

  toggle(kind) {
    if (this.on.has(kind)) this.on.delete(kind);
    else this.on.add(kind);
    if (this.on.size) this.#last = [...this.on];
  }

  /** All off, or on again as it was. */
  toggleAll() {
    this.on = new Set(this.on.size ? [] : this.#last);
  }

  /** Whether a viewport goes where the active one scrolls. */
  follows(viewport) {
    if (!this.on.has('scroll')) return false;
    return this.grid.screens.some((screen) => screen.viewport !== viewport && this.#depthsFor(viewport, screen.viewport));
  }

  /** Do something that others must not follow. */
  quietly(act) {
    this.#following = true;
    try {
      act();
    } finally {
      this.#following = false;
    }
  }

  /** What a person did in `viewport`, done in the others as far as it makes sense there. */
  follow(viewport, kind) {
    if (this.#following || !this.on.has(kind)) return;
    this.#following = true; // what follows must not lead
    for (const { viewport: other, cine } of this.grid.screens) {
      if (other === viewport || !other.stack) continue;
      if (kind === 'scroll') this.#scroll(viewport, other, cine);
      else if (kind === 'window') windowed(viewport, other);
      else zoomed(viewport, other);
    }
    this.#following = false;
  }

  #scroll(viewport, other, cine) {
    const depths = this.#depthsFor(other, viewport);
    if (!depths) return;
    const own = planeOf(viewport.stack.facts(viewport.index));
    const wanted = depthOf(own, depths.normal);
    let nearest = 0;
    for (let at = 1; at < depths.length; at += 1) {
      if (Math.abs(depths[at] - wanted) < Math.abs(depths[nearest] - wanted)) nearest = at;
    }
    cine.stop();
    other.scrollTo(nearest, viewport.at);
  }

  /** Where the images of `viewport` lie, when it can follow `leader`: one space, slices that face the same way. */
  #depthsFor(viewport, leader) {
    const { stack } = viewport;
    if (!stack || !leader.stack || !sameSpace(viewport, leader)) return null;
    const depths = depthsOf(stack);
    const plane = depths && leader.stack.located && planeOf(leader.stack.facts(leader.index));
    return plane && parallel(depths.plane, plane) ? depths : null;
  }
}

const known = new WeakMap(); // stack -> depths of its images, in order

/** How far along their normal the images of a stack lie, and it; null when they do not all face the same way. */
export function depthsOf(stack) {
  if (!stack.located) return null;
  if (!known.has(stack)) known.set(stack, depthsFound(stack));
  return known.get(stack);
}

function depthsFound(stack) {
  const planes = Array.from({ length: stack.length }, (_, index) => planeOf(stack.facts(index)));
  if (planes.some((plane) => !plane || !parallel(plane, planes[0]))) return null;
  const depths = planes.map((plane) => depthOf(plane, planes[0].normal));
  return Object.assign(depths, { plane: planes[0], normal: planes[0].normal });
}

/** Values of another modality mean something else: their window stays. */
function windowed(viewport, other) {
  const alike = viewport.stack.series.modality === other.stack.series.modality;
  if (!alike || (viewport.facts.samples > 1) !== (other.facts.samples > 1)) return;
  if (other.voi !== viewport.voi) other.setVoi(viewport.voi, viewport.at, viewport.dragging);
}

/** The same millimetres to the inch of the screen where both know theirs, else the same share of the image. */
function zoomed(viewport, other) {
  const own = millimetres(viewport);
  const others = millimetres(other);
  const factor = own && others ? others / own : null;
  const scale = factor ? viewport.scale * factor : other.fitScale * viewport.view.zoom;
  const part = factor ? own / others : other.full.width / viewport.full.width;
  other.look({
    ...other.view,
    zoom: scale / other.fitScale,
    panX: viewport.view.panX * part,
    panY: viewport.view.panY * part,
  });
}

function millimetres({ facts, full }) {
  return facts.spacing ? (facts.spacing[1] * facts.columns) / full.width : 0;
}
