// Prints QR codes as the page draws them: JSON lines of level, text, and rows of 0 and 1. page.rs reads them with a reader.

import { qr } from "../page/qr.js";

const LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
/** The longest texts of versions 1 to 15 (ISO/IEC 18004, table 7, alphanumeric). */
const LONGEST = {
  L: [25, 47, 77, 114, 154, 195, 224, 279, 335, 395, 468, 535, 619, 667, 758],
  M: [20, 38, 61, 90, 122, 154, 178, 221, 262, 311, 366, 419, 483, 528, 600],
};
for (const [level, lengths] of Object.entries(LONGEST)) {
  for (const length of lengths) {
    const text = Array.from({ length }, (_, i) => LETTERS[(i * i * 7 + length + i) % 45]).join("");
    // As letters to the last place, and some of it as bytes.
    for (const one of [text, `${text.slice(0, length / 2)}ö`]) {
      const rows = qr(one, level).map((row) => row.map(Number).join(""));
      console.log(JSON.stringify({ level, text: one, rows }));
    }
  }
}
