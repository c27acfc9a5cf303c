// The viewer's page: puts the parts together. What they say to each other goes through here.

import { toLogin } from '../session.js';
import { Bitmaps, pictureKey } from './bitmaps.js';
import { Cine } from './cine.js';
import { Corners } from './corners.js';
import { Dock } from './dock.js';
import { Drawing } from './drawing.js';
import { History } from './history.js';
import { listen } from './keys.js';
import { dragsFrom, dropsOn } from './layout/drop.js';
import { Cross } from './layout/cross.js';
import { Grid } from './layout/grid.js';
import { Lines } from './layout/lines.js';
import { Link } from './layout/link.js';
import { Menu } from './layout/menu.js';
import { Reformats } from './layout/reformats.js';
import { stateRead, stateSame, stateWrite } from './layout/state.js';
import { Links } from './links.js';
import { Loupe } from './loupe.js';
import { Presentation } from './presentation.js';
import { Priors } from './priors.js';
import { Segments } from './segments.js';
import { Strip } from './strip.js';
import { Studies } from './studies.js';
import { Toolbox } from './toolbox.js';
import { Pointer } from './tools.js';
import { Value } from './value.js';
import { Viewport } from './viewport.js';
import { Windows } from './windows.js';
import { word } from './words.js';
import { attribute } from './write.js';

const page = document.getElementById('viewer');
const record = JSON.parse(document.getElementById('viewer-study').textContent);
const bitmaps = new Bitmaps();
const invertButton = page.querySelector('[data-do="invert"]');
const WORDS_MS = 50;
const dirty = new Set(); // viewports whose words are older than they are
let wroteAt = 0;
const stripElement = page.querySelector('.strip');

const tools = new Toolbox(page);
const grid = new Grid(document.getElementById('main'), document.getElementById('viewport'), { make: screen, activated });
const link = new Link(grid);
const lines = new Lines(grid);
const cross = new Cross(grid, link);
const value = new Value((number) => grid.byNumber(number));
const links = new Links(document.getElementById('print'), document.getElementById('attributes'));
const loupe = new Loupe(bitmaps);
const drawing = new Drawing(grid, () => history.note());
const history = new History({
  read: () => stateRead(grid, drawing.own),
  same: stateSame,
  write: (state) => link.quietly(() => stateWrite(grid, drawing.own, state, show)),
  busy: () => drawing.pen.drawing || grid.screens.some(({ viewport }) => viewport.element.dataset.dragging),
});
const room = { bitmaps, changed, painted, moved: (viewport, kind) => link.follow(viewport, kind) };
const studies = new Studies({
  kept: (ask, picture) => bitmaps.put(pictureKey(ask), picture),
  value: (reply) => value.told(reply),
  state: (study, state, code) => lineChanged(study, state, code),
});
const study = addStudy(record);
const segments = new Segments({ grid, study });
const dock = new Dock(page, {
  scroll: (index) => scrollTo(index),
  play: () => grid.active.cine.toggle(),
  step: (by) => scrollTo(grid.active.viewport.index + by),
  speed: (speed) => grid.active.cine.setSpeed(speed),
  preset: (preset) => choosePreset(preset),
  kept: () => windows.list,
});
const strip = new Strip(stripElement, (key) => load(grid.active, key));
const priors = new Priors(stripElement, addStudy);
const windows = new Windows(record.windows, {
  changed: () => {
    dock.load(grid.active.viewport);
    dock.write(grid.active.viewport);
  },
  current: () => {
    const { stack, window } = grid.active.viewport;
    return stack && window && { modality: stack.series.modality, center: window.center, width: window.width };
  },
});
const menu = new Menu(page, { arrange, link: (kind) => linkChanged(() => link.toggle(kind)) });
const views = new Presentation(page, {
  study,
  stacks: studies.stacks,
  active: () => grid.active.viewport,
  drawn: (instance, frame) => drawing.saved(instance, frame),
  load: (stack, instance, frame) => show(grid.active, stack, Math.max(0, stack.indexOf(instance, frame))),
});

const reformats = new Reformats({
  grid,
  cross,
  show,
  opened: () => {
    if (!lines.on && grid.screens.length > 1) lines.toggle();
    menu.write(grid, link, lines);
    history.note();
  },
});

function addStudy(one) {
  const added = studies.add(one);
  drawing.own.load(added, one.marks);
  return added;
}

