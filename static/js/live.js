// One socket a page that tells what changed. It reconnects by itself; pages then read everything again.
import { toLogin } from "./session.js";

const LONGEST_WAIT_MS = 10000;
const watchers = new Set();
const listeners = new Set();
let socket = null;
let wait = 500;

/**
 * Call `changed(keys)` when something of `topic` changed: a Set of keys, or null when anything may have
 * (after connecting and reconnecting). Returns a function that ends it.
 */
export function watch(topic, changed) {
  const watcher = { topic, changed };
  watchers.add(watcher);
  if (!socket) connect();
  else if (socket.readyState === WebSocket.OPEN) ask();
  return () => watchers.delete(watcher);
}

/** Call `listener(there)` when the connection comes or goes. */
export function onConnection(listener) {
  listeners.add(listener);
}

function ask() {
  const topics = [...new Set([...watchers].map((watcher) => watcher.topic))];
  socket.send(JSON.stringify({ op: "watch", topics }));
}

function connect() {
  const address = new URL(document.body.dataset.live, location.href);
  address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  socket = new WebSocket(address);
  socket.addEventListener("open", ask);
  socket.addEventListener("message", (event) => {
    const message = JSON.parse(event.data);
    if (message.watching) {
      wait = 500;
      for (const listener of listeners) listener(true);
      for (const watcher of watchers) watcher.changed(null);
    }
    if (message.events) tell(message.events);
  });
  socket.addEventListener("close", (event) => {
    if (event.code === 4401) {
      toLogin(false);
      return;
    }
    for (const listener of listeners) listener(false);
    if (event.code === 4403 || event.code === 4400) return;
    setTimeout(connect, wait * (0.5 + Math.random()));
    wait = Math.min(LONGEST_WAIT_MS, wait * 2);
  });
}

function tell(events) {
  for (const { topic, changed } of watchers) {
    const keys = new Set(events.filter(([of]) => of === topic).map(([, key]) => key));
    if (keys.size) changed(keys);
  }
}
