// The pointer on a viewport: right drag is window, middle drag is pan, wheel is scroll, in every tool;
// left drag is the active tool.

const MOVE = 'onpointerrawupdate' in window ? 'pointerrawupdate' : 'pointermove'; // raw: not held back to the next frame
const WINDOW_STEPS = 256; // pixels of a drag that move the window by its own width
const ZOOM_PIXELS = 150;
const WHEEL_STEP = 50;
const PROBE_MS = 60;
const DRAGS = new Set(['window', 'zoom', 'pan', 'scroll']);

export class Pointer {
  #drag = null;
  #wheel = 0;
  #probe = 0;

  /** @param {import('./viewport.js').Viewport} viewport
   *  @param {{tool: () => string, activate: (viewport) => void, probe: (place: object | null) => void,
   *   scrolled: () => void, press: (viewport, tool, x, y) => {move: Function, up: Function} | null,
   *   hover: (viewport, x, y) => void, done: () => void}} calls `press` takes a left press that is not for the picture */
  constructor(viewport, calls) {
    this.viewport = viewport;
    this.calls = calls;
    const { element } = viewport;
    element.addEventListener('pointerdown', (event) => this.#down(event));
    element.addEventListener(MOVE, (event) => this.#move(event));
    element.addEventListener('pointermove', (event) => this.#hover(event));
    for (const end of ['pointerup', 'pointercancel', 'lostpointercapture']) {
      element.addEventListener(end, (event) => this.#up(event));
    }
    element.addEventListener('pointerleave', () => this.#leave());
    element.addEventListener('wheel', (event) => this.#turn(event), { passive: false });
    element.addEventListener('contextmenu', (event) => event.preventDefault());
    element.addEventListener('auxclick', (event) => event.preventDefault());
  }

  #down(event) {
    if (this.#drag || event.target.closest('button, input, select, a')) return;
    const { viewport } = this;
    this.calls.activate();
    if (!viewport.stack) return;
    const tool = event.button === 2 ? 'window' : event.button === 1 ? 'pan' : this.calls.tool();
    if (event.button > 2 || (tool === 'window' && !viewport.shown)) return;
    event.preventDefault();
    viewport.element.focus({ preventScroll: true });
    viewport.element.setPointerCapture(event.pointerId);
    const { x, y } = this.#at(event);
    const own = event.button === 0 ? this.calls.press(viewport, tool, x, y) : null;
    if (own) {
      this.#drag = { pointer: event.pointerId, own, lastX: x, lastY: y };
      viewport.element.dataset.dragging = 'mark';
      return;
    }
    if (!DRAGS.has(tool)) return;
    const start = { index: viewport.index, scale: viewport.scale, window: viewport.startWindow };
    this.#drag = { pointer: event.pointerId, button: event.button, tool, x, y, lastX: x, lastY: y, start };
    viewport.dragging = tool === 'window';
    viewport.element.dataset.dragging = tool;
  }

  #move(event) {
    const drag = this.#drag;
    if (!drag || event.pointerId !== drag.pointer) return;
    const { x, y } = this.#at(event);
    if (x === drag.lastX && y === drag.lastY) return;
    if (drag.own) {
      drag.own.move(x, y);
      drag.lastX = x;
      drag.lastY = y;
      return;
    }
    const dx = x - drag.x;
    const dy = y - drag.y;
    const { viewport } = this;
    if (drag.tool === 'window') viewport.setVoi(windowDragged(drag.start.window, dx, dy, viewport.facts), event.timeStamp);
    else if (drag.tool === 'zoom') viewport.zoomTo(drag.start.scale * Math.exp(-dy / ZOOM_PIXELS), drag.x, drag.y);
    else if (drag.tool === 'pan') viewport.panBy(x - drag.lastX, y - drag.lastY);
    else this.#scroll(drag.start.index + Math.round(dy / stepFor(viewport)), event.timeStamp);
    drag.lastX = x;
    drag.lastY = y;
  }

  #up(event) {
    if (!this.#drag || event.pointerId !== this.#drag.pointer) return;
    this.#move(event);
    const { own } = this.#drag;
    this.#drag = null;
    this.viewport.dragging = false;
    delete this.viewport.element.dataset.dragging;
    const { x, y } = this.#at(event);
    own?.up(x, y);
    this.calls.done();
  }

  #turn(event) {
    if (!this.viewport.stack || event.target.closest('select')) return;
    event.preventDefault();
    const { x, y } = this.#at(event);
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? 1 : WHEEL_STEP;
    const delta = event.deltaY * lines;
    if (event.ctrlKey) {
      this.viewport.zoomTo(this.viewport.scale * Math.exp(-delta / 400), x, y);
      return;
    }
    this.calls.activate();
    if (Math.sign(delta) !== Math.sign(this.#wheel)) this.#wheel = 0;
    this.#wheel += delta;
    if (Math.abs(this.#wheel) < WHEEL_STEP) return;
    const notches = Math.abs(delta) >= WHEEL_STEP ? notchesOf(event, delta) : Math.trunc(this.#wheel / WHEEL_STEP);
    this.#wheel = 0;
    this.#scroll(this.viewport.index + notches, event.timeStamp);
  }

  #scroll(index, at) {
    this.calls.scrolled();
    this.viewport.scrollTo(index, at);
  }

  /** The value under a pointer that rests. */
  #hover(event) {
    if (this.#drag || !this.viewport.shown) return;
    clearTimeout(this.#probe);
    const { x, y } = this.#at(event);
    this.calls.hover(this.viewport, x, y);
    this.#probe = setTimeout(() => this.#ask(x, y), PROBE_MS);
  }

  #ask(x, y) {
    const { viewport } = this;
    if (!viewport.shown || viewport.playing) return;
    const pixel = viewport.pixelAt(x, y);
    if (!pixel) {
      this.calls.probe(null);
      return;
    }
    const { instance, frame } = viewport.shown.ask;
    this.calls.probe({ instance, frame, x: pixel.column, y: pixel.row });
  }

  #leave() {
    clearTimeout(this.#probe);
    if (!this.#drag) this.calls.probe(null);
  }

  #at(event) {
    const box = this.viewport.element.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }
}

/** Right is wider, down is darker: a drag of 256 pixels moves by the window's own width. */
export function windowDragged(start, dx, dy, facts) {
  const gain = start.width / WINDOW_STEPS;
  const whole = start.width >= 20;
  const width = start.width + dx * gain;
  const center = start.center + dy * gain;
  const least = whole ? 1 : start.width / 1000;
  const voi = { center: whole ? Math.round(center) : center, width: Math.max(least, whole ? Math.round(width) : width) };
  if (facts.voiFunction && facts.voiFunction !== 'LINEAR' && !(facts.samples > 1)) voi.function = facts.voiFunction;
  return voi;
}

/** Notches of a wheel in one event: a quick turn comes as several. What a wheel reports for one differs, 120 is agreed. */
function notchesOf({ wheelDeltaY }, delta) {
  const turned = -wheelDeltaY / 120;
  return Number.isInteger(turned) && turned * delta > 0 && Math.abs(delta / turned) >= WHEEL_STEP / 2 ? turned : Math.sign(delta);
}

/** Pixels of a scroll drag per image: the whole stack within the viewport's height, but not twitchy. */
function stepFor(viewport) {
  return Math.min(20, Math.max(4, viewport.stage.height / viewport.stack.length));
}
