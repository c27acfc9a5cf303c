// Pages of reports, waveforms, documents and attributes: keys, and a video that cannot be played.
import { bind } from "./keys.js";

function follow(id) {
  const link = document.getElementById(id);
  if (!link) return false;
  link.click();
  return true;
}

bind("a", () => follow("act-attributes"));
bind("ArrowLeft", () => follow("before"));
bind("ArrowRight", () => follow("after"));
bind("Escape", () => {
  const search = document.getElementById("q");
  if (search && document.activeElement === search && search.value) {
    search.value = "";
    search.dispatchEvent(new Event("input", { bubbles: true }));
    return true;
  }
  return follow("back");
});
bind("/", () => {
  document.getElementById("q")?.focus();
  return document.getElementById("q") !== null;
});

/** A video the browser cannot play gives its place to words. */
const video = document.getElementById("video");
function refused() {
  video.hidden = true;
  document.getElementById("video-refused").hidden = false;
}
if (video?.error) refused();
video?.addEventListener("error", refused);
