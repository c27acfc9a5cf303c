// The connection test of a node or printer: starts it without leaving the page, then shows each line as
// its answer comes. The live socket says that something changed; a slow look now and then stands in for it.
import { watch } from "../live.js";

const LOOK_MS = 1000;
const place = document.getElementById("probe");
const form = place.closest("form");
let reading = false;
let again = false;
let looking = 0;

document.body.dataset.live = place.dataset.live;
document.body.dataset.login = place.dataset.login;

form.addEventListener("submit", (event) => {
  if (event.submitter?.id !== "probe-button") return;
  event.preventDefault();
  if (event.submitter.getAttribute("aria-disabled") === "true") return;
  unsaid();
  const token = form.querySelector("[name=csrfmiddlewaretoken]").value;
  fetch(event.submitter.formAction, { method: "POST", headers: { "X-CSRFToken": token } })
    .then((response) => (response.ok && !response.redirected ? show(response) : failed()), failed);
});

/** The test was not started: say so where its result would stand. */
function failed() {
  const said = place.querySelector(".summary .state");
  said.className = "state failed";
  said.textContent = place.dataset.failed;
  later();
}

/** A new try: what the last one said of itself does not hold any longer. */
function unsaid() {
  const said = place.querySelector(".summary .state");
  if (said.textContent !== place.dataset.failed) return;
  said.className = "state wait";
  said.textContent = "";
}

/** Read the panel; once more afterwards when something changed meanwhile. */
function read() {
  if (reading) {
    again = true;
    return;
  }
  reading = true;
  fetch(place.dataset.panel)
    .then(show, later)
    .finally(() => {
      reading = false;
      if (again) {
        again = false;
        read();
      }
    });
}

async function show(response) {
  if (!response.ok || response.redirected) {
    later();
    return;
  }
  const focused = document.activeElement?.id === "probe-button";
  place.innerHTML = await response.text();
  if (focused) document.getElementById("probe-button").focus();
  later();
}

function later() {
  clearTimeout(looking);
  if (place.querySelector("[data-running='1']")) looking = setTimeout(read, LOOK_MS);
}

watch("probe", read);
later();
