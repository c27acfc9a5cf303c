// The viewports on the stage: rows and columns of them, made and destroyed, one of them active, one maximised or none.

export const MOST = 3; // rows, columns
const NUMBERS = 62; // viewports the server tells apart, but for the magnifier's and that of steps

export class Grid {
  #number = 0;
  rows = 0;
  columns = 0;
  /** @type {{viewport: import('../viewport.js').Viewport}[]} in reading order */
  screens = [];
  active = null;
  largest = null;

  /** @param {HTMLElement} stage @param {HTMLTemplateElement} template
   *  @param {{make: (element: HTMLElement, number: number) => object, activated: (screen) => void}} calls */
  constructor(stage, template, calls) {
    this.stage = stage;
    this.template = template;
    this.calls = calls;
  }

  /** The screen of a viewport the server speaks of; none when it was destroyed meanwhile. */
  byNumber(number) {
    return this.screens.find((screen) => screen.viewport.number === number);
  }

  /** Lay out anew: viewports that are still there keep what they show. @returns the new ones */
  arrange(rows, columns) {
    this.maximise(null);
    this.rows = rows;
    this.columns = columns;
    this.stage.style.setProperty('--rows', String(rows));
    this.stage.style.setProperty('--columns', String(columns));
    const before = this.screens.length;
    const wanted = rows * columns;
    // The active one is never the one that goes.
    const place = this.screens.indexOf(this.active);
    if (place >= wanted) this.#swap(place, wanted - 1);
    for (const gone of this.screens.splice(wanted)) gone.destroy();
    while (this.screens.length < wanted) this.screens.push(this.#make());
    this.stage.toggleAttribute('data-many', wanted > 1);
    if (!this.screens.includes(this.active)) this.activate(this.screens[0]);
    return this.screens.slice(before);
  }

  #make() {
    const element = this.template.content.firstElementChild.cloneNode(true);
    this.stage.append(element);
    do this.#number = (this.#number + 1) % NUMBERS;
    while (this.byNumber(this.#number)); // late pictures of a destroyed viewport find nobody
    return this.calls.make(element, this.#number);
  }

  #swap(one, other) {
    const { screens } = this;
    [screens[one], screens[other]] = [screens[other], screens[one]];
    for (const { viewport } of screens) this.stage.append(viewport.element);
  }

  activate(screen) {
    if (this.active === screen) return;
    this.active = screen;
    for (const other of this.screens) other.viewport.element.toggleAttribute('data-active', other === screen);
    this.calls.activated(screen);
  }

  /** Give a viewport the whole stage; null gives it back. */
  maximise(screen) {
    this.largest = this.screens.length > 1 ? screen : null;
    this.stage.toggleAttribute('data-largest', this.largest !== null);
    for (const other of this.screens) other.viewport.element.toggleAttribute('data-largest', other === this.largest);
  }

  toggleLargest(screen) {
    this.maximise(this.largest ? null : screen);
  }
}
