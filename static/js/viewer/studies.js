// The studies on the page: the one it was opened for, and priors beside it. Each has a socket of its own, because
// each is its own question of who may see it.

import { Frames } from './frames.js';
import { Stack } from './stack.js';

export class Studies {
  /** @type {Map<string, Stack>} */
  stacks = new Map();
  #calls;

  /** @param {object} calls of each `Frames` */
  constructor(calls) {
    this.#calls = calls;
  }

  /** @param {object} record as the page, or the address of a prior, carries it */
  add(record) {
    const { stacks, ...study } = record;
    study.frames = new Frames(socketAddress(study.socket), {
      ...this.#calls,
      state: (state, code) => this.#calls.state(study, state, code),
    });
    for (const one of stacks) this.stacks.set(one.key, Object.assign(new Stack(one), { study }));
    return study;
  }
}

function socketAddress(path) {
  const address = new URL(path, location.href);
  address.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
  return address;
}
