// Printer, film size, medium, orientation, copies, colour.
import { facts } from "./words.js";

const by = (id) => document.getElementById(id);

export class Order {
  constructor(wish) {
    this.wish = wish;
    this.select = by("printer");
    const known = facts.printers.some((printer) => printer.id === wish.printer);
    if (!known) wish.printer = facts.printers[0]?.id ?? null;
    if (this.select) {
      this.select.value = String(wish.printer);
      this.select.addEventListener("change", () => {
        wish.printer = Number(this.select.value);
        this.fit();
        wish.tell();
      });
    }
    by("size").addEventListener("change", (event) => wish.set("film_size", event.target.value));
    by("medium").addEventListener("change", (event) => wish.set("medium", event.target.value));
    for (const radio of document.getElementsByName("orientation")) {
      radio.addEventListener("change", () => wish.set("orientation", radio.value));
    }
    for (const radio of document.getElementsByName("colour")) {
      radio.addEventListener("change", () => wish.set("colour", radio.value === "1"));
    }
    by("fewer").addEventListener("click", () => this.setCopies(wish.copies - 1));
    by("more").addEventListener("click", () => this.setCopies(wish.copies + 1));
    by("copies").addEventListener("change", (event) => this.setCopies(Number.parseInt(event.target.value, 10) || 1));
    this.fit();
  }

  get printer() {
    return facts.printers.find((one) => one.id === this.wish.printer) ?? null;
  }

  setCopies(count) {
    const most = this.printer?.most_copies ?? 9;
    this.wish.set("copies", Math.max(1, Math.min(most, count)));
    this.write();
  }

  /** Keep of the order what this printer can do. */
  fit() {
    const { printer, wish } = this;
    const sizes = printer?.sizes ?? [];
    const media = printer?.media ?? [];
    options(by("size"), sizes);
    options(by("medium"), media);
    // The largest film first: most of what is printed here is.
    if (!sizes.some(([value]) => value === wish.film_size)) wish.film_size = (sizes.find(([value]) => value === "14INX17IN") ?? sizes[0])?.[0] ?? "";
    if (!media.some(([value]) => value === wish.medium)) wish.medium = media[0]?.[0] ?? "";
    if (!printer?.colour) wish.colour = false;
    else if (!printer.greyscale) wish.colour = true;
    wish.copies = Math.min(wish.copies, printer?.most_copies ?? 9);
    this.write();
  }

  write() {
    const { printer, wish } = this;
    by("size").value = wish.film_size;
    by("size").disabled = !printer;
    by("medium").value = wish.medium;
    by("medium").disabled = !printer?.media.length;
    by("copies").value = wish.copies;
    by("fewer").disabled = wish.copies <= 1;
    by("more").disabled = wish.copies >= (printer?.most_copies ?? 9);
    by("colour-choice").hidden = !printer?.colour;
    for (const radio of document.getElementsByName("orientation")) radio.checked = radio.value === wish.orientation;
    for (const radio of document.getElementsByName("colour")) {
      radio.checked = (radio.value === "1") === wish.colour;
      radio.disabled = radio.value === "" && !printer?.greyscale;
    }
    if (!printer) return;
    by("printer-about").textContent = printer.description;
    by("printer-state").textContent = printer.state_words;
    by("printer-state").className = `state ${printer.state}`;
  }
}

function options(select, list) {
  select.replaceChildren(
    ...list.map(([value, name]) => {
      const option = document.createElement("option");
      option.value = value;
      option.textContent = name;
      return option;
    }),
  );
}
