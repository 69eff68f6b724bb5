// QR codes (ISO/IEC 18004): alphanumeric or bytes, levels L and M, versions 1 to 15.

/** Of each version: codewords for error correction in a block, and blocks. */
const LEVELS = {
  L: {
    bits: 1,
    correction: [7, 10, 15, 20, 26, 18, 20, 24, 30, 18, 20, 24, 26, 30, 22],
    blocks: [1, 1, 1, 1, 1, 2, 2, 2, 2, 4, 4, 4, 4, 4, 6],
  },
  M: {
    bits: 0,
    correction: [10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24],
    blocks: [1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10],
  },
};
const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
const VERSION_MAX = 15;

/**
 * @param {string} text
 * @param {"L" | "M"} [level]
 * @returns {boolean[][]} rows of modules, true is dark; without the quiet zone of 4 modules
 * @throws {RangeError} when the text is too long for version 15
 */
export function qr(text, level = "L") {
  const isAlphanumeric = [...text].every((character) => ALPHABET.includes(character));
  const bytes = new TextEncoder().encode(text);
  for (let version = 1; version <= VERSION_MAX; version++) {
    const { correction, blocks } = LEVELS[level];
    const room = (codewords(version) - correction[version - 1] * blocks[version - 1]) * 8;
    const data = isAlphanumeric ? alphanumeric(text, version) : binary(bytes, version);
    if (data.length <= room) return draw(version, level, interleave(pad(data, room), version, level));
  }
  throw new RangeError("too long for a QR code of version 15");
}

/** Bits, most significant first. @param {number[]} bits @param {number} value @param {number} size */
function push(bits, value, size) {
  for (let i = size - 1; i >= 0; i--) bits.push((value >>> i) & 1);
}

/** @param {string} text @param {number} version */
function alphanumeric(text, version) {
  /** @type {number[]} */
  const bits = [];
  push(bits, 2, 4);
  push(bits, text.length, version < 10 ? 9 : 11);
  for (let i = 0; i < text.length; i += 2) {
    const first = ALPHABET.indexOf(text[i]);
    if (i + 1 < text.length) push(bits, first * 45 + ALPHABET.indexOf(text[i + 1]), 11);
    else push(bits, first, 6);
  }
  return bits;
}

/** @param {Uint8Array} bytes @param {number} version */
function binary(bytes, version) {
  /** @type {number[]} */
  const bits = [];
  push(bits, 4, 4);
  push(bits, bytes.length, version < 10 ? 8 : 16);
  for (const byte of bytes) push(bits, byte, 8);
  return bits;
}

/** @param {number[]} bits @param {number} room @returns {Uint8Array} */
function pad(bits, room) {
  push(bits, 0, Math.min(4, room - bits.length));
  push(bits, 0, -bits.length & 7);
  for (let i = 0; bits.length < room; i++) push(bits, i % 2 ? 0x11 : 0xec, 8);
  return Uint8Array.from({ length: room / 8 }, (_, i) => parseInt(bits.slice(8 * i, 8 * i + 8).join(""), 2));
}

/** Codewords of a version, data and error correction. @param {number} version */
function codewords(version) {
  let modules = (16 * version + 128) * version + 64;
  if (version >= 2) {
    const marks = Math.floor(version / 7) + 2;
    modules -= (25 * marks - 10) * marks - 55;
    if (version >= 7) modules -= 36;
  }
  return Math.floor(modules / 8);
}

/** Multiplies in GF(2^8) modulo x^8 + x^4 + x^3 + x^2 + 1. @param {number} a @param {number} b */
function times(a, b) {
  let product = 0;
  for (let bit = 7; bit >= 0; bit--) product = (product << 1) ^ (product & 0x80 ? 0x11d : 0) ^ ((b >> bit) & 1 ? a : 0);
  return product;
}

/** @param {Uint8Array} data @param {number} size @returns {Uint8Array} */
function correct(data, size) {
  const divisor = new Uint8Array(size);
  divisor[size - 1] = 1;
  for (let i = 0, root = 1; i < size; i++, root = times(root, 2)) {
    for (let j = 0; j < size; j++) divisor[j] = times(divisor[j], root) ^ (j + 1 < size ? divisor[j + 1] : 0);
  }
  const rest = new Uint8Array(size);
  for (const byte of data) {
    const factor = byte ^ rest[0];
    rest.copyWithin(0, 1);
    rest[size - 1] = 0;
    divisor.forEach((part, i) => {
      rest[i] ^= times(part, factor);
    });
  }
  return rest;
}