/** One viewport with everything that belongs to it. */
function screen(element, number) {
  const viewport = new Viewport(element, number, room);
  const cine = new Cine(viewport, (changedCine) => made === grid.active && dock.writeCine(changedCine));
  const made = { viewport, cine, corners: new Corners(element), seen: '' };
  made.destroy = () => {
    cine.stop();
    viewport.destroy();
  };
  new Pointer(viewport, {
    tool: () => tools.use(),
    activate: () => grid.activate(made),
    probe: (place) => value.ask(viewport, place),
    scrolled: () => cine.stop(),
    press: (_, name, x, y) => press(viewport, name, x, y),
    hover: (_, x, y) => drawing.pen.hover(viewport, x, y),
    done: () => history.note(),
  });
  element.addEventListener('focus', () => grid.activate(made));
  element.addEventListener('dblclick', (event) => {
    if (!drawing.pen.drawing && !event.target.closest('button, input, select, [data-mark]')) grid.toggleLargest(made);
  });
  lines.follow(made);
  drawing.follow(made);
  segments.follow(made);
  made.corners.write(viewport);
  return made;
}

// --- what a person does ---

function activated({ viewport, cine }) {
  strip.mark(viewport.stack?.key);
  document.getElementById('modality').textContent = viewport.stack?.series.modality ?? '';
  dock.load(viewport);
  dock.writeCine(cine);
  changed(viewport);
  if (viewport.stack) links.follow(viewport);
}

/** A left press that is the pen's, the cross-hair's or the magnifier's. */
function press(viewport, name, x, y) {
  if (name === 'cross') return viewport.shown && cross.press(viewport, x, y);
  if (name !== 'magnify') return drawing.pen.press(viewport, name, x, y);
  loupe.press(viewport, x, y);
  return loupe;
}

function load(made, key, instance = 0, frame = 1) {
  const stack = studies.stacks.get(key);
  if (stack) show(made, stack, Math.max(0, stack.indexOf(instance, frame)));
}

function show(made, stack, index) {
  made.cine.stop();
  made.cine.clearRange();
  value.clear();
  made.viewport.load(stack, index);
  made.cine.setSpeed(1);
  if (made === grid.active) activated(made);
  lines.moved();
  writeLinked();
  stack.locate().then((news) => news && located());
}

/** It has become known where the frames of an image lie. */
function located() {
  lines.moved();
  writeLinked();
  for (const { viewport } of grid.screens) changed(viewport);
}

function arrange(rows, columns) {
  const fresh = grid.arrange(rows, columns);
  const shown = new Set(grid.screens.map(({ viewport }) => viewport.stack?.key));
  const waiting = [...studies.stacks.keys()].filter((key) => !shown.has(key));
  for (const made of fresh) if (waiting.length) load(made, waiting.shift());
  history.note();
  menu.write(grid, link, lines);
  lines.moved();
  writeLinked();
}

function scrollTo(index) {
  grid.active.cine.stop();
  grid.active.viewport.scrollTo(index);
}

/** A preset is a window, or nothing for the image's own, or made from what the image's own is. */
function choosePreset(preset) {
  const { viewport } = grid.active;
  if (!preset || !viewport.stack) return;
  const own = ownWindow(viewport);
  if (typeof preset.voi !== 'function') return viewport.setVoi(preset.voi);
  const voi = own && preset.voi(own, drawing.regionWindow(viewport));
  if (voi) viewport.setVoi(voi);
  return undefined;
}

/** The window the image came with, else what is on the screen, else one that changes nothing. */
function ownWindow(viewport) {
  const [first] = viewport.facts.windows ?? [];
  return first ? { center: first[0], width: first[1] } : viewport.startWindow;
}

function linkChanged(change) {
  change();
  menu.write(grid, link, lines);
  writeLinked();
  for (const kind of link.on) if (grid.active.viewport.stack) link.follow(grid.active.viewport, kind);
}

function writeLinked() {
  for (const { viewport } of grid.screens) {
    attribute(viewport.element, 'data-linked', String(link.follows(viewport)));
  }
}

/** @param {(viewport: Viewport) => void} act on the active viewport, when it shows something */
const onActive = (act) => (...given) => grid.active.viewport.stack && act(grid.active.viewport, ...given);

