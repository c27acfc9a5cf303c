// Showing the password is the reader's choice, not the page's.
const reveal = document.getElementById("reveal");
const password = document.getElementById("id_password");

reveal.hidden = false;
reveal.addEventListener("click", () => {
  const shown = password.type === "password";
  password.type = shown ? "text" : "password";
  reveal.setAttribute("aria-pressed", String(shown));
  password.focus();
});
