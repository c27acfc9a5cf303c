// How long something takes that others queue for: the shortest time of late. Longer ones waited their turn, and who
// puts more into a queue because it is long makes it longer.

const MEMORY_MS = 12000; // ways change: what is older says nothing of today's

export class Shortest {
  #seen = []; // {at, value}, each longer than the one before it

  add(value) {
    const now = performance.now();
    this.#seen = this.#seen.filter((old) => now - old.at < MEMORY_MS && old.value < value);
    this.#seen.push({ at: now, value });
  }

  /** Milliseconds; 0 before anything was seen. */
  get value() {
    return this.#seen[0]?.value ?? 0;
  }
}
