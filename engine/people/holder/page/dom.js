// Elements without markup in strings: what comes from elsewhere is always text.

/**
 * An element.
 * @param {string} name with its classes, as in `p.small.calm`
 * @param {Record<string, any>} [props] `on...` are listeners; true is an attribute without a value; what is false, null or absent is left out
 * @param {...(Node | string | null | undefined | false)} children
 * @returns {HTMLElement}
 */
export function el(name, props = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  const element = document.createElement(tag);
  if (classes.length) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(props)) {
    if (value === false || value === null || value === undefined) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/**
 * Puts `child` in the place of everything in `parent`.
 * @param {Element} parent @param {...(Node | string)} children
 */
export const fill = (parent, ...children) => parent.replaceChildren(...children);

const SHAPES = {
  green: "M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20zm-1.4 14.6-4.2-4.2 1.6-1.6 2.6 2.6 5.4-5.4 1.6 1.6z",
  amber: "M12 2 1 21h22zm-1.2 7h2.4v6h-2.4zm0 7.4h2.4v2.4h-2.4z",
  red: "M7.9 2h8.2L22 7.9v8.2L16.1 22H7.9L2 16.1V7.9zm.3 4.6L6.6 8.2l3.8 3.8-3.8 3.8 1.6 1.6 3.8-3.8 3.8 3.8 1.6-1.6-3.8-3.8 3.8-3.8-1.6-1.6-3.8 3.8z",
  unknown: "M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20zm-1.2 14.4h2.4v2.4h-2.4zM8 9.6h2.3c0-1 .7-1.7 1.7-1.7s1.7.6 1.7 1.5c0 .8-.4 1.3-1.3 1.9-1.2.8-1.6 1.5-1.6 3.4h2.2c0-1.1.3-1.5 1.3-2.2 1.2-.8 1.8-1.8 1.8-3.2 0-2.1-1.7-3.6-4.1-3.6-2.4 0-4 1.5-4 3.9z",
  code: "M3 3h8v8H3zm2 2v4h4V5zm8-2h8v8h-8zm2 2v4h4V5zM3 13h8v8H3zm2 2v4h4v-4zm8-2h3v3h-3zm5 0h3v3h-3zm-5 5h3v3h-3zm5 0h3v3h-3z",
  status: "M12 21 3.6 12.4a5.4 5.4 0 0 1 7.6-7.7l.8.8.8-.8a5.4 5.4 0 0 1 7.6 7.7z",
  checks: "M4 4h12v2H4zm0 5h12v2H4zm0 5h7v2H4zm14.6-1.4L20 14l-6 6-3.5-3.5 1.4-1.4L14 17.2z",
  family: "M8 4a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7zm9 2a3 3 0 1 1 0 6 3 3 0 0 1 0-6zM1.5 20v-2.5C1.5 14.5 4.5 13 8 13s6.5 1.5 6.5 4.500V20zm15 0v-2.500c0-1.3-.4-2.4-1.2-3.3.5-.1 1.1-.2 1.7-.2 2.7 0 5.5 1.2 5.5 3.500V20z",
  more: "M3 5h18v2.400H3zm0 5.800h18v2.400H3zm0 5.800h18V19H3z",
  speak: "M3 9v6h4l5 5V4L7 9zm12.5 3a4 4 0 0 0-2-3.500v7a4 4 0 0 0 2-3.500zm-2-8v2.200a6 6 0 0 1 0 11.600V20a8.2 8.2 0 0 0 0-16z",
};

/**
 * A drawing that says nothing by itself: a text stands beside it.
 * @param {keyof typeof SHAPES} name
 */
export function shape(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", "shape");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", SHAPES[name] ?? SHAPES.unknown);
  path.setAttribute("fill-rule", "evenodd");
  svg.append(path);
  return svg;
}

/** Tells a screen reader. @param {string} text */
export function announce(text) {
  const live = document.getElementById("live");
  if (live) live.textContent = text;
}
