// The study list: focus, selection, search as you type, rows that arrive.
import { bind, typing } from "./keys.js";
import { background } from "./session.js";
import { watch } from "./live.js";

const COALESCE_MS = 400;
const HAND_MS = 10000;
const filters = document.getElementById("filters");
const search = document.getElementById("q");
const results = () => document.getElementById("results");
const rows = () => [...document.querySelectorAll(".studies tbody tr")];
const selected = () => rows().filter((row) => row.getAttribute("aria-selected") === "true");

/* --- where we are --- */
let anchor = null; // where extending with Shift began

function here() {
  return document.querySelector(".studies tbody tr[tabindex='0']");
}

function go(row, { focus = true } = {}) {
  if (!row) return;
  for (const other of rows()) other.tabIndex = other === row ? 0 : -1;
  if (focus) row.focus();
}

function step(by, extend) {
  const all = rows();
  if (!all.length) return false;
  const now = here();
  // The first arrow after typing lands on the first row instead of leaving it.
  const inside = document.activeElement?.closest(".studies tbody tr");
  const next = inside ? all[Math.min(all.length - 1, Math.max(0, all.indexOf(now) + by))] : now ?? all[0];
  go(next);
  if (extend) select(range(anchor ?? now, next), true);
  else anchor = next;
  return true;
}

function range(from, to) {
  const all = rows();
  const [low, high] = [all.indexOf(from), all.indexOf(to)].sort((a, b) => a - b);
  return all.slice(low, high + 1);
}

/* --- selection --- */
function select(which, on) {
  for (const row of which) {
    row.setAttribute("aria-selected", String(on));
    row.querySelector(".tick").checked = on;
  }
  tellSelection();
}

function words(element, count) {
  element.textContent = count === 1 ? element.dataset.one : element.dataset.many.replace("%s", count.toLocaleString("en"));
}

function offer(id, address) {
  const link = document.getElementById(id);
  if (!link) return;
  if (address) {
    link.href = address;
    link.removeAttribute("aria-disabled");
    link.removeAttribute("title");
  } else {
    link.removeAttribute("href");
    link.setAttribute("aria-disabled", "true");
    link.title = link.dataset.why;
  }
}

function tellSelection() {
  const chosen = selected();
  const foot = document.getElementById("selection");
  foot.hidden = chosen.length === 0;
  document.getElementById("teach").hidden = chosen.length > 0;
  const all = document.getElementById("pick-all");
  if (all) {
    all.checked = chosen.length > 0 && chosen.length === rows().length;
    all.indeterminate = chosen.length > 0 && !all.checked;
  }
  if (!chosen.length) return;
  words(document.getElementById("selected-words"), chosen.length);
  words(
    document.getElementById("selected-images"),
    chosen.reduce((sum, row) => sum + Number(row.dataset.images), 0),
  );
  const only = chosen.length === 1 ? chosen[0] : null;
  offer("act-view", only?.dataset.view);
  offer("act-print", only?.dataset.print);
  offer("act-send", sending(chosen));
}

/** Where these studies are sent from. */
function sending(chosen) {
  const address = document.getElementById("act-send")?.dataset.address;
  return address && `${address}?${chosen.map((row) => `study=${row.id.slice("study-".length)}`).join("&")}`;
}

function send() {
  const chosen = selected().length ? selected() : [here()].filter(Boolean);
  const address = chosen.length && sending(chosen);
  if (address) location.assign(address);
  return Boolean(address);
}

function clear() {
  if (!selected().length) return false;
  select(selected(), false);
  return true;
}

/* --- pointer --- */
document.addEventListener("click", (event) => {
  if (event.target.closest("#act-clear")) clear();
  if (event.target.closest("#arrived")) reload();
  const row = event.target.closest(".studies tbody tr");
  if (!row || event.target.closest("a")) return;
  const pick = event.target.closest(".pick");
  if (pick && !event.target.matches(".tick")) return; // the label presses its tick box itself
  go(row);
  if (pick) {
    const on = event.target.checked;
    select(event.shiftKey && anchor ? range(anchor, row) : [row], on);
  } else if (event.shiftKey) {
    select(range(anchor ?? row, row), true);
    return;
  }
  anchor = row;
});

