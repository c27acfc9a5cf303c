// A picture on its canvas: where its view says, turned as it says, sharp where nothing is scaled.

import { placement } from './geometry.js';
import { matrixOf, onScreen } from './turns.js';

/** @param {import('./viewport.js').Viewport} viewport */
export function paintPicture({ context, canvas, shown, view, full, stage }) {
  context.fillStyle = '#000';
  if (!shown) {
    context.fillRect(0, 0, canvas.width, canvas.height);
    return;
  }
  const place = placement(view, full, stage);
  const { bitmap } = shown;
  const covers =
    place.x <= 0 && place.y <= 0 && place.x + place.width >= canvas.width && place.y + place.height >= canvas.height;
  if (!covers) context.fillRect(0, 0, canvas.width, canvas.height);
  const { width, height } = onScreen(view, place);
  context.imageSmoothingEnabled = bitmap.width !== width || bitmap.height !== height;
  // Enlarged, all qualities are the same bilinear picture, but only the lowest makes no smaller copies first.
  context.imageSmoothingQuality = bitmap.width > width ? 'medium' : 'low';
  if (view.turn || view.mirror) {
    context.setTransform(...matrixOf(view), place.x + place.width / 2, place.y + place.height / 2);
    context.drawImage(bitmap, -width / 2, -height / 2, width, height);
    context.resetTransform();
  } else {
    context.drawImage(bitmap, place.x, place.y, width, height);
  }
}