/** @param {Uint8Array} data @param {number} version @param {"L" | "M"} level @returns {Uint8Array} */
function interleave(data, version, level) {
  const size = LEVELS[level].correction[version - 1];
  const count = LEVELS[level].blocks[version - 1];
  const short = Math.floor(data.length / count);
  const longs = data.length % count;
  const blocks = [];
  for (let i = 0, at = 0; i < count; i++) {
    const length = short + (i >= count - longs ? 1 : 0);
    const block = data.subarray(at, at + length);
    blocks.push({ block, correction: correct(block, size) });
    at += length;
  }
  const out = [];
  for (let i = 0; i <= short; i++) for (const { block } of blocks) if (i < block.length) out.push(block[i]);
  for (let i = 0; i < size; i++) for (const { correction } of blocks) out.push(correction[i]);
  return Uint8Array.from(out);
}

const MASKS = [
  (/** @type {number} */ x, /** @type {number} */ y) => (x + y) % 2,
  (/** @type {number} */ _x, /** @type {number} */ y) => y % 2,
  (/** @type {number} */ x) => x % 3,
  (/** @type {number} */ x, /** @type {number} */ y) => (x + y) % 3,
  (/** @type {number} */ x, /** @type {number} */ y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2,
  (/** @type {number} */ x, /** @type {number} */ y) => ((x * y) % 2) + ((x * y) % 3),
  (/** @type {number} */ x, /** @type {number} */ y) => (((x * y) % 2) + ((x * y) % 3)) % 2,
  (/** @type {number} */ x, /** @type {number} */ y) => (((x + y) % 2) + ((x * y) % 3)) % 2,
];

/** @param {number} version @param {"L" | "M"} level @param {Uint8Array} data @returns {boolean[][]} */
function draw(version, level, data) {
  const { rows, isFixed, size } = frame(version);
  // Two columns at a time, from the right, upwards and downwards in turn; column 6 has the timing.
  let bit = 0;
  for (let right = size - 1; right >= 1; right -= 2) {
    if (right === 6) right = 5;
    const isUp = ((right + 1) & 2) === 0;
    for (let i = 0; i < size; i++) {
      const y = isUp ? size - 1 - i : i;
      for (const x of [right, right - 1]) {
        if (isFixed[y][x] || bit >= data.length * 8) continue;
        rows[y][x] = ((data[bit >> 3] >> (7 - (bit & 7))) & 1) === 1;
        bit++;
      }
    }
  }
  let best = rows;
  let least = Infinity;
  MASKS.forEach((mask, number) => {
    const masked = rows.map((row, y) => row.map((dark, x) => (isFixed[y][x] ? dark : dark !== (mask(x, y) === 0))));
    format(masked, LEVELS[level].bits, number);
    const price = penalty(masked);
    if (price < least) [best, least] = [masked, price];
  });
  return best;
}

/** Everything that is neither data nor format. @param {number} version */
function frame(version) {
  const size = version * 4 + 17;
  const rows = Array.from({ length: size }, () => new Array(size).fill(false));
  const isFixed = Array.from({ length: size }, () => new Array(size).fill(false));
  const set = (/** @type {number} */ x, /** @type {number} */ y, /** @type {boolean} */ dark) => {
    if (x < 0 || y < 0 || x >= size || y >= size) return;
    rows[y][x] = dark;
    isFixed[y][x] = true;
  };
  const square = (/** @type {number} */ cx, /** @type {number} */ cy, /** @type {number} */ radius) => {
    for (let dy = -radius; dy <= radius; dy++) {
      for (let dx = -radius; dx <= radius; dx++) {
        const ring = Math.max(Math.abs(dx), Math.abs(dy));
        set(cx + dx, cy + dy, radius === 2 ? ring !== 1 : ring !== 2 && ring !== 4);
      }
    }
  };
  for (let i = 0; i < size; i++) {
    set(6, i, i % 2 === 0);
    set(i, 6, i % 2 === 0);
  }
  const marks = alignments(version, size);
  const last = marks.length - 1;
  marks.forEach((x, i) => {
    marks.forEach((y, j) => {
      const isFinder = (i === 0 && j === 0) || (i === 0 && j === last) || (i === last && j === 0);
      if (!isFinder) square(x, y, 2);
    });
  });
  square(3, 3, 4);
  square(size - 4, 3, 4);
  square(3, size - 4, 4);
  // Room for the format, which comes with the mask; the module beside it is always dark.
  for (let i = 0; i < 9; i++) {
    if (i !== 6) {
      set(8, i, false);
      set(i, 8, false);
    }
    if (i < 8) {
      set(size - 1 - i, 8, false);
      set(8, size - 1 - i, false);
    }
  }
  set(8, size - 8, true);
  if (version >= 7) {
    let rest = version;
    for (let i = 0; i < 12; i++) rest = (rest << 1) ^ ((rest >>> 11) * 0x1f25);
    const bits = (version << 12) | rest;
    for (let i = 0; i < 18; i++) {
      const dark = ((bits >>> i) & 1) === 1;
      const [a, b] = [size - 11 + (i % 3), Math.floor(i / 3)];
      set(a, b, dark);
      set(b, a, dark);
    }
  }
  return { rows, isFixed, size };
}

/** Where alignment marks are. @param {number} version @param {number} size @returns {number[]} */
function alignments(version, size) {
  if (version === 1) return [];
  const count = Math.floor(version / 7) + 2;
  const step = Math.ceil((version * 4 + 4) / (count * 2 - 2)) * 2;
  const marks = [6];
  for (let i = count - 2; i >= 0; i--) marks.push(size - 7 - i * step);
  return marks;
}

/** @param {boolean[][]} rows @param {number} level @param {number} mask */
function format(rows, level, mask) {
  const size = rows.length;
  const data = (level << 3) | mask;
  let rest = data;
  for (let i = 0; i < 10; i++) rest = (rest << 1) ^ ((rest >>> 9) * 0x537);
  const bits = ((data << 10) | rest) ^ 0x5412;
  for (let i = 0; i < 15; i++) {
    const dark = ((bits >>> i) & 1) === 1;
    if (i < 6) rows[i][8] = dark;
    else if (i < 8) rows[i + 1][8] = dark;
    else if (i === 8) rows[8][7] = dark;
    else rows[8][14 - i] = dark;
    if (i < 8) rows[8][size - 1 - i] = dark;
    else rows[size - 15 + i][8] = dark;
  }
}

const FINDER = [true, false, true, true, true, false, true];

/** How hard a mask makes the code to read. @param {boolean[][]} rows */
function penalty(rows) {
  const size = rows.length;
  let price = 0;
  let dark = 0;
  const line = (/** @type {boolean[]} */ modules) => {
    for (let i = 0, run = 0; i < size; i++) {
      run = i > 0 && modules[i] === modules[i - 1] ? run + 1 : 1;
      if (run === 5) price += 3;
      else if (run > 5) price += 1;
    }
    // A finder's pattern with four light modules on one side; beyond the edge all is light.
    for (let i = 0; i + 7 <= size; i++) {
      if (!FINDER.every((part, j) => modules[i + j] === part)) continue;
      const isLight = (/** @type {number} */ from) => [0, 1, 2, 3].every((j) => !modules[from + j]);
      if (isLight(i - 4)) price += 40;
      if (isLight(i + 7)) price += 40;
    }
  };
  for (let i = 0; i < size; i++) {
    line(rows[i]);
    line(rows.map((row) => row[i]));
  }
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      if (rows[y][x]) dark++;
      if (x && y && rows[y][x] === rows[y][x - 1] && rows[y][x] === rows[y - 1][x] && rows[y][x] === rows[y - 1][x - 1]) price += 3;
    }
  }
  return price + Math.floor(Math.abs((dark * 20) / (size * size) - 10)) * 10;
}

/**
 * Draws a code, crisp at any size.
 * @param {boolean[][]} rows
 * @param {string} label what a screen reader says
 * @returns {SVGSVGElement}
 */
export function picture(rows, label) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  const size = rows.length + 8;
  svg.setAttribute("viewBox", `0 0 ${size} ${size}`);
  svg.setAttribute("shape-rendering", "crispEdges");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", label);
  svg.setAttribute("class", "qr");
  const paper = document.createElementNS(space, "rect");
  paper.setAttribute("width", String(size));
  paper.setAttribute("height", String(size));
  paper.setAttribute("fill", "#fff");
  const ink = document.createElementNS(space, "path");
  const runs = rows.flatMap((row, y) =>
    row.flatMap((dark, x) => {
      if (!dark || row[x - 1]) return [];
      let end = x;
      while (row[end]) end++;
      return [`M${x + 4} ${y + 4}h${end - x}v1h${x - end}z`];
    }),
  );
  ink.setAttribute("d", runs.join(""));
  ink.setAttribute("fill", "#000");
  svg.append(paper, ink);
  return svg;
}
