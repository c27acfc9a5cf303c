// The tool that is chosen: its button, and when it was used last.

export class Toolbox {
  name = 'window';
  usedAt = 0;

  /** A button with data-other stands for two: pressed while it is on, it changes to the other one. */
  constructor(page) {
    this.page = page;
    this.buttons = [...page.querySelectorAll('[data-tool]')];
    for (const button of this.buttons) button.addEventListener('click', () => this.set(this.#following(button.dataset)));
    this.set(this.name);
  }

  #following({ tool, other }) {
    return other && this.name === tool ? other : tool;
  }

  /** The tool, for use. */
  use() {
    this.usedAt = performance.now();
    return this.name;
  }

  set(name) {
    this.name = name;
    for (const button of this.buttons) {
      const { tool, other } = button.dataset;
      button.setAttribute('aria-pressed', String(tool === name || other === name));
      if (other && (tool === name || other === name)) button.dataset.now = other === name ? 'other' : 'first';
    }
    this.page.dataset.tool = name;
  }
}
