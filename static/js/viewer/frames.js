// Asks for pictures and hands them to their viewports. The latest wish of a viewport wins; as many are on the way
// as the round trip needs; credit goes back to the server when a picture is drawn.

import { Line } from './line.js';
import { Assembly, PNG, PREFETCHED, headerRead } from './wire.js';
import { pictureKey } from './bitmaps.js';
import { isPart } from './toning.js';

const FRAME_MS = 1000 / 60;
const MOST_ON_THE_WAY = 8;
const NEAREST = 4;
const PACE_MS = 4; // between two wishes of a viewport: more than any screen shows
const FAR_MS = 40;
const MOST_AHEAD = 16; // as many as the server takes in one message

/** @typedef {{instance: number, frame: number, voi: object | null, invert: boolean, size: [number, number],
 *   presentation: number, quality: 'moving' | 'settled' | 'steps' | 'table', serial: number, at: number,
 *   taker: {take: (ask: Ask, picture: object) => void, refuse: (ask: Ask, reply: object) => void}}} Ask */

class Lane {
  onTheWay = new Map(); // seq -> ask
  soon = new Map(); // seq -> ask, of the list of prefetches that holds
  late = new Map(); // of the list before: some may come yet
  next = null;
  sentAt = 0;
  timer = 0;
}

export class Frames {
  #seq = 0;
  #lanes = new Map();
  #assembly = new Assembly();

  /** @param {{kept: (ask, picture) => void, value: (reply) => void, state: (state: string, code?: number) => void}} calls */
  constructor(address, calls) {
    this.calls = calls;
    this.drawnCount = 0;
    this.line = new Line(address, {
      open: () => calls.state('open'),
      lost: () => this.#lost(),
      ended: (code) => calls.state('ended', code),
      text: (reply) => this.#told(reply),
      binary: (buffer) => this.#received(buffer),
      pace: () => calls.state('pace'),
      seq: () => this.#count(),
    });
  }

  #count() {
    this.#seq = (this.#seq + 1) >>> 0;
    return this.#seq;
  }

  #lane(viewport) {
    if (!this.#lanes.has(viewport)) this.#lanes.set(viewport, new Lane());
    return this.#lanes.get(viewport);
  }

  /** One, and one more for each frame of the screen a word is on its way: each beyond that only waits and grows old. */
  get #allowed() {
    return Math.min(MOST_ON_THE_WAY, 1 + Math.floor(this.line.roundTrip / FRAME_MS));
  }

  /** Whether what is fetched ahead comes before it is wanted, instead of holding up what is. */
  get near() {
    return this.line.roundTrip <= FAR_MS;
  }

  /** Wish for a picture: sent now, or as soon as one on the way has been drawn; an older wish is forgotten. */
  want(viewport, ask) {
    const lane = this.#lane(viewport);
    lane.next = ask;
    this.#sendNext(viewport, lane);
  }

  #sendNext(viewport, lane) {
    if (!lane.next || lane.timer || lane.onTheWay.size >= this.#allowed) return;
    const wait = lane.sentAt + PACE_MS - performance.now();
    if (wait > 0) {
      lane.timer = setTimeout(() => {
        lane.timer = 0;
        this.#sendNext(viewport, lane);
      }, wait);
      return;
    }
    const ask = lane.next;
    lane.next = null;
    this.#send(viewport, lane, ask);
  }

  #send(viewport, lane, ask) {
    const seq = this.#count();
    lane.sentAt = performance.now();
    ask.sent = lane.onTheWay.size ? 0 : lane.sentAt; // behind another it would measure the wait
    const { instance, frame, voi, invert, size, quality, presentation } = ask;
    if (this.line.send({ op: 'frame', seq, viewport, instance, frame, voi, invert, size, quality, presentation })) {
      lane.onTheWay.set(seq, ask);
    }
  }

  /** Whether this very picture is on the way already. */
  expects(viewport, key) {
    const lane = this.#lane(viewport);
    const same = (ask) => pictureKey(ask) === key;
    return (lane.next !== null && same(lane.next)) || [...lane.onTheWay.values()].some(same);
  }

  /**
   * What will be wanted next, nearest first; a new list takes the place of the older one. All asks share one look.
   * Nothing is sent while the nearest are on their way already.
   */
  prefetch(viewport, asks) {
    const lane = this.#lane(viewport);
    const coming = new Set([...lane.soon.values()].map(pictureKey));
    if (asks.slice(0, NEAREST).every((ask) => coming.has(pictureKey(ask)))) return;
    const { voi, invert, size, quality, presentation } = asks[0];
    lane.late = lane.soon;
    lane.soon = new Map();
    const frames = asks.slice(0, MOST_AHEAD).map((ask) => {
      const seq = this.#count();
      lane.soon.set(seq, ask);
      return [seq, ask.instance, ask.frame];
    });
    this.line.send({ op: 'prefetch', viewport, frames, voi, invert, size, quality, presentation });
  }

  probe(viewport, place) {
    this.line.send({ op: 'probe', seq: this.#count(), viewport, ...place });
  }

  async #received(buffer) {
    const header = headerRead(buffer);
    if (!header) return;
    const parts = this.#assembly.add(header, buffer);
    if (!parts) return;
    const { seq } = header;
    const early = Boolean(header.flags & PREFETCHED);
    const lane = this.#lane(header.viewport);
    const ask = early ? (lane.soon.get(seq) ?? lane.late.get(seq)) : lane.onTheWay.get(seq);
    if (ask?.sent) this.line.measured(performance.now() - ask.sent - header.ms);
    if (ask && isPart(ask)) ask.taker.take(ask, { parts, header });
    else if (ask) await this.#pictured(ask, early, header, parts);
    this.line.send({ op: 'drawn', seq });
    if (early) lane.soon.delete(seq);
    else this.#free(header.viewport, seq);
  }

  async #pictured(ask, early, header, parts) {
    const bitmap = await decoded(new Blob(parts, { type: header.flags & PNG ? 'image/png' : 'image/jpeg' }));
    if (!bitmap) return;
    if (early) this.calls.kept(ask, { bitmap, header });
    else ask.taker.take(ask, { bitmap, header });
  }

  /** A reply came: whatever was asked before it for the same viewport will not be answered any more. */
  #free(viewport, seq) {
    const lane = this.#lane(viewport);
    for (const older of lane.onTheWay.keys()) if (older <= seq) lane.onTheWay.delete(older);
    this.#sendNext(viewport, lane);
  }

  #told(reply) {
    if (reply.op === 'probe') this.calls.value(reply);
    else if (reply.op === 'unavailable' && reply.prefetch) this.#lane(reply.viewport).soon.delete(reply.seq);
    else if (reply.op === 'unavailable') {
      const ask = this.#lane(reply.viewport).onTheWay.get(reply.seq);
      if (ask) ask.taker.refuse(ask, reply);
      this.#free(reply.viewport, reply.seq);
    } else if (reply.op === 'error') console.warn('frame socket:', reply.code, reply.field);
  }

  #lost() {
    for (const lane of this.#lanes.values()) clearTimeout(lane.timer);
    this.#lanes.clear();
    this.#assembly = new Assembly();
    this.calls.state('lost');
  }
}

/** The picture in a form that can be drawn; null for one the browser cannot read. */
async function decoded(blob) {
  try {
    return await createImageBitmap(blob, { colorSpaceConversion: 'none', premultiplyAlpha: 'none' });
  } catch {
    return null;
  }
}
