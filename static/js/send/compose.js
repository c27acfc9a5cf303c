// What to send and where to: each node that is ticked is asked what it would take, before anything is sent.
import { bind } from "../keys.js";
import { watch } from "../live.js";
import { background } from "../session.js";

const ASK_AGAIN_MS = 400;
const LOOK_MS = 2000;
const form = document.getElementById("send");
const plans = document.getElementById("plans");
const button = document.getElementById("send-now");
const words = document.getElementById("send-words");
const nodes = () => [...form.querySelectorAll("[name=node]:checked")];
const series = () => [...form.querySelectorAll("[name=series]")];
const block = (node) => plans.querySelector(`[data-node="${node}"]`);
let later = 0;

function put(html) {
  const fresh = document.createElement("template");
  fresh.innerHTML = html;
  const plan = fresh.content.querySelector("[data-plan]");
  if (!plan || !nodes().some((node) => node.value === plan.dataset.node)) return;
  const old = block(plan.dataset.node);
  if (old && Number(old.dataset.plan) > Number(plan.dataset.plan)) return; // an answer to an older question
  if (old) old.replaceWith(plan);
  else plans.append(plan);
  tell();
}

/** Ask a node what it would take of what is ticked now. */
async function ask(node) {
  const body = new FormData(form);
  body.set("node", node);
  const answer = await background(form.dataset.plan, { method: "POST", body });
  if (answer?.ok) put(await answer.text());
}

async function read(plan) {
  const answer = await background(plan.dataset.address);
  if (answer?.ok) put(await answer.text());
}

function images() {
  const chosen = series();
  if (!chosen.length) return Number(button.dataset.images);
  return chosen.filter((one) => one.checked).reduce((sum, one) => sum + Number(one.dataset.images), 0);
}

/** The button says how many images go. */
function tell() {
  const where = nodes();
  const count = images();
  const goes = where.reduce((sum, node) => sum + Number(block(node.value)?.dataset.goes ?? count), 0);
  words.textContent = !where.length || !count
    ? button.dataset.none
    : goes === 1 ? button.dataset.one : button.dataset.many.replace("%s", goes.toLocaleString("en"));
  const why = !count ? button.dataset.what : where.length ? "" : button.dataset.choose;
  button.disabled = Boolean(why);
  document.getElementById("send-why").textContent = why;
  document.getElementById("would-none").hidden = where.length > 0;
}

form.addEventListener("change", (event) => {
  if (event.target.name === "node") {
    event.target.closest(".destination").classList.toggle("on", event.target.checked);
    if (event.target.checked) ask(event.target.value);
    else block(event.target.value)?.remove();
  }
  if (event.target.name === "series") {
    clearTimeout(later);
    for (const node of nodes()) block(node.value)?.removeAttribute("data-goes");
    later = setTimeout(() => images() && nodes().forEach((node) => ask(node.value)), ASK_AGAIN_MS);
  }
  tell();
});

plans.addEventListener("click", (event) => {
  if (event.target.closest("[data-again]")) ask(event.target.closest("[data-node]").dataset.node);
});

document.getElementById("where")?.addEventListener("input", (event) => {
  const wanted = event.target.value.trim().toLowerCase();
  for (const one of form.querySelectorAll(".destination")) {
    one.hidden = !one.querySelector("input").checked && !one.textContent.toLowerCase().includes(wanted);
  }
});

function open() {
  return [...plans.querySelectorAll("[data-state=waiting]")];
}
watch("transfer-plan", (keys) => {
  for (const plan of open()) if (keys === null || keys.has(plan.dataset.plan)) read(plan);
});
setInterval(() => open().forEach(read), LOOK_MS); // should the live socket be away

bind("Escape", () => {
  document.getElementById("back").click();
  return true;
});
// The browser keeps ticks when one comes back to a page.
for (const node of nodes()) {
  node.closest(".destination").classList.add("on");
  ask(node.value);
}
tell();
(form.querySelector("[name=node]") ?? button).focus();
