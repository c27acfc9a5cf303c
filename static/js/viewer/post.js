// Tells the server something: JSON with the token of the page.

import { background } from '../session.js';

/** @returns {Promise<Response | null>} null: offline, or the session ended */
export function write(address, method, data) {
  const token = document.getElementById('viewer').dataset.token;
  const headers = { 'Content-Type': 'application/json', 'X-CSRFToken': token };
  return background(address, { method, headers, body: data ? JSON.stringify(data) : undefined, keepalive: true });
}
