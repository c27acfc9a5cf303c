// The idle lock as the browser sees it, and requests that no person made.

const { session, login, idleSeconds } = document.body.dataset;
const TOUCH_MS = Math.min(60000, (Number(idleSeconds) * 1000) / 5);

/** Go to the log-in, which leads back here; it says that the screen was locked when `locked`. */
export function toLogin(locked = true) {
  const page = location.pathname + location.search;
  location.assign(`${login}?${locked ? "locked=1&" : ""}next=${encodeURIComponent(page)}`);
}

/** Fetch without counting as a person's touch. A session that ended leads to the log-in. */
export async function background(address, options = {}) {
  const headers = { "X-Background": "1", ...options.headers };
  try {
    const answer = await fetch(address, { ...options, headers, redirect: "manual", credentials: "same-origin" });
    if (answer.status === 401) toLogin();
    else if (answer.type === "opaqueredirect") toLogin(false);
    else return answer;
    return null;
  } catch {
    return null; // offline: the next round tries again
  }
}

/** Report touches now and then; when nobody touched anything for the set time, ask and lock. */
export function sessionWatch() {
  const limit = Number(idleSeconds) * 1000;
  if (!session || !limit) return;
  let touched = Date.now();
  let reported = Date.now();

  const touch = () => {
    touched = Date.now();
    if (touched - reported < TOUCH_MS) return;
    reported = touched;
    fetch(session, { credentials: "same-origin", redirect: "manual" })
      .then((answer) => answer.ok || toLogin(answer.status === 401))
      .catch(() => {});
  };
  for (const kind of ["pointerdown", "pointermove", "keydown", "wheel"]) {
    addEventListener(kind, touch, { passive: true, capture: true });
  }

  const look = async () => {
    let wait = touched + limit - Date.now();
    if (wait <= 0) {
      // Another window of this session may have been used meanwhile: the server knows.
      const answer = await background(session);
      if (!answer) wait = 5000;
      else wait = (await answer.json()).seconds * 1000;
    }
    setTimeout(look, Math.max(1000, wait + 250));
  };
  setTimeout(look, limit + 250);
}
