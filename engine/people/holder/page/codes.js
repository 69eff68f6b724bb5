// What a phone shows, as docs/CODES.md has it: text, deterministic CBOR, the phone's own credential.

import { fromBase64Url, join, same } from "./bytes.js";
import { rootOf } from "./tree.js";

/** Seconds of a step. */
export const STEP_S = 30;
/** Steps of a credential. */
export const STEPS = 4096;

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";

/** @param {Uint8Array} bytes @returns {string} base45 (RFC 9285) */
export function base45(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 2) {
    const isPair = at + 1 < bytes.length;
    let value = isPair ? bytes[at] * 256 + bytes[at + 1] : bytes[at];
    for (let digit = isPair ? 3 : 2; digit > 0; digit--) {
      text += DIGITS[value % 45];
      value = Math.floor(value / 45);
    }
  }
  return text;
}

/**
 * The text of a code.
 * @param {Uint8Array} credential
 * @param {import("./tree.js").Presentation} [presentation]
 */
export function codeText(credential, presentation) {
  if (!presentation) return "HF1:" + base45(join(0x81, credential));
  const { step, preimage, path } = presentation;
  const shown = join(0x83, head(0, step), head(2, 16), preimage, head(2, 128), path);
  return "HF1:" + base45(join(0x82, credential, shown));
}

/** The head of a CBOR item, in its shortest form. @param {number} major @param {number} value below 2^32 */
function head(major, value) {
  const kind = major << 5;
  if (value < 24) return Uint8Array.of(kind | value);
  if (value < 256) return Uint8Array.of(kind | 24, value);
  if (value < 65536) return Uint8Array.of(kind | 25, value >> 8, value & 255);
  return Uint8Array.of(kind | 26, value >>> 24, (value >> 16) & 255, (value >> 8) & 255, value & 255);
}

/**
 * @typedef {object} Credential
 * @property {number} kind 1 phone, 2 paper, 3 trip, 4 family
 * @property {number} issued Unix seconds
 * @property {number} expires Unix seconds
 * @property {Uint8Array} kid id of the issuer's key, 8 bytes
 * @property {number} holder
 * @property {number} generation
 * @property {string} display all that a gate shows of the person
 * @property {Uint8Array} [root] of a phone's step tree, 16 bytes
 * @property {number} [origin] the step of its first presentation
 */

/**
 * Reads a credential that the issuer has signed for this phone. The signature is a verifier's matter.
 * @param {Uint8Array} bytes
 * @returns {Credential}
 * @throws {Error} when it is no credential, or not in its one encoding
 */
export function readCredential(bytes) {
  const [protectedHeader, unprotected, payload, signature] = list(read(bytes), 4);
  const kid = map(read(blob(protectedHeader))).get(4);
  if (map(unprotected).size || blob(signature).length !== 64) throw new Error("not a credential");
  const claims = map(read(blob(payload)));
  const detail = claims.get(-65537);
  if (!Array.isArray(detail)) throw new Error("not a credential");
  const [kind, holder, generation, display, root, origin] = detail;
  const credential = { kind, issued: claims.get(5), expires: claims.get(4), kid: blob(kid), holder, generation, display };
  return kind === 1 ? { ...credential, root: blob(root), origin } : credential;
}

/**
 * What a phone keeps of a credential that it asked for.
 * @param {any} answer to a renewal
 * @param {any} made what the credential was asked for: its terms, its seed and its tree
 * @throws {Error} when it is another one
 */
export function taken(answer, made) {
  const credential = fromBase64Url(answer.credential);
  const claims = readCredential(credential);
  const isOwn =
    claims.kind === 1 &&
    claims.holder === made.holder &&
    claims.generation === made.generation &&
    claims.issued === made.issued &&
    claims.origin === made.origin &&
    claims.root &&
    same(claims.root, rootOf(made.nodes)) &&
    same(claims.kid, made.kid);
  if (!isOwn) throw new Error("the credential is not the one that was asked for");
  return {
    credential,
    salt: made.salt,
    seed: made.seed,
    nodes: made.nodes,
    origin: made.origin,
    display: claims.display,
    expiresMs: claims.expires * 1000,
    renewFromMs: answer.renew_from_ms,
    renewUntilMs: answer.renew_until_ms,
    nextTerms: answer.next_terms,
  };
}

/** @param {unknown} item @returns {Uint8Array} */
function blob(item) {
  if (!(item instanceof Uint8Array)) throw new Error("not bytes");
  return item;
}

/** @param {unknown} item @param {number} length @returns {any[]} */
function list(item, length) {
  if (!Array.isArray(item) || item.length !== length) throw new Error("not a list");
  return item;
}

/** @param {unknown} item @returns {Map<any, any>} */
function map(item) {
  if (!(item instanceof Map)) throw new Error("not a map");
  return item;
}

/**
 * Reads one CBOR item of integers, bytes, texts, arrays and maps: what credentials are made of.
 * @param {Uint8Array} bytes @returns {unknown}
 */
function read(bytes) {
  let at = 0;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const take = (/** @type {number} */ length) => {
    if (length > bytes.length - at) throw new Error("cut off");
    at += length;
    return bytes.subarray(at - length, at);
  };
  const item = (/** @type {number} */ depth) => {
    const first = take(1)[0];
    const major = first >> 5;
    let value = first & 31;
    if (value > 26) throw new Error("not in its one encoding");
    if (value >= 24) {
      const size = 1 << (value - 24);
      const least = [24, 256, 65536][value - 24];
      take(size);
      value = size === 1 ? bytes[at - 1] : size === 2 ? view.getUint16(at - 2) : view.getUint32(at - 4);
      if (value < least) throw new Error("not in its one encoding");
    }
    if (major === 0) return value;
    if (major === 1) return -1 - value;
    if (major === 2) return take(value);
    if (major === 3) return new TextDecoder("utf-8", { fatal: true }).decode(take(value));
    if (major > 5 || depth === 0 || value > bytes.length - at) throw new Error("not a credential");
    if (major === 4) return Array.from({ length: value }, () => item(depth - 1));
    const entries = new Map();
    for (let n = 0; n < value; n++) entries.set(item(0), item(depth - 1));
    return entries;
  };
  const result = item(4);
  if (at !== bytes.length) throw new Error("bytes after the end");
  return result;
}
