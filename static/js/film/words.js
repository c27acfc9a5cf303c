// What the page says, in the reader's language.
const page = JSON.parse(document.getElementById("film-page").textContent);

export const facts = page;

/** The words of this name, with {names} filled in. */
export function word(name, values = {}) {
  return (page.words[name] ?? name).replace(/\{(\w+)\}/g, (_, key) => String(values[key] ?? ""));
}

/** An icon of the sprite the page already uses. */
export function icon(name, size = "small") {
  const sprite = document.querySelector(".icon use").getAttribute("href").split("#")[0];
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", `icon ${size}`);
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `${sprite}#i-${name}`);
  svg.append(use);
  return svg;
}
