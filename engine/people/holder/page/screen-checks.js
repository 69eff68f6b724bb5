// Who checked this phone's codes (R41): only the phone can find out.

import { Refused, Unreached } from "./api.js";
import { el, fill } from "./dom.js";
import * as phone from "./phone.js";
import { Codeless, findChecks, Unfair } from "./slips.js";
import * as store from "./store.js";
import { moment, reason, say } from "./texts.js";

const DAYS = 30;
const DECISIONS = { 1: "admit", 2: "refer", 3: "refuse" };

/** What was found stays until the page is left or the phone is another holder's, and is kept nowhere. */
let found = null;

const holder = () => `${phone.state.identity?.issuer}.${phone.state.identity?.holder}`;
phone.watch(() => {
  if (found?.of !== holder()) found = null;
});

export function checksScreen() {
  const list = el("div", { id: "found", role: "status" });
  const button = el("button.main", { type: "button", id: "find", onclick: () => find() }, say("holder-checks-find"));
  const node = el(
    "main",
    { id: "main" },
    el("h1", {}, say("holder-tab-checks")),
    el("p", {}, say("holder-checks-how")),
    button,
    list,
    el("p.small", {}, say("holder-checks-today")),
  );
  const find = async () => {
    button.setAttribute("disabled", "");
    fill(list, el("p.working", {}, say("holder-working")));
    try {
      const of = holder();
      const shown = await store.remembered();
      const oldest = phone.stepNow() - (DAYS * 86_400) / 30;
      const recent = shown.filter(({ step }) => step >= oldest);
      const steps = new Set(shown.map(({ step }) => step));
      const all = await findChecks(recent, () => phone.pastCode(steps));
      if (of === holder()) found = { of, ...all };
      show();
    } catch (why) {
      console.warn("checks were not found", why);
      fill(list, el("div.notice.warn", {}, el("p", {}, say(wordsOf(why)))));
    }
    button.removeAttribute("disabled");
  };
  const show = () => {
    if (!found) return;
    if (!found.checks.length) return fill(list, el("p", {}, say("holder-checks-none")));
    const line = (check) => {
      const place = found.places.get(check.site);
      const decision = DECISIONS[check.decision] ?? "refer";
      return el(
        "li.card.check",
        { "data-decision": decision },
        el("p.small", {}, moment(check.timeMs)),
        el("p.place", { dir: "auto" }, place?.name ?? say("holder-checks-site", { site: String(check.site) })),
        place?.organisation && el("p.small", { dir: "auto" }, place.organisation),
        el("p.decision", {}, el("strong", {}, say(`holder-decision-${decision}`))),
        decision !== "admit" && el("p", {}, reason(check.reason)),
      );
    };
    fill(list, el("ul.list", {}, ...found.checks.map(line)));
  };
  show();
  return { node, update: () => {} };
}

/** @param {unknown} why */
function wordsOf(why) {
  if (why instanceof Unfair) return "holder-checks-unfair";
  if (why instanceof Codeless) return "holder-code-none";
  if (why instanceof Unreached) return "holder-problem-offline";
  if (why instanceof Refused && why.status === 404) return "holder-checks-not-offered";
  return why instanceof Refused && why.isPassing ? "holder-problem-busy" : "holder-problem-failed";
}
