// A part of a page that is read again whenever the outbox tells of what it shows.
import { background } from "./session.js";

/**
 * Returns a function that reads `place` again from the address in its `data-part`. Neither the scroll
 * position nor the focus is taken away; a `.job-story` that was read to its end stays at its end.
 */
export function reader(place) {
  let reading = false;
  let again = false;

  async function read() {
    if (reading) {
      again = true;
      return;
    }
    reading = true;
    const answer = await background(place.dataset.part);
    if (answer?.ok) show(place, await answer.text());
    reading = false;
    if (again) {
      again = false;
      read();
    }
  }
  return read;
}

function show(place, html) {
  const fresh = document.createElement("template");
  fresh.innerHTML = html;
  const scrolled = [place, ...place.querySelectorAll(".scroll")].map((one) => one.scrollTop);
  const story = place.querySelector(".job-story");
  const atEnd = story && story.scrollTop > 0 && story.scrollHeight - story.scrollTop - story.clientHeight < 8;
  const focus = path(place, document.activeElement);
  place.replaceChildren(fresh.content);
  [place, ...place.querySelectorAll(".scroll")].forEach((one, index) => (one.scrollTop = scrolled[index] ?? 0));
  if (atEnd) place.querySelector(".job-story").scrollTop = place.querySelector(".job-story").scrollHeight;
  if (focus) place.querySelector(focus)?.focus({ preventScroll: true });
}

function path(place, element) {
  if (!element || !place.contains(element) || element === place) return "";
  if (element.matches("a[href]")) return `a[href="${CSS.escape(element.getAttribute("href"))}"]`;
  if (element.matches("button")) {
    const form = element.closest("form");
    return form ? `form[action="${form.getAttribute("action")}"] button[value="${element.value}"]` : "";
  }
  return `.${element.classList[0]}`;
}
