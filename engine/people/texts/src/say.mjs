// The browser's half of hufu-texts: sentences of one area in one language, with their arguments in them.
const CONTROLS = /[\u202A-\u202E\u2066-\u2069]/g;

/** `say(id, args)` over what `script` of hufu-texts wrote. Numbers in `args` choose plural forms and are written as the language
 * writes them; texts cannot turn the order of the sentence around them. An unknown id is said as itself. */
export function speaker({ locale, lang, dir, messages }) {
  const plural = new Intl.PluralRules(lang);
  const numerals = new Intl.NumberFormat(locale);
  const turning = /[\u0590-\u08FF\u200E\u200F\u202A-\u202E\u2066-\u2069\uFB1D-\uFDFF\uFE70-\uFEFF]|[\uD802\uD803\uD83A\uD83B]/;
  const shown = (value, name) => {
    if (value === undefined) return `{$${name}}`;
    if (typeof value === "number") return numerals.format(value);
    const text = String(value);
    return dir === "rtl" || turning.test(text) ? `\u2068${text.replace(CONTROLS, "")}\u2069` : text;
  };
  const chosen = ({ select, of, else: other }, args) => {
    const value = args[select];
    if (typeof value !== "number") return of[value] ?? of[other];
    return of[`=${value}`] ?? of[plural.select(value)] ?? of[other];
  };
  const said = (parts, args) =>
    parts
      .map((part) => {
        if (typeof part === "string") return part;
        return part.select ? said(chosen(part, args), args) : shown(args[part.arg], part.arg);
      })
      .join("");
  return (id, args = {}) => (messages[id] ? said(messages[id], args) : id);
}
