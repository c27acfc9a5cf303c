// The strip of series: which stack the active viewport shows, and how much of it is here.

export class Strip {
  /** @param {(key: string) => void} choose */
  constructor(element, choose) {
    this.element = element;
    element.addEventListener('click', (event) => {
      const entry = event.target.closest('[data-stack]');
      if (!entry || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      choose(entry.dataset.stack);
    });
  }

  get entries() {
    return [...this.element.querySelectorAll('[data-stack]')];
  }

  mark(key) {
    for (const entry of this.entries) {
      const on = entry.dataset.stack === key;
      if (on === (entry.getAttribute('aria-current') === 'true')) continue;
      if (on) entry.setAttribute('aria-current', 'true');
      else entry.removeAttribute('aria-current');
      if (on) entry.scrollIntoView({ block: 'nearest' });
    }
  }

  /** The stack beside `key`: -1 the one before, 1 the one after; null at the ends. */
  beside(key, step) {
    const place = this.entries.findIndex((entry) => entry.dataset.stack === key) + step;
    return this.entries[place]?.dataset.stack ?? null;
  }
}
