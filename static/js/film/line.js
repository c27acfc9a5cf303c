// The film's socket: the latest wish wins, a picture is put together from its parts.
import { toLogin } from "../session.js";

const LONGEST_WAIT_MS = 8000;

export class Line {
  /** `answered(message, png)` for each answer; `changed(state, code)`: "open", "closed", "ended". */
  constructor(address, answered, changed) {
    this.address = address;
    this.answered = answered;
    this.changed = changed;
    this.wait = 400;
    this.seq = 0;
    this.inFlight = null;
    this.next = null;
    this.open();
  }

  open() {
    const address = new URL(this.address, location.href);
    address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    this.socket = new WebSocket(address);
    this.socket.binaryType = "arraybuffer";
    this.message = null;
    this.parts = [];
    this.socket.addEventListener("open", () => {
      this.wait = 400;
      this.inFlight = null;
      this.changed("open");
    });
    this.socket.addEventListener("message", (event) => this.take(event.data));
    this.socket.addEventListener("close", (event) => this.closed(event.code));
  }

  /** Ask for this once the answer to what was asked before is here; a later wish takes its place. */
  ask(wish) {
    this.next = wish;
    this.send();
  }

  send() {
    if (!this.next || this.inFlight || this.socket.readyState !== WebSocket.OPEN) return;
    this.seq += 1;
    this.inFlight = this.next;
    this.next = null;
    this.socket.send(JSON.stringify({ ...this.inFlight, seq: this.seq }));
  }

  take(data) {
    if (typeof data === "string") {
      this.message = JSON.parse(data);
      this.parts = [];
      if (!this.message.parts) this.finish();
      return;
    }
    this.parts.push(data);
    if (this.message && this.parts.length === this.message.parts) this.finish();
  }

  finish() {
    const { message, parts } = this;
    const asked = this.inFlight;
    this.message = null;
    this.inFlight = null;
    this.answered(message, parts.length ? new Blob(parts, { type: "image/png" }) : null, asked, Boolean(this.next));
    this.send();
  }

  closed(code) {
    if (code === 4401) {
      toLogin(false);
      return;
    }
    if (code === 4403 || code === 4404) {
      this.changed("ended", code);
      return;
    }
    this.changed("closed");
    setTimeout(() => this.open(), this.wait * (0.5 + Math.random()));
    this.wait = Math.min(LONGEST_WAIT_MS, this.wait * 2);
  }
}
