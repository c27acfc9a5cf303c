// The worklist of a day: filters apply at once, rows follow what happens at the modalities.
import { bind } from "./keys.js";
import { watch } from "./live.js";
import { background } from "./session.js";

const form = document.getElementById("filters");
const place = document.getElementById("rows");
const words = document.getElementById("live-words");
const TYPING_MS = 120;
let reading = false;
let again = false;

function address() {
  const told = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (value) told.set(name, value);
  return told;
}

async function read() {
  if (reading) {
    again = true;
    return;
  }
  reading = true;
  const told = address();
  told.set("part", "1");
  const answer = await background(`${location.pathname}?${told}`);
  if (answer?.ok) show(await answer.text());
  reading = false;
  if (again) {
    again = false;
    read();
  }
}

function show(html) {
  const focus = document.activeElement?.closest?.("a[href]")?.getAttribute("href");
  const held = place.contains(document.activeElement);
  const top = place.scrollTop;
  const fresh = document.createElement("template");
  fresh.innerHTML = html;
  place.replaceChildren(fresh.content);
  place.scrollTop = top;
  if (held && focus) place.querySelector(`a[href="${CSS.escape(focus)}"]`)?.focus({ preventScroll: true });
  const counts = document.getElementById("counts").dataset;
  for (const count of document.querySelectorAll("[data-count]")) count.textContent = counts[count.dataset.count];
  words.textContent = `${words.dataset.words} ${new Date().toTimeString().slice(0, 8)}`;
}

function apply() {
  const told = address().toString();
  history.replaceState(null, "", location.pathname + (told ? `?${told}` : ""));
  read();
}

let typing = 0;
form.addEventListener("input", (event) => {
  if (event.target.id !== "q") return;
  clearTimeout(typing);
  typing = setTimeout(apply, TYPING_MS);
});
form.addEventListener("change", (event) => {
  const chip = event.target;
  if (chip.id === "day") {
    if (chip.value) form.submit(); // another day has other chips
    return;
  }
  if (!chip.matches(".applies")) return;
  // One of each kind: choosing another lets the first go.
  if (chip.matches(".alone") && chip.checked) {
    for (const other of form.querySelectorAll(`[name="${chip.name}"]`)) if (other !== chip) other.checked = false;
  }
  apply();
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  apply();
});

watch("worklist", () => read());
bind("/", () => {
  document.getElementById("q").focus();
  return true;
});
for (const [key, id] of [["n", "act-new"], ["[", "earlier"], ["]", "later"]]) {
  bind(key, () => {
    const link = document.getElementById(id);
    link?.click();
    return Boolean(link);
  });
}
