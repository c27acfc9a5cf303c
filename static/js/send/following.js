// A transfer, or the list of them, as it goes: read again whenever the outbox tells of one.
import { reader } from "../follow.js";
import { bind } from "../keys.js";
import { watch } from "../live.js";

const CALM_MS = 500; // a quick transfer tells of itself more often than people can read
const place = document.getElementById("following");
const key = place.dataset.key;
const read = reader(place);
const [first] = place.dataset.topic.split(" "); // only its keys are those of this page
let waiting = 0;

for (const topic of place.dataset.topic.split(" ")) watch(topic, (keys) => {
  if (key && topic === first && keys !== null && !keys.has(key)) return;
  if (waiting) return;
  waiting = setTimeout(() => {
    waiting = 0;
    read();
  }, keys === null ? 0 : CALM_MS);
});
bind("Escape", () => {
  document.querySelector(".crumbs a")?.click();
  return true;
});
