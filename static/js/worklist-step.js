// The form of a step: the Latin name follows the hanzi until somebody types another.
import { bind, typing } from "./keys.js";
import { background } from "./session.js";

const form = document.getElementById("step-form");
const TYPING_MS = 200;

if (form) {
  const name = form.elements.name;
  const latin = form.elements.latin_name;
  let own = latin.value !== "";
  let waiting = 0;
  let asked = 0;

  latin.addEventListener("input", () => (own = latin.value !== ""));
  name.addEventListener("input", () => {
    clearTimeout(waiting);
    if (!own) waiting = setTimeout(propose, TYPING_MS);
  });

  async function propose() {
    const number = (asked += 1);
    const answer = await background(`${form.dataset.latin}?${new URLSearchParams({ name: name.value })}`);
    if (!answer?.ok || own || number !== asked) return;
    latin.value = (await answer.json()).latin;
  }
  form.querySelector(".wrong")?.focus();
}

// From a field, Esc leaves the field: what was typed is not lost to one key.
bind("Escape", () => {
  if (typing()) {
    document.activeElement.blur();
    return true;
  }
  document.getElementById("back").click();
  return true;
});
