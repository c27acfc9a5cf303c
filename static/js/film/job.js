// A print job, or the list of them, as it goes: read again whenever the outbox tells of a job or printer.
import { reader } from "../follow.js";
import { bind } from "../keys.js";
import { watch } from "../live.js";

const place = document.getElementById("job") ?? document.getElementById("jobs");
const number = place.dataset.job;
const read = reader(place);

watch("job", (keys) => {
  if (!number || keys === null || keys.has(number)) read();
});
if (number) watch("printer", (keys) => keys && read());
bind("Escape", () => {
  document.querySelector(".crumbs a")?.click();
  return true;
});
