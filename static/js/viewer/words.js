// What the page says, in the reader's language: sentences come with the page.

const WORDS = JSON.parse(document.getElementById('viewer-words').textContent);

/** The words of a name, with {places} filled. */
export function word(name, values = {}) {
  return WORDS[name].replace(/\{(\w+)\}/g, (_, place) => values[place] ?? '');
}

/** A number as people read it: a true minus sign, no more digits than it needs. */
export function figure(value, digits = 0) {
  const rounded = Number(value.toFixed(digits));
  return String(Object.is(rounded, -0) ? 0 : rounded).replace('-', '−');
}

/** A window's centre or width: whole where the step is whole, else three digits that matter. */
export function windowFigure(value, width) {
  if (width >= 20) return figure(value);
  return figure(value, Math.min(6, Math.max(0, 2 - Math.floor(Math.log10(Math.max(width, 1e-6))))));
}
