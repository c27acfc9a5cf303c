// The keyboard. A tool's letter tapped switches to it; held, it is borrowed until the key is let go.

const HELD_MS = 250;

/** @param {{[name: string]: Function}} does what each key does, by name; see COMMANDS
 *  @param {import('./toolbox.js').Toolbox} tools */
export function listen(does, tools) {
  let borrowed = null; // {key, before, at}
  document.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || elsewhere(event)) return;
    const command = commandOf(event);
    if (!command) return;
    event.preventDefault();
    if (command.tool) {
      if (event.repeat) return;
      borrowed = { key: event.key.toLowerCase(), before: tools.name, at: performance.now() };
      tools.set(command.tool);
    } else if (!event.repeat || command.repeats) {
      does[command.name](...(command.with ?? []));
    }
  });
  document.addEventListener('keyup', (event) => {
    if (!borrowed || event.key.toLowerCase() !== borrowed.key) return;
    const held = performance.now() - borrowed.at > HELD_MS || tools.usedAt > borrowed.at;
    if (held) tools.set(borrowed.before);
    borrowed = null;
  });
}

const LETTERS = {
  w: { tool: 'window' },
  z: { tool: 'zoom' },
  h: { tool: 'pan' },
  s: { tool: 'scroll' },
  m: { tool: 'magnify' },
  l: { tool: 'length' },
  a: { tool: 'angle' },
  c: { tool: 'cobb' },
  e: { tool: 'ellipse' },
  b: { tool: 'probe' },
  r: { tool: 'arrow' },
  t: { tool: 'text' },
  u: { name: 'undo', repeats: true },
  delete: { name: 'remove' },
  backspace: { name: 'remove' },
  ',': { name: 'range', with: [0] },
  '.': { name: 'range', with: [1] },
  n: { name: 'prior' },
  '[': { name: 'rotate', with: [-1] },
  ']': { name: 'rotate', with: [1] },
  f: { name: 'flip', with: [false] },
  i: { name: 'invert' },
  k: { name: 'star' },
  v: { name: 'views' },
  x: { name: 'reset' },
  o: { name: 'corners' },
  y: { name: 'layouts' },
  j: { name: 'link' },
  g: { name: 'lines' },
  d: { tool: 'cross' },
  q: { name: 'reformats' },
  enter: { name: 'largest' },
  p: { name: 'print' },
  0: { name: 'fit' },
  ' ': { name: 'play' },
  '-': { name: 'faster', with: [-1], repeats: true },
  '+': { name: 'faster', with: [1], repeats: true },
  '=': { name: 'faster', with: [1], repeats: true },
  escape: { name: 'back' },
  arrowup: { name: 'scroll', with: [-1], repeats: true },
  arrowdown: { name: 'scroll', with: [1], repeats: true },
  pageup: { name: 'scroll', with: [-10], repeats: true },
  pagedown: { name: 'scroll', with: [10], repeats: true },
  home: { name: 'scroll', with: [-Infinity] },
  end: { name: 'scroll', with: [Infinity] },
  arrowleft: { name: 'series', with: [-1] },
  arrowright: { name: 'series', with: [1] },
};

const SHIFTED = {
  e: { tool: 'rectangle' },
  u: { name: 'redo', repeats: true },
  s: { name: 'segments' },
  f: { name: 'flip', with: [true] },
};

function commandOf(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return null;
  if (event.shiftKey && event.code === 'Digit0') return { name: 'oneToOne' };
  if (/^Digit[1-9]$/.test(event.code) && !event.shiftKey) return { name: 'preset', with: [Number(event.code.at(-1))] };
  if (event.shiftKey && event.key !== '+') return SHIFTED[event.key.toLowerCase()] ?? null;
  return LETTERS[event.key.toLowerCase()] ?? null;
}

/** Keys belong to whatever has them: fields, an open dialog, a pressed button. */
function elsewhere(event) {
  if (document.querySelector('dialog[open], [popover]:popover-open')) return true;
  const { target } = event;
  if (!(target instanceof Element)) return false;
  if (target.closest('select, textarea, input:not([type="range"])')) return true;
  if (target.closest('input[type="range"]')) return /^(Arrow|Page|Home|End)/.test(event.key);
  return Boolean(target.closest('button, a') && (event.key === ' ' || event.key === 'Enter'));
}
