// What a rule would have done with past studies: asked with the form as it stands, without saving it.
const place = document.getElementById("preview");
const form = place.closest("form");

form.addEventListener("submit", async (event) => {
  if (event.submitter?.id !== "preview-button") return;
  event.preventDefault();
  place.setAttribute("aria-busy", "true");
  const answer = await fetch(event.submitter.formAction, { method: "POST", body: new FormData(form) });
  if (answer.ok && !answer.redirected) place.innerHTML = await answer.text();
  place.removeAttribute("aria-busy");
});