document.addEventListener("dblclick", (event) => {
  const row = event.target.closest(".studies tbody tr");
  if (row && !event.target.closest(".pick")) open(row);
});

document.addEventListener("change", (event) => {
  if (event.target.id === "pick-all") select(rows(), event.target.checked);
});

/* --- keys --- */
document.addEventListener("click", (event) => {
  const row = event.target.closest("a.open")?.closest("tr");
  if (row) sessionStorage.setItem("study", row.id); // where to stand after coming back
});

/** Stand where the reader left the list. */
function comeBack() {
  const row = document.getElementById(sessionStorage.getItem("study") ?? "");
  sessionStorage.removeItem("study");
  if (row?.matches(".studies tbody tr") && document.activeElement === document.body) go(row);
}

function open(row) {
  row?.querySelector("a.open").click();
}

function act(name) {
  const chosen = selected();
  const row = chosen.length ? (chosen.length === 1 ? chosen[0] : null) : here();
  const address = row?.dataset[name];
  if (address) location.assign(address);
  return Boolean(address);
}

bind("ArrowDown", (event) => step(1, event.shiftKey));
bind("ArrowUp", (event) => step(-1, event.shiftKey));
bind("Home", () => (go(rows()[0]), true));
bind("End", () => (go(rows().at(-1)), true));
bind(" ", () => {
  const row = document.activeElement?.closest(".studies tbody tr");
  if (!row) return false;
  select([row], row.getAttribute("aria-selected") !== "true");
  anchor = row;
  return true;
});
bind("Enter", (event) => {
  if (!event.target.matches?.(".studies tbody tr")) return false;
  open(event.target);
  return true;
});
bind("v", () => act("view"));
bind("p", () => act("print"));
bind("s", send);
bind("r", () => reload());
bind("/", () => (search.focus(), search.select(), true));
bind("Escape", () => {
  if (typing() && document.activeElement === search && search.value) return clearSearch();
  if (clear()) return true;
  document.activeElement?.blur();
  return true;
});

// Typing anywhere puts letters in the search; letters with a meaning of their own keep it while a row has the focus.
document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  if (document.querySelector("dialog[open], [popover]:popover-open")) return;
  if (/^[\p{L}\p{N}]$/u.test(event.key)) search.focus();
});
search.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown" && !event.isComposing) {
    event.preventDefault();
    step(1, false);
  }
});

/* --- filters --- */
function apply() {
  filters.requestSubmit();
}

function clearSearch() {
  search.value = "";
  search.focus();
  apply();
  tellSearch();
  return true;
}

function tellSearch() {
  document.getElementById("clear-q").hidden = search.value === "";
}

document.getElementById("clear-q").addEventListener("click", clearSearch);
search.addEventListener("input", tellSearch);

// State is one or none: pressing the second lets go of the first.
for (const box of filters.querySelectorAll(".alone")) {
  box.addEventListener("change", () => {
    if (!box.checked) return;
    for (const other of filters.querySelectorAll(".alone")) if (other !== box) other.checked = false;
  });
}

const rangeChip = document.getElementById("range");
const dates = document.getElementById("dates");
const more = document.getElementById("more");
rangeChip.addEventListener("click", () => dates.showPopover());

function place(pane, chip) {
  pane.addEventListener("toggle", (event) => {
    if (event.newState !== "open") return;
    const box = chip.getBoundingClientRect();
    pane.style.setProperty("left", `${Math.min(box.left, innerWidth - pane.offsetWidth - 8)}px`);
    pane.style.setProperty("top", `${box.bottom + 8}px`);
    pane.querySelector("input")?.focus();
  });
}
place(dates, rangeChip.closest(".chip"));
place(more, document.getElementById("more-chip"));

