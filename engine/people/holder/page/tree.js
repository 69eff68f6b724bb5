// The step tree of a phone's credential: 256 chains of 16 values, and the hashes above them (docs/CODES.md, Presentation).

import { join, u32le } from "./bytes.js";
import { sha256 } from "./sha256.js";

/** Chains of a tree. */
export const LEAVES = 256;
/** Values of a chain: a phone shows one a step. */
export const CHAIN = 16;
const LEVELS = 8;

/**
 * @typedef {object} Presentation
 * @property {number} step from the credential's origin, 0 to 4095
 * @property {Uint8Array} preimage 16 bytes
 * @property {Uint8Array} path 128 bytes
 */

/** @param {Uint8Array} bytes at most 55 of them @returns {Uint8Array} 16 bytes */
const hash = (bytes) => sha256(bytes).subarray(0, 16);

/**
 * What binds a tree to its credential.
 * @param {{kid: Uint8Array, holder: number, generation: number, origin: number, issued: number}} claims
 */
export const saltOf = ({ kid, holder, generation, origin, issued }) =>
  hash(join("hufu/1 step salt", kid, u32le(holder), generation, u32le(origin), u32le(issued)));

/**
 * What a leaf's first value is made from, under the phone's key.
 * @param {Uint8Array} salt @param {number} leaf
 */
export const firstInput = (salt, leaf) => join(salt, leaf);

/** @param {Uint8Array} salt @param {number} leaf @param {Uint8Array} first @param {number} links */
function along(salt, leaf, first, links) {
  let value = first;
  const input = join(1, salt, leaf, 0, value);
  for (let n = 0; n < links; n++) {
    input[18] = n;
    input.set(value, 19);
    value = hash(input);
  }
  return value;
}

/**
 * Every node, 16 bytes each: 256 leaves, 128 nodes above them, and so on; the root is the last one. A node gives away no
 * value that is still to be shown.
 * @param {Uint8Array} salt
 * @param {(leaf: number) => Uint8Array} first each leaf's c(0)
 * @returns {Uint8Array} 511 nodes
 */
export function growTree(salt, first) {
  const nodes = new Uint8Array((2 * LEAVES - 1) * 16);
  for (let leaf = 0; leaf < LEAVES; leaf++) nodes.set(along(salt, leaf, first(leaf), CHAIN), leaf * 16);
  let below = 0;
  let at = LEAVES;
  for (let level = 1, width = LEAVES / 2; width >= 1; level++, width /= 2) {
    for (let place = 0; place < width; place++) {
      const pair = nodes.subarray((below + 2 * place) * 16, (below + 2 * place + 2) * 16);
      nodes.set(hash(join(2, salt, level, place, pair)), (at + place) * 16);
    }
    below = at;
    at += width;
  }
  return nodes;
}

/** @param {Uint8Array} nodes @returns {Uint8Array} 16 bytes */
export const rootOf = (nodes) => nodes.subarray(nodes.length - 16);

/**
 * What the phone shows in a step.
 * @param {Uint8Array} salt
 * @param {Uint8Array} nodes of {@link growTree}
 * @param {Uint8Array} first c(0) of the step's leaf
 * @param {number} step from the origin
 * @returns {Presentation}
 */
export function present(salt, nodes, first, step) {
  const leaf = Math.floor(step / CHAIN);
  const path = new Uint8Array(LEVELS * 16);
  let base = 0;
  for (let level = 0, place = leaf, width = LEAVES; level < LEVELS; level++, place >>= 1, width /= 2) {
    const sibling = base + (place ^ 1);
    path.set(nodes.subarray(sibling * 16, sibling * 16 + 16), level * 16);
    base += width;
  }
  return { step, preimage: along(salt, leaf, first, CHAIN - 1 - (step % CHAIN)), path };
}
