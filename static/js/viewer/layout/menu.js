// The buttons above the stage: how many viewports, what is linked, reference lines.

export class Menu {
  /** @param {HTMLElement} page @param {{arrange: (rows, columns) => void, link: (kind) => void, lines: () => void}} calls */
  constructor(page, calls) {
    this.layouts = [...page.querySelectorAll('[data-layout]')];
    this.links = [...page.querySelectorAll('[data-link]')];
    this.linkButton = page.querySelector('[popovertarget="links"]');
    this.lines = page.querySelector('[data-do="lines"]');
    this.layoutPopover = document.getElementById('layouts');
    for (const button of this.layouts) {
      button.addEventListener('click', () => {
        this.layoutPopover.hidePopover();
        calls.arrange(...button.dataset.layout.split('x').map(Number));
      });
    }
    for (const button of this.links) button.addEventListener('click', () => calls.link(button.dataset.link));
    for (const name of ['layouts', 'links', 'reformats', 'segments']) {
      const opener = page.querySelector(`[popovertarget="${name}"]`);
      if (opener) this.#below(document.getElementById(name), opener);
    }
  }

  #below(popover, opener) {
    popover.addEventListener('beforetoggle', (event) => {
      if (event.newState !== 'open') return;
      const box = opener.getBoundingClientRect();
      popover.style.top = `${box.bottom + 4}px`;
      popover.style.right = `${document.documentElement.clientWidth - box.right}px`;
    });
  }

  openLayouts() {
    this.layoutPopover.showPopover();
    (this.layouts.find((button) => button.getAttribute('aria-pressed') === 'true') ?? this.layouts[0]).focus();
  }

  write(grid, link, lines) {
    const shape = `${grid.rows}x${grid.columns}`;
    for (const button of this.layouts) button.setAttribute('aria-pressed', String(button.dataset.layout === shape));
    for (const button of this.links) button.setAttribute('aria-pressed', String(link.on.has(button.dataset.link)));
    this.linkButton.setAttribute('aria-pressed', String(link.on.size > 0));
    this.lines.setAttribute('aria-pressed', String(lines.on));
  }
}
