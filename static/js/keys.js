// One set of letters for all pages. Letters do nothing while a field has the focus or a dialog is open.

const bound = new Map();

/** Call `handler(event)` when `key` (as in KeyboardEvent.key, letters in lower case) is pressed. */
export function bind(key, handler) {
  bound.set(key, handler);
}

/** True while typing belongs to a field. */
export function typing(target = document.activeElement) {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target.matches("textarea, select")) return true;
  return target.matches("input") && !target.matches("[type=checkbox], [type=radio], [type=button]");
}

/** True while something floats over the page. */
export function covered() {
  return document.querySelector("dialog[open], [popover]:popover-open") !== null;
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (covered() || (typing(event.target) && key !== "Escape")) return;
  const handler = bound.get(key);
  // A handler that returns false leaves the key to the browser.
  if (handler && handler(event) !== false) event.preventDefault();
});
