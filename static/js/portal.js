// What every page of the portal does: menus, keys dialog, clock, status line, idle lock.
import { bind } from "./keys.js";
import { background, sessionWatch } from "./session.js";
import { onConnection } from "./live.js";

const STATUS_MS = 15000;

for (const opener of document.querySelectorAll("[data-open]")) {
  opener.addEventListener("click", () => document.getElementById(opener.dataset.open)?.showModal());
}
for (const closer of document.querySelectorAll("[data-close]")) {
  closer.addEventListener("click", () => closer.closest("dialog").close());
}
for (const dialog of document.querySelectorAll("dialog")) {
  // A press on the veil closes; a press inside hits a child.
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
}

bind("?", () => document.getElementById("keys")?.showModal());

const clock = document.getElementById("clock");
const facts = document.getElementById("status-facts");

function tick() {
  const now = new Date();
  const two = (number) => String(number).padStart(2, "0");
  clock.textContent =
    `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())} ${two(now.getHours())}:${two(now.getMinutes())}`;
}

async function refreshStatus() {
  if (document.hidden) return;
  const answer = await background(facts.dataset.refresh);
  if (answer?.ok) facts.innerHTML = await answer.text();
}

if (clock) setInterval(tick, 10000);
if (facts) setInterval(refreshStatus, STATUS_MS);

const offline = document.getElementById("offline");
if (offline) onConnection((there) => (offline.hidden = there));

sessionWatch();
