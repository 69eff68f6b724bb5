// The holder's page: which screen is shown, what happens every second, and what happens when something else wakes it.

import * as clock from "./clock.js";
import { el, fill, shape } from "./dom.js";
import { takeFromAddress } from "./number.js";
import * as phone from "./phone.js";
import { activateScreen } from "./screen-activate.js";
import { checksScreen } from "./screen-checks.js";
import { codeScreen } from "./screen-code.js";
import { familyScreen } from "./screen-family.js";
import { moreScreen } from "./screen-more.js";
import { statusScreen } from "./screen-status.js";
import * as store from "./store.js";
import { chosen, say, use } from "./texts.js";
import { script } from "./trusted.js";

const TABS = { code: codeScreen, status: statusScreen, checks: checksScreen, family: familyScreen, more: moreScreen };
const CARE = "hufu-care";

/** The number in the link that led here, taken before anything else happens. */
let linked = takeFromAddress();
let tab = "code";
let isActivating = linked !== null;
/** @type {{node: HTMLElement, update: () => void, tick?: () => void} | undefined} */
let screen;
let shown = "";

const isCare = () => store.setting(CARE) === "1";
const context = {
  get linked() {
    return linked;
  },
  again: () => draw(true),
  isCare,
  setCare: (on) => {
    store.set(CARE, on ? "1" : "0");
    // Large print begins with what it is wanted for.
    if (on && phone.state.identity) tab = "code";
    draw(true);
  },
  activate: () => {
    isActivating = true;
    // The screen that is there already has the number of an earlier link, or none.
    draw(true);
  },
  leave: () => {
    isActivating = false;
    linked = null;
    draw();
  },
};

/** Draws the screen that is due, or lets the one that is there take up what has changed. */
function draw(isNew = false) {
  document.documentElement.classList.toggle("care", isCare());
  const { identity, isRead } = phone.state;
  if (!isRead) return;
  const isHere = Boolean(identity) && !isActivating;
  const due = isHere ? tab : "activate";
  if (!isNew && due === shown) return keepingFocus(() => screen?.update());
  const isOther = due !== shown;
  shown = due;
  screen = isHere ? TABS[tab](context) : activateScreen(context);
  screen.node.setAttribute("tabindex", "-1");
  fill(document.getElementById("app"), head(isHere), screen.node, ...(isHere ? [menu()] : []));
  if (isOther) window.scrollTo(0, 0);
  lightUp();
}

/** @param {() => void} work that may replace the element that has the focus */
function keepingFocus(work) {
  const { id } = document.activeElement ?? {};
  work();
  if (id && document.activeElement?.id !== id) document.getElementById(id)?.focus();
}

/** @param {boolean} isHere */
function head(isHere) {
  const toMore = () => {
    if (isHere) tab = "more";
    else context.setCare(!isCare());
    draw();
  };
  const care = el("button.plain", { type: "button", id: "to-care", "aria-pressed": isHere ? null : String(isCare()), onclick: toMore }, say("holder-more-care"));
  const cancel = el("button.plain", { type: "button", id: "cancel", onclick: context.leave }, say("holder-back"));
  const isLeaving = !isHere && phone.state.identity;
  return el("header", {}, el("p.title", {}, say("holder-app-title")), isHere ? null : isLeaving ? cancel : care);
}

function menu() {
  const button = (name) =>
    el(
      "button",
      {
        type: "button",
        id: `tab-${name}`,
        "aria-current": name === tab ? "page" : null,
        onclick: () => {
          tab = name;
          draw();
          document.getElementById("main")?.focus({ preventScroll: true });
        },
      },
      shape(name),
      el("span", {}, say(`holder-tab-${name}`)),
    );
  return el("nav", { "aria-label": say("holder-app-title") }, ...Object.keys(TABS).map(button));
}

/** @type {WakeLockSentinel | null} */
let light = null;

/** Keeps the screen on while the code is shown. */
async function lightUp() {
  const isWanted = shown === "code" && document.visibilityState === "visible";
  try {
    if (isWanted && (!light || light.released)) light = (await navigator.wakeLock?.request("screen")) ?? null;
    else if (!isWanted && light) {
      await light.release();
      light = null;
    }
  } catch {
    // A phone that saves power refuses it: the screen goes off as it always does.
  }
}

async function start() {
  const reading = phone.read();
  const language = chosen();
  // A language that is not on the phone and cannot be fetched: the one that the page came in.
  await use(language).catch(() => use("en"));
  await reading;
  if (linked !== null && phone.state.identity?.number && phone.state.pending === undefined && !phone.state.ended) {
    // A link that this phone has used already leads to its code.
    const { readNumber } = await import("./number.js");
    if (readNumber(linked).letters === phone.state.identity.number) context.leave();
  }
  phone.watch(() => draw());
  clock.watch(() => draw());
  draw();
  clock.everySecond(beat);
}

/** What is done every second, and as soon as the page is seen again. */
function beat() {
  if (clock.tick()) {
    phone.keepClock();
    // What a leap was, sleep or another clock, is a guess: the registry knows the time.
    phone.refresh().catch((why) => console.warn(why));
  }
  screen?.tick?.();
  phone.pulse();
}

document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") beat();
  else clock.pageHidden();
  lightUp();
});
// A page that comes out of the browser's memory may be days old.
window.addEventListener("pageshow", (event) => event.persisted && phone.read());
window.addEventListener("online", () => phone.hurry());
window.addEventListener("hashchange", () => {
  const number = takeFromAddress();
  if (number === null) return;
  linked = number;
  context.activate();
});

// The language was fetched before there was anything to keep it.
navigator.serviceWorker?.addEventListener("controllerchange", () => fetch(`/texts/${chosen()}.json`).catch(() => {}));
navigator.serviceWorker?.register(script("/sw.js"), { scope: "/", updateViaCache: "none" }).catch((why) => console.warn("no offline start", why));
start().catch((why) => {
  console.error(why);
  fill(document.getElementById("app"), el("main", {}, el("p", {}, String(why))));
});
