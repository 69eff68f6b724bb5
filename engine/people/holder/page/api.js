// What the page asks of its own origin, signed by the phone's key (docs/REGISTRY.md, Phones).

import { join, toBase64Url } from "./bytes.js";
import * as clock from "./clock.js";
import { sha256 } from "./sha256.js";

/** How long an answer may take, ms. */
const ANSWER_MAX_MS = 20_000;

/** The server said no. `name` is that of the problem, as in `number-used`. */
export class Refused extends Error {
  /** @param {number} status @param {any} body @param {number} retryMs 0 where the answer does not say */
  constructor(status, body, retryMs) {
    super(body?.detail ?? `status ${status}`);
    this.name = String(body?.type ?? "").split(/[:/#]/).pop() || `status-${status}`;
    this.status = status;
    this.body = body ?? {};
    this.retryMs = retryMs;
  }

  /** Whether the same request may succeed later. */
  get isPassing() {
    return this.status >= 500 || this.status === 429;
  }
}

/** No answer came: no network, or none that leads there. */
export class Unreached extends Error {}

/**
 * @param {string} path
 * @param {RequestInit} init
 * @returns {Promise<Response>}
 */
async function send(path, init) {
  try {
    const signal = AbortSignal.timeout(ANSWER_MAX_MS);
    return await fetch(path, { ...init, cache: "no-store", credentials: "omit", redirect: "error", signal });
  } catch (why) {
    throw new Unreached(String(why));
  }
}

/** @param {Response} response @returns {Promise<any>} */
async function json(response) {
  try {
    return await response.json();
  } catch (why) {
    // A proxy's page, or an answer that was cut off.
    if (response.ok) throw new Unreached(String(why));
    return null;
  }
}

/** @param {Response} response @param {any} body */
function refused(response, body) {
  const seconds = Number(response.headers.get("retry-after"));
  return new Refused(response.status, body, Number.isFinite(seconds) ? seconds * 1000 : 0);
}

/** A request without a signature. @param {string} path @param {unknown} [body] */
export async function plain(path, body) {
  const init = body === undefined ? {} : { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" } };
  const response = await send(path, init);
  const answer = await json(response);
  if (!response.ok) throw refused(response, answer);
  return answer;
}

/** A request whose answer is bytes. @param {string} path @param {unknown} body @returns {Promise<Uint8Array>} */
export async function bytes(path, body) {
  const response = await send(path, { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" } });
  if (!response.ok) throw refused(response, await json(response));
  try {
    return new Uint8Array(await response.arrayBuffer());
  } catch (why) {
    throw new Unreached(String(why));
  }
}

/**
 * The bytes that a phone signs.
 * @param {string} path @param {string} phone empty before activation @param {string} time @param {Uint8Array} body
 */
export const toSign = (path, phone, time, body) =>
  join("hufu/1 phone request", 0, "POST", 0, path, 0, phone, 0, time, 0, sha256(body));

/**
 * A signed request. A clock that is too far off is put right by the answer, and the request is sent once more.
 * @param {string} path
 * @param {unknown} content
 * @param {{keys: CryptoKeyPair, phone?: string}} identity
 * @returns {Promise<any>}
 */
export async function signed(path, content, identity) {
  for (let again = true; ; again = false) {
    const body = new TextEncoder().encode(JSON.stringify(content));
    const phone = identity.phone ?? "";
    const time = String(Math.round(clock.server()));
    const algorithm = { name: "ECDSA", hash: "SHA-256" };
    const signature = await crypto.subtle.sign(algorithm, identity.keys.privateKey, toSign(path, phone, time, body));
    const headers = {
      "content-type": "application/json",
      "hufu-phone": phone,
      "hufu-time": time,
      "hufu-signature": toBase64Url(new Uint8Array(signature)),
    };
    const sent = Date.now();
    const response = await send(path, { method: "POST", body, headers });
    const took = Date.now() - sent;
    const answer = await json(response);
    if (typeof answer?.now_ms === "number") clock.learn(answer.now_ms, sent, took);
    if (response.ok) return answer;
    const no = refused(response, answer);
    if (no.name === "clock" && again) continue;
    throw no;
  }
}
