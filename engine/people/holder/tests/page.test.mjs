// The page's own bytes against the golden ones, and its small judgements. Run by page.rs.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { fromBase64Url, fromHex, join, toBase64Url, toHex } from "../page/bytes.js";
import { base45, codeText, readCredential } from "../page/codes.js";
import { grouped, readNumber } from "../page/number.js";
import { sha256 } from "../page/sha256.js";
import { finderOf, hasStep, isFair, openSlip, prefixOf, take } from "../page/slips.js";
import { growTree, present, rootOf, saltOf } from "../page/tree.js";

const golden = (name) => JSON.parse(readFileSync(new URL(`../../../../fixtures/golden/${name}.json`, import.meta.url), "utf8"));
const node256 = (...parts) => createHash("sha256").update(join(...parts)).digest();

test("SHA-256 is that of FIPS 180-4 at every length around a block", () => {
  for (let length = 0; length < 200; length++) {
    const bytes = randomBytes(length);
    assert.equal(toHex(sha256(bytes)), createHash("sha256").update(bytes).digest("hex"), `${length} bytes`);
  }
  assert.equal(toHex(sha256(join("abc"))), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
});

test("a tree and its presentations are the golden ones", () => {
  const { seed, salt_of: claims, root, presentations } = golden("step-tree");
  const { kid, holder, generation, origin, issued_s: issued } = claims;
  const salt = saltOf({ kid: fromHex(kid), holder, generation, origin, issued });
  const first = (leaf) => sha256(join(0, salt, leaf, fromHex(seed))).subarray(0, 16);
  const nodes = growTree(salt, first);
  assert.equal(toHex(rootOf(nodes)), root);
  assert.ok(presentations.length > 5);
  for (const { step, leaf, preimage, path } of presentations) {
    const shown = present(salt, nodes, first(leaf), step);
    assert.equal(toHex(shown.preimage), preimage, `step ${step}`);
    assert.equal(toHex(shown.path), path.join(""), `step ${step}`);
  }
});

test("a code's text is the golden one, byte for byte", () => {
  // RFC 9285, section 4.4.
  for (const [binary, text] of [["AB", "BB8"], ["Hello!!", "%69 VD92EX0"], ["base-45", "UJCLQE7W581"], ["ietf!", "QED8WEX0"]]) {
    assert.equal(base45(join(binary)), text);
  }
  const phone = golden("codes").codes.find(({ name }) => name === "phone");
  const code = fromHex(phone.binary_hex);
  // array of 2: the credential; array of 3: step (here in three bytes), preimage, path.
  const tail = code.subarray(code.length - 151);
  assert.deepEqual([code[0], tail[0], tail[1], tail[4], tail[21], tail[22]], [0x82, 0x83, 0x19, 0x50, 0x58, 0x80]);
  const presentation = { step: tail[2] * 256 + tail[3], preimage: tail.subarray(5, 21), path: tail.subarray(23) };
  const credential = code.subarray(1, code.length - 151);
  assert.equal(codeText(credential, presentation), phone.text);
  const claims = readCredential(credential);
  const { kid, holder, generation, display, issued_s: issued, expires_s: expires, step_root: root, step_origin: origin } = phone.claims;
  const own = { kind: 1, kid: fromHex(kid), holder, generation, display, issued, expires, root: fromHex(root), origin };
  assert.deepEqual(claims, own);
  for (const damaged of [credential.subarray(1), credential.subarray(0, -1), join(credential, 0), new Uint8Array(0)]) {
    assert.throws(() => readCredential(damaged));
  }
});

test("a request is signed as the golden ones are", async () => {
  const { toSign } = await import("../page/api.js");
  const { private_jwk: jwk, public_key: raw, requests } = golden("phone");
  const algorithm = { name: "ECDSA", namedCurve: "P-256" };
  const publicKey = await crypto.subtle.importKey("raw", fromBase64Url(raw), algorithm, true, ["verify"]);
  const privateKey = await crypto.subtle.importKey("jwk", jwk, algorithm, false, ["sign"]);
  assert.equal(toBase64Url(new Uint8Array(await crypto.subtle.exportKey("raw", publicKey))), raw);
  assert.ok(requests.length >= 3);
  for (const { name, path, hufu_phone: phone, hufu_time: time, body, signed_hex: bytes, signature } of requests) {
    const signed = toSign(path, phone, time, join(body));
    assert.equal(toHex(signed), bytes, name);
    const hash = { name: "ECDSA", hash: "SHA-256" };
    assert.ok(await crypto.subtle.verify(hash, publicKey, fromBase64Url(signature), signed), name);
    const own = await crypto.subtle.sign(hash, privateKey, signed);
    assert.ok(await crypto.subtle.verify(hash, publicKey, own, signed), name);
  }
});

test("r41 a phone's slips are found by what it showed, and opened by nothing else", () => {
  const { phone, means } = golden("records");
  const records = means.flatMap((day) => day.records);
  let seen = 0;
  for (const [number, value] of Object.entries(phone)) {
    const record = records.find(({ answer }) => String(answer.check) === number);
    if (!record?.slip) continue;
    assert.equal(toHex(finderOf(fromHex(value)).subarray(0, 16)), record.slip.tag);
    seen++;
  }
  assert.ok(seen > 0, "the golden records have slips of a phone");
  // A slip as docs/RECORDS.md has it, made with another SHA-256.
  const content = Buffer.alloc(24);
  content.writeBigUInt64LE(1_795_953_600_123n);
  content.writeUInt32LE(310_101, 8);
  content.writeUInt16LE(100, 12);
  content.set([3, 1], 14);
  const finder = finderOf(fromHex("00112233445566778899aabbccddeeff"));
  const key = finder.subarray(16);
  const nonce = node256("slin", key, content).subarray(0, 8);
  const pad = node256("slip", 0, key, nonce);
  const slip = join(finder.subarray(0, 16), nonce, content.map((byte, i) => byte ^ pad[i]));
  const check = { timeMs: 1_795_953_600_123, site: 310_101, reason: 100, decision: 3, kind: 1 };
  assert.deepEqual(openSlip(finder, slip), check);
  for (let at = 0; at < 48; at++) {
    const altered = Uint8Array.from(slip);
    altered[at] ^= 1;
    assert.equal(openSlip(finder, altered), null, `byte ${at}`);
  }
  const bucket = (count, ...slips) => {
    const rest = Array.from({ length: count - slips.length }, () => new Uint8Array(48));
    const head = new Uint8Array(4);
    new DataView(head.buffer).setUint32(0, count, true);
    return join(head, ...slips, ...rest);
  };
  const finders = new Map([[toHex(finder.subarray(0, 16)), finder]]);
  const two = join(bucket(100), bucket(120, slip));
  assert.deepEqual(take(two, 100, finders), { buckets: 2, seen: [check] });
  assert.throws(() => take(join(bucket(100), bucket(99)), 100, finders), "a bucket that is too small");
  assert.throws(() => take(two.subarray(0, -1), 100, finders));
  assert.throws(() => take(Uint8Array.of(1, 2), 0, finders));
  assert.throws(() => take(Uint8Array.of(255, 255, 255, 255), 0, finders));
});

test("r41 a phone tells a service no more of a tag than hides it", () => {
  const day = (prefix_bits, slips) => ({ prefix_bits, slips, first_ms: 86_400_000, last_ms: 90_000_000 });
  for (const [bits, slips, fair] of [
    [0, 0, true], [0, 7, true], [1, 200, true], [1, 199, false], [16, 10_000_000, true], [17, 10_000_000, false],
    [24, Number.MAX_SAFE_INTEGER, true], [25, Number.MAX_SAFE_INTEGER, false], [255, Number.MAX_SAFE_INTEGER, false],
  ]) {
    assert.equal(isFair(day(bits, slips)), fair, `${bits} bits of ${slips}`);
  }
  const tag = fromHex("ff8001020304050607080910111213aa");
  assert.deepEqual([0, 1, 8, 9, 24].map((bits) => prefixOf(tag, bits)), [0, 1, 0xff, 0x1ff, 0xff8001]);
  const of = (second) => hasStep(day(0, 1), Math.floor(second / 30));
  assert.ok(!of(85_000) && of(85_800) && of(88_000) && of(90_500) && !of(90_700));
  assert.ok(!hasStep(day(0, 0), 88_000 / 30));
});

test("a number is read as people write it, and a mistake is told", () => {
  for (const typed of ["K7QM-3ZTA-90XW-5HCD", "k7qm 3zta 9oxw 5hcd", "k7qm3zta90xw5hcd", "Ｋ７ＱＭ–3ZTA—90XW−5HCD "]) {
    assert.deepEqual(readNumber(typed), { letters: "K7QM3ZTA90XW5HCD", wrong: [] }, typed);
  }
  assert.deepEqual(readNumber("iIlL").letters, "1111");
  assert.deepEqual(readNumber("K7U*").wrong, ["U", "*"]);
  assert.equal(grouped("K7QM3ZTA9"), "K7QM-3ZTA-9");
});
