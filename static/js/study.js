// The study page: keys, pictures that cannot be shown, growth while images arrive.
import { bind } from "./keys.js";
import { watch } from "./live.js";
import { background } from "./session.js";

const page = document.getElementById("study");
const REFRESH_MS = 1000;

function follow(id) {
  const link = document.getElementById(id);
  if (!link) return false;
  link.click();
  return true;
}

bind("v", () => follow("act-view"));
bind("p", () => follow("act-print"));
bind("s", () => follow("act-send"));

/** Back to the list as it was: with its search, its page, its row. */
function back() {
  const from = document.referrer && new URL(document.referrer);
  const home = document.getElementById("back");
  if (from && from.origin === location.origin && from.pathname === new URL(home.href).pathname) history.back();
  else location.assign(home.href);
  return true;
}
bind("Escape", back);
document.getElementById("back").addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  back();
});

for (const [key, step] of [["ArrowRight", 1], ["ArrowLeft", -1]]) {
  bind(key, () => {
    const tiles = [...page.querySelectorAll("a.tile")];
    const at = tiles.indexOf(document.activeElement);
    tiles[Math.min(tiles.length - 1, Math.max(0, at + step))]?.focus();
    return tiles.length > 0;
  });
}

/** A picture that cannot be made gives its place to words. */
function failed(image) {
  image.hidden = true;
  image.parentElement.querySelector(".no-picture").hidden = false;
}

function guard(root) {
  for (const image of root.querySelectorAll(".shot img")) {
    if (image.complete && image.naturalWidth === 0 && image.currentSrc) failed(image);
    image.addEventListener("error", () => failed(image));
  }
}

let busy = false;
let again = false;

/** Read the page again and put its parts in place; the reader's place and focus stay. */
async function refresh() {
  if (busy) {
    again = true;
    return;
  }
  busy = true;
  const answer = await background(location.href);
  if (answer?.ok) swap(new DOMParser().parseFromString(await answer.text(), "text/html"));
  setTimeout(() => {
    busy = false;
    if (again) {
      again = false;
      refresh();
    }
  }, REFRESH_MS);
}

function swap(fresh) {
  const focused = document.activeElement?.id;
  for (const part of [".series", ".side"]) {
    const old = page.querySelector(part);
    const next = fresh.querySelector(part);
    if (!next || old.innerHTML === next.innerHTML) continue;
    const failing = new Set([...old.querySelectorAll(".shot img[hidden]")].map((image) => image.src));
    const top = old.scrollTop;
    old.replaceChildren(...next.childNodes);
    for (const image of old.querySelectorAll(".shot img")) if (failing.has(image.src)) failed(image);
    guard(old);
    old.scrollTop = top;
  }
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

guard(page);
watch("study", (keys) => {
  if (keys === null || keys.has(page.dataset.study)) refresh();
});
