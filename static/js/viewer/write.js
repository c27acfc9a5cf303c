// Writes to the page only what is different: most of it runs with every picture, and a write costs a layout.

export function text(element, words) {
  if (element.textContent !== words) element.textContent = words;
}

export function attribute(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/** A custom property of CSS, such as --part. */
export function property(element, name, value) {
  if (element.style.getPropertyValue(name) !== value) element.style.setProperty(name, value);
}