/* --- results that came --- */
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target.id === "results" || event.target.id === "results") settled();
});

function settled() {
  anchor = null;
  tellSelection();
  tellTime();
}

function tellTime() {
  const now = new Date();
  const line = document.getElementById("live-words");
  line.textContent = `${line.dataset.words} ${now.toTimeString().slice(0, 8)}`;
}

/* --- rows that arrive --- */
let timer = null;
let reading = false;
let unread = false;

/** The list as it is now; null when there is none to be had, or a search has put another here meanwhile. */
async function read() {
  const asked = results().dataset.address;
  const answer = await background(location.pathname + asked, { headers: { "HX-Request": "true" } });
  const text = answer?.ok ? await answer.text() : null;
  if (text === null || asked !== results().dataset.address) return null;
  return new DOMParser().parseFromString(`<body>${text}</body>`, "text/html").getElementById("results");
}

/** Read the list anew, without moving a row under a pointer. */
async function refresh() {
  if (reading) {
    unread = true;
    return;
  }
  reading = true;
  const fresh = await read();
  if (fresh) receive(fresh);
  reading = false;
  if (unread) {
    unread = false;
    later();
  }
}

function later() {
  timer ??= setTimeout(() => {
    timer = null;
    refresh();
  }, COALESCE_MS);
}

let pointed = 0; // when the pointer last moved over a row

document.addEventListener("pointermove", (event) => {
  if (event.target.closest?.(".studies tbody")) pointed = Date.now();
});

/** True while rows may move: the list at its top, nothing chosen, no hand on it. */
function atRest() {
  const table = document.querySelector(".studies");
  if (Date.now() - pointed < HAND_MS && document.querySelector(".studies tbody:hover")) return false;
  return !selected().length && (table?.scrollTop ?? 0) === 0 && !document.activeElement?.closest(".studies tbody");
}

function receive(fresh) {
  const known = new Map(rows().map((row) => [row.id, row]));
  const next = [...fresh.querySelectorAll(".studies tbody tr")];
  const strangers = next.filter((row) => !known.has(row.id));
  const moved = strangers.length > 0 || next.length !== known.size;
  if (moved && atRest()) {
    show(fresh);
    return;
  }
  for (const row of next) update(known.get(row.id), row);
  const arrived = Number(fresh.dataset.total) - Number(results().dataset.total);
  if (strangers.length && fresh.dataset.page === "1") tellArrived(Math.max(arrived, 1));
  tellTime();
}

/** Put fresh cells into a row that is there; the tick box stays as the reader left it. */
function update(old, fresh) {
  if (!old) return;
  old.classList.toggle("arriving", fresh.classList.contains("arriving"));
  old.dataset.images = fresh.dataset.images;
  [...fresh.cells].forEach((cell, index) => {
    if (index > 0 && old.cells[index].innerHTML !== cell.innerHTML) {
      old.cells[index].innerHTML = cell.innerHTML;
    }
  });
  const link = old.querySelector("a.open");
  if (link) link.tabIndex = -1;
}

function tellArrived(count) {
  words(document.getElementById("arrived-words"), count);
  document.getElementById("arrived").hidden = false;
}

function show(fresh) {
  results().replaceWith(fresh);
  htmx.process(fresh);
  settled();
}

/** Show what arrived: the first page, from the top. */
async function reload() {
  const fresh = await read();
  if (fresh) show(fresh);
  return Boolean(fresh);
}

watch("study", (keys) => {
  if (!document.hidden) later();
  else unread = true;
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && unread) {
    unread = false;
    later();
  }
});
// "Receiving" ends by itself, without an event.
setInterval(() => document.querySelector("tr.arriving") && later(), 15000);
tellSelection();
comeBack();
