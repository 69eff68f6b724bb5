// A worker that grows a step tree. It gets the phone's seed as a key that only signs: its bytes are never in a script's hands.

import { growTree, firstInput, LEAVES } from "./tree.js";

onmessage = async ({ data: { seed, salt } }) => {
  try {
    const firsts = await Promise.all(Array.from({ length: LEAVES }, (_, leaf) => first(seed, salt, leaf)));
    postMessage({ nodes: growTree(salt, (leaf) => firsts[leaf]) });
    firsts.forEach((value) => value.fill(0));
  } catch (why) {
    postMessage({ fault: String(why) });
  }
};

/** @param {CryptoKey} seed @param {Uint8Array} salt @param {number} leaf */
async function first(seed, salt, leaf) {
  return new Uint8Array(await crypto.subtle.sign("HMAC", seed, firstInput(salt, leaf))).subarray(0, 16);
}
