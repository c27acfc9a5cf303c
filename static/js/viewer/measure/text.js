// The field in which a text on the image is typed.

/** @param {import('../viewport.js').Viewport} viewport @param {[number, number]} point
 *  @param {(text: string) => void} then with the text, empty when it was given up */
export function askText({ element }, [x, y], label, then) {
  const field = document.createElement('input');
  Object.assign(field, { type: 'text', maxLength: 200, className: 'field mark-field' });
  field.setAttribute('aria-label', label);
  field.style.left = `${Math.max(4, Math.min(x, element.clientWidth - 190))}px`;
  field.style.top = `${Math.max(4, y - 16)}px`;
  let done = false;
  const end = (text) => {
    if (done) return;
    done = true;
    field.remove();
    element.focus({ preventScroll: true });
    then(text.trim());
  };
  field.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && !event.isComposing) end(field.value);
    else if (event.key === 'Escape') end('');
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  field.addEventListener('blur', () => end(field.value));
  element.append(field);
  requestAnimationFrame(() => field.focus()); // after the press that asked for it
}
