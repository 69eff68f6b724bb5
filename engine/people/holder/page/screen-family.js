// Codes of relatives, on the screen and on paper.

import { Refused, Unreached } from "./api.js";
import * as clock from "./clock.js";
import { el, fill } from "./dom.js";
import { saidOf } from "./notices.js";
import * as phone from "./phone.js";
import { picture, qr } from "./qr.js";
import { moment, say } from "./texts.js";

export function familyScreen() {
  const inside = el("div");
  const node = el("main", { id: "main" }, el("h1", {}, say("holder-tab-family")), inside);
  /** @type {number | null} */
  let open = null;
  let trouble = "";

  const show = async (relative) => {
    open = relative;
    trouble = "";
    update();
    // What is kept is shown meanwhile, and instead where nothing comes.
    try {
      await phone.askFamily(relative);
    } catch (why) {
      // Left, or another's by now.
      if (open !== relative) return;
      const name = why instanceof Refused ? why.name : why instanceof Unreached ? "offline" : "failed";
      // Of a relative a conflict is that the binding has ended, and not another phone.
      trouble = saidOf({ name: name === "conflict" ? "failed" : name, isPassing: why instanceof Refused && why.isPassing });
    }
    update();
  };
  const back = () => {
    open = null;
    update();
    document.getElementById("main")?.focus();
  };

  const sheet = (relative) => {
    const kept = phone.state.family[relative];
    const isGood = kept && kept.expiresMs > clock.now();
    const parts = [el("button.plain", { type: "button", id: "back", onclick: back }, say("holder-back"))];
    if (trouble) parts.push(el("div.notice.warn", {}, el("p", {}, trouble)));
    if (isGood) {
      const paper = el("div.paper", {}, picture(qr(kept.code, "M"), say("holder-code-label")));
      paper.dataset.code = kept.code;
      parts.push(
        el(
          "section.card.sheet",
          {},
          el("p.who", { dir: "auto" }, kept.display),
          paper,
          el("p", {}, say("holder-code-until", { time: moment(kept.expiresMs) })),
          el("p.small", {}, say("holder-family-sheet")),
        ),
        el("button.main", { type: "button", id: "print", onclick: () => window.print() }, say("holder-family-print")),
      );
    } else if (!trouble) parts.push(el("p.working", {}, say("holder-working")));
    return parts;
  };

  const update = () => {
    if (open !== null) return fill(inside, ...sheet(open));
    const relatives = phone.state.status?.relatives ?? [];
    const line = ({ relative, display }) =>
      el(
        "li.card.relative",
        {},
        el("p.who", { dir: "auto", id: `name-${relative}` }, display),
        el(
          "button.main",
          { type: "button", id: `show-${relative}`, "aria-describedby": `name-${relative}`, onclick: () => show(relative) },
          say("holder-family-show"),
        ),
      );
    if (!relatives.length) return fill(inside, el("p", {}, say("holder-family-none")));
    fill(inside, el("p", {}, say("holder-family-how")), el("ul.list", {}, ...relatives.map(line)));
  };
  update();
  return { node, update };
}
