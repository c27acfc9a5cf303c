// The line to the server: one websocket that comes back when it drops, and how long a word takes there and back.

import { Shortest } from './shortest.js';

const RETRY_MS = [250, 500, 1000, 2000, 4000];
const PING_MS = 4000;
const SILENCE_MS = 8000; // without an answer to a ping the line is dead
const FINAL = new Set([4401, 4403, 4404, 4429]); // the server said no: asking again changes nothing

export class Line {
  #socket = null;
  #tries = 0;
  #timer = 0;
  #pinged = null; // {seq, at} of the ping that waits for its answer
  #ended = false;
  #trips = new Shortest();

  /** @param {{open: () => void, lost: () => void, ended: (code: number) => void, text: (object) => void,
   *   binary: (ArrayBuffer) => void, pace: () => void, seq: () => number}} calls */
  constructor(address, calls) {
    this.address = address;
    this.calls = calls;
    this.state = 'opening';
    setInterval(() => this.#beat(), PING_MS);
    window.addEventListener('online', () => this.#retryNow());
    document.addEventListener('visibilitychange', () => document.hidden || this.#retryNow());
    window.addEventListener('pagehide', () => this.#leave());
    window.addEventListener('pageshow', (event) => event.persisted && this.#retryNow());
    this.#open();
  }

  /** Milliseconds a word takes there and back. */
  get roundTrip() {
    return this.#trips.value;
  }

  /** The round trip as seen on a picture, without the server's own time. */
  measured(milliseconds) {
    this.#trips.add(Math.max(0, milliseconds));
  }

  get open() {
    return this.state === 'open';
  }

  send(message) {
    if (this.open) this.#socket.send(JSON.stringify(message));
    return this.open;
  }

  #open() {
    const socket = new WebSocket(this.address);
    socket.binaryType = 'arraybuffer';
    this.#socket = socket;
    socket.onopen = () => {
      this.state = 'open';
      this.#ping();
      this.calls.open();
    };
    socket.onmessage = (event) => this.#take(event.data);
    socket.onclose = (event) => this.#socket === socket && this.#dropped(event.code);
  }

  #take(data) {
    this.#tries = 0;
    if (data instanceof ArrayBuffer) return this.calls.binary(data);
    const message = JSON.parse(data);
    if (message.op !== 'pong') return this.calls.text(message);
    if (this.#pinged?.seq === message.seq) {
      this.measured(performance.now() - this.#pinged.at);
      this.#pinged = null;
      this.calls.pace();
    }
    return undefined;
  }

  #ping() {
    this.#pinged = { seq: this.calls.seq(), at: performance.now() };
    this.send({ op: 'ping', seq: this.#pinged.seq });
  }

  #beat() {
    if (!this.open || document.hidden) return;
    if (!this.#pinged) {
      this.#ping();
    } else if (performance.now() - this.#pinged.at > SILENCE_MS) {
      this.#socket.close(); // a dead line does not say so; do not wait for its answer
      this.#dropped(1006);
    }
  }

  #dropped(code) {
    this.#socket = null;
    this.#pinged = null;
    if (FINAL.has(code)) {
      this.#ended = true;
      this.state = 'ended';
      this.calls.ended(code);
      return;
    }
    if (this.#ended) return;
    this.state = 'lost';
    this.calls.lost();
    const wait = RETRY_MS[Math.min(this.#tries, RETRY_MS.length - 1)];
    this.#tries += 1;
    this.#timer = setTimeout(() => this.#open(), wait * (0.75 + Math.random() / 2));
  }

  #retryNow() {
    if (this.#socket || this.#ended) return;
    clearTimeout(this.#timer);
    this.#open();
  }

  #leave() {
    const socket = this.#socket;
    this.#socket = null;
    this.state = 'lost';
    socket?.close();
  }
}
