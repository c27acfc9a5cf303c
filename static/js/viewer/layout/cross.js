// The linked cross-hair: a point that is pressed in one viewport is gone to in all others that show the same space.
// Reference lines are the cross: in each viewport those of the others meet at the point.

import { sameSpace } from './lines.js';
import { depthsOf } from './link.js';
import { depthOf, planeOf, pointOf } from './planes.js';

export class Cross {
  /** @param {import('./grid.js').Grid} grid @param {import('./link.js').Link} link */
  constructor(grid, link) {
    this.grid = grid;
    this.link = link;
  }

  /** A press at (x, y) of a viewport. @returns {{move: (x, y) => void, up: () => void}} what follows the pointer */
  press(viewport, x, y) {
    const move = (nx, ny) => this.#go(viewport, nx, ny);
    move(x, y);
    return { move, up() {} };
  }

  #go(viewport, x, y) {
    const place = viewport.placeAt(x, y);
    const plane = place && viewport.stack.located && planeOf(viewport.facts);
    if (plane) this.show(viewport, pointOf(plane, place));
  }

  /** All others that show the space of `viewport` go to their image nearest to a point of the patient. */
  show(viewport, point) {
    this.link.quietly(() => {
      for (const { viewport: other, cine } of this.grid.screens) {
        if (other === viewport || !other.stack || !sameSpace(viewport, other)) continue;
        const nearest = this.nearest(other.stack, point);
        if (nearest === null || nearest === other.index) continue;
        cine.stop();
        other.scrollTo(nearest);
      }
    });
  }

  /** The place in a stack of the image nearest to a point; null for one whose images are not parallel. */
  nearest(stack, point) {
    const depths = depthsOf(stack);
    if (!depths) return null;
    const wanted = depthOf({ corner: point }, depths.normal);
    let nearest = 0;
    for (let at = 1; at < depths.length; at += 1) {
      if (Math.abs(depths[at] - wanted) < Math.abs(depths[nearest] - wanted)) nearest = at;
    }
    return nearest;
  }
}
