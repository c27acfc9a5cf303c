// The page of one association: followed while it runs, and copied as text for a vendor.
const LOOK_MS = 5000;

function prepare() {
  const button = document.getElementById("copy");
  if (navigator.clipboard) button.hidden = false;
  if (document.getElementById("diary").dataset.running) setTimeout(look, LOOK_MS);
}

/** Read the page again. What somebody is about to press stays where the keyboard is. */
async function look() {
  const focused = document.activeElement?.id;
  try {
    const answer = await fetch(location.href);
    if (answer.ok && !answer.redirected) {
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("diary");
      if (fresh) document.getElementById("diary").replaceWith(fresh);
    }
  } catch {
    // The site is away for a moment: look again.
  }
  prepare();
  if (focused) document.getElementById(focused)?.focus();
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("#copy");
  if (!button) return;
  await navigator.clipboard.writeText(document.getElementById("text").textContent);
  button.querySelector("span").textContent = button.dataset.done;
});

prepare();
