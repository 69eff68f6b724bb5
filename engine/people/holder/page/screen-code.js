// The code: a new one every 30 seconds, with or without a network.

import * as clock from "./clock.js";
import { STEP_S } from "./codes.js";
import { announce, el, fill, shape } from "./dom.js";
import { notices } from "./notices.js";
import * as phone from "./phone.js";
import { picture, qr } from "./qr.js";
import { speak } from "./speak.js";
import { clockTime, locale, moment, say } from "./texts.js";

/** A status is shown as old from then on, ms. */
const STATUS_OLD_MS = 24 * 3_600_000;

/** Colour, words and age of the status. */
export function statusOf() {
  const { status } = phone.state;
  const at = status ? status.now_ms : 0;
  const isOld = !status || clock.now() - at > STATUS_OLD_MS || (status.until_ms && clock.now() > status.until_ms);
  const colour = status && !isOld && ["green", "amber", "red"].includes(status.colour) ? status.colour : "unknown";
  const words = status && isOld ? say("holder-status-old") : say(`holder-words-${colour}`);
  return { colour, words, at };
}

export function codeScreen({ again }) {
  const above = el("div", { id: "notices" });
  const band = el("div.band", { id: "band" });
  const paper = el("div.paper", { id: "paper" });
  const time = el("time.clock", { id: "clock", role: "timer", "aria-live": "off" });
  const beat = el("progress.beat", { max: STEP_S, "aria-hidden": "true" });
  const below = el("div.below");
  const voiceless = el("p.small", { id: "tones", role: "status" });
  const aloud = async () => {
    const { colour, words } = statusOf();
    const how = await speak(`${say(`holder-colour-${colour}`)}. ${words}`, locale, colour);
    voiceless.textContent = how === "tones" ? say("holder-tones") : "";
  };
  const button = el("button.main", { type: "button", id: "speak", onclick: aloud }, shape("speak"), say("holder-code-speak"));
  const node = el(
    "main",
    { id: "main" },
    el("h1.apart", {}, say("holder-tab-code")),
    above,
    el("section.pass", { id: "pass" }, band, paper, el("div.moving", {}, time, el("span.wave", { "aria-hidden": "true" })), beat),
    below,
    button,
    voiceless,
  );
  let drawn = -1;
  /** Whose code is on the paper, and of which credential. */
  let shown = "";
  let seen = "";
  const whose = () => `${phone.state.identity?.phone} ${phone.state.held?.expiresMs}`;

  const draw = async (step) => {
    drawn = step;
    const of = whose();
    const text = await phone.show(step).catch((why) => {
      console.warn("no code", why);
      return null;
    });
    // Another step's by now, or another holder's: that is drawn by itself.
    if (drawn !== step || of !== whose()) return;
    shown = of;
    if (text) {
      paper.dataset.code = text;
      fill(paper, picture(qr(text), say("holder-code-label")));
    } else {
      delete paper.dataset.code;
      const isComing = !phone.state.held && !phone.state.trouble && !phone.state.ended;
      fill(paper, el("p.none", {}, say(isComing ? "holder-code-making" : "holder-code-none")));
    }
  };

  const tick = () => {
    time.textContent = clockTime(clock.now());
    beat.value = STEP_S - ((clock.now() / 1000) % STEP_S);
    const step = phone.stepNow();
    const isEnded = phone.state.held && clock.now() >= phone.state.held.expiresMs;
    if (document.visibilityState === "visible" && (step !== drawn || (isEnded && paper.dataset.code))) draw(step);
  };

  const update = () => {
    const { colour, words, at } = statusOf();
    const { held, identity } = phone.state;
    const name = held?.display ?? identity?.display ?? "";
    fill(above, ...notices(again));
    document.getElementById("pass")?.setAttribute("data-colour", colour);
    node.querySelector("#pass").setAttribute("data-colour", colour);
    fill(band, shape(colour), el("p.word", {}, say(`holder-colour-${colour}`)), el("p.words", {}, words));
    const lines = [el("p.who", { dir: "auto" }, name)];
    if (held) lines.push(el("p.small", { id: "until" }, say("holder-code-until", { time: moment(held.expiresMs) })));
    if (at) lines.push(el("p.small", { id: "as-of" }, say("holder-status-of", { time: moment(at) })));
    lines.push(el("p.small", {}, say("holder-code-bright")));
    fill(below, ...lines);
    if (seen && seen !== colour) announce(`${say(`holder-colour-${colour}`)}. ${words}`);
    seen = colour;
    if (!paper.dataset.code || shown !== whose()) drawn = -1;
    tick();
  };
  update();
  return { node, update, tick };
}
