// Pictures that were received, kept while there is room: the least recently used go first.

export class Bitmaps {
  #kept = new Map();
  #held = new Map(); // picture -> how many viewports show it
  #bytes = 0;

  constructor(limit = 192 * 1024 * 1024) {
    this.limit = limit;
  }

  get bytes() {
    return this.#bytes;
  }

  get(key) {
    const picture = this.#kept.get(key);
    if (picture) {
      this.#kept.delete(key);
      this.#kept.set(key, picture);
    }
    return picture;
  }

  has(key) {
    return this.#kept.has(key);
  }

  /** A viewport shows the picture: it is not closed until none does. */
  hold(picture) {
    this.#held.set(picture, (this.#held.get(picture) ?? 0) + 1);
  }

  release(picture) {
    const left = (this.#held.get(picture) ?? 0) - 1;
    if (left > 0) this.#held.set(picture, left);
    else this.#held.delete(picture);
  }

  /** Keeps a picture ({bitmap, header}); what must go is closed, except pictures that are shown. */
  put(key, picture) {
    if (this.#kept.get(key) === picture) return;
    this.#drop(key);
    this.#kept.set(key, picture);
    this.#bytes += size(picture);
    for (const old of this.#kept.keys()) {
      if (this.#bytes <= this.limit || old === key) break;
      this.#drop(old);
    }
  }

  #drop(key) {
    const picture = this.#kept.get(key);
    if (!picture) return;
    this.#kept.delete(key);
    this.#bytes -= size(picture);
    if (!this.#held.has(picture)) picture.bitmap.close();
  }
}

function size(picture) {
  return picture.bitmap.width * picture.bitmap.height * 4;
}

/** What makes two pictures the same picture. */
export function pictureKey(ask) {
  const { voi } = ask;
  let window = 'own';
  if (voi?.auto) window = 'auto';
  else if (voi) window = `${voi.center}/${voi.width}/${voi.function ?? ''}`;
  return `${ask.instance}:${ask.frame}:${ask.presentation}:${window}:${ask.invert ? 1 : 0}:${ask.size[0]}x${ask.size[1]}:${ask.quality}`;
}