const does = {
  scroll: onActive((viewport, by) => scrollTo(viewport.index + by)),
  series: (step) => load(grid.active, strip.beside(grid.active.viewport.stack?.key, step)),
  preset: (number) => choosePreset(dock.presets[number - 1]),
  invert: onActive((viewport) => viewport.setInvert(!viewport.invert)),
  fit: onActive((viewport) => viewport.fit()),
  oneToOne: onActive((viewport) => viewport.oneToOne()),
  rotate: onActive((viewport, quarters = 1) => viewport.rotate(quarters)),
  flip: onActive((viewport, down = false) => viewport.flip(down)),
  reset: onActive((viewport) => viewport.reset()),
  play: () => grid.active.cine.toggle(),
  faster: (step) => grid.active.cine.faster(step),
  star: () => views.star(),
  views: () => views.open(),
  corners: () => page.toggleAttribute('data-bare'),
  print: () => links.press(grid.active.viewport),
  layouts: () => menu.openLayouts(),
  segments: () => segments.open(),
  reformats: () => reformats.openMenu(),
  largest: () => grid.toggleLargest(grid.active),
  link: () => linkChanged(() => link.toggleAll()),
  lines: () => {
    lines.toggle();
    menu.write(grid, link, lines);
  },
  undo: () => history.undo(),
  redo: () => history.redo(),
  remove: () => drawing.removeChosen(),
  range: (end) => grid.active.cine.setRange(end),
  windows: () => windows.open(),
  prior: async () => besides(await priors.next()),
  back: () => drawing.pen.cancel() || (grid.largest ? grid.maximise(null) : document.getElementById('back').click()),
};

/** A prior beside what is on the screen: in an empty viewport, else in a new one to the right. */
function besides([key]) {
  if (!key) return;
  if (grid.screens.length === 1) grid.arrange(1, 2);
  const made = grid.screens.find(({ viewport }) => !viewport.stack) ?? grid.screens.at(-1);
  load(made, key);
  menu.write(grid, link, lines);
}

// --- what changed ---

/**
 * The wish or the picture changed: dock and corners follow with the next frame of the screen. While pictures follow
 * each other they do so a few times a second: nobody reads faster, and laying out words holds up the next picture.
 */
function changed(viewport) {
  history.note();
  if (!dirty.size) setTimeout(() => requestAnimationFrame(writeAll), wroteAt + WORDS_MS - performance.now());
  dirty.add(viewport);
}

function writeAll() {
  const viewports = [...dirty];
  dirty.clear();
  wroteAt = performance.now();
  viewports.forEach(write);
  showLine();
}

function write(viewport) {
  const made = grid.byNumber(viewport.number);
  if (made?.viewport !== viewport) return;
  made.corners.write(viewport);
  views.follow(viewport);
  if (made !== grid.active || !viewport.stack) return;
  dock.write(viewport);
  links.follow(viewport);
  attribute(invertButton, 'aria-pressed', String(viewport.invert));
}

/** The picture changed. */
function painted(viewport) {
  const { shown, element } = viewport;
  const detail = shown
    ? { index: shown.index, preview: viewport.preview, passing: shown.ask.passing, at: shown.ask.at, server: shown.header.ms }
    : { index: viewport.refusal?.index, refused: true };
  element.dispatchEvent(new CustomEvent('painted', { detail }));
  changed(viewport);
  const made = grid.byNumber(viewport.number);
  const seen = shown ? `${shown.ask.instance}:${shown.ask.frame}` : '';
  if (made && made.seen !== seen) lines.moved();
  if (made) made.seen = seen;
}

let ended = '';

function lineChanged(of, state, code) {
  if (state === 'open') for (const { viewport } of grid.screens) if (viewport.stack?.study === of) viewport.show();
  if (code === 4401) toLogin(false);
  if (code) ended = word(`ended-${code}`);
  showLine();
}

function showLine() {
  const line = (grid.active?.viewport.stack?.study ?? study)?.frames.line;
  if (line) dock.writeLine(line.state, line.roundTrip, grid.active?.viewport, ended);
}

// --- begin ---

for (const button of page.querySelectorAll('[data-do]')) button.addEventListener('click', () => does[button.dataset.do]());
listen(does, tools);
dragsFrom(stripElement);
dropsOn(grid.stage, (element, key) => {
  const made = grid.screens.find(({ viewport }) => viewport.element === element);
  load(made, key);
  grid.activate(made);
});
grid.arrange(1, 1);
menu.write(grid, link, lines);
load(grid.active, record.start.stack, record.start.instance, record.start.frame);
showLine();
grid.active.viewport.element.focus({ preventScroll: true });
