// Text and elements. Names come from files of unknown origin: they reach the page through
// textContent alone, and characters that are hidden or turn the direction of writing are shown by
// their numbers.

const HIDDEN = new RegExp("[\\u0000-\\u001f\\u007f-\\u009f\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5" +
  "\\u180b-\\u180f\\u200b-\\u200f\\u2028-\\u202f\\u205f-\\u206f\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0" +
  "\\ufff0-\\ufffb]|[\\ud800-\\udbff](?![\\udc00-\\udfff])|\\udb40[\\udc00-\\udfff]", "g");

function shown(text) {
  return String(text).replace(HIDDEN, (found) => "\u2039U+" +
    found.codePointAt(0).toString(16).toUpperCase().padStart(4, "0") + "\u203a");
}

// count(1150022): "1,150,022"
function count(number) {
  return String(number).replace(/\B(?=(\d{3})+$)/g, ",");
}

function signed(number, format) {
  return number > 0 ? "+" + format(number) : number < 0 ? "\u2212" + format(-number) : format(0);
}

// "91.6 MiB", "812 B": as the command prints them.
function bytes(number) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
  let unit = 0, value = number;
  while (value >= 1024 && unit + 1 < units.length) {
    value /= 1024;
    unit++;
  }
  return unit === 0 ? value + " B" : value.toFixed(1) + " " + units[unit];
}

function share(part, whole) {
  return whole > 0 ? (100 * part / whole).toFixed(1) + " %" : "-";
}

function time(ns) {
  return ns >= 1e9 ? (ns / 1e9).toFixed(2) + " s" : ns >= 1e6 ? (ns / 1e6).toFixed(1) + " ms" :
    ns >= 1e3 ? (ns / 1e3).toFixed(1) + " \u00b5s" : ns + " ns";
}

function plural(number, one, many) {
  return count(number) + " " + (number === 1 ? one : many || one + "s");
}

// element("p", {class: "note", id: "x", onclick: f}, "text", otherElement): attributes are set as
// such, handlers as properties. A number in `exact` is what the text rounds.
function element(name, attributes, ...content) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {}))
    if (key.startsWith("on"))
      made[key] = value;
    else if (key === "exact")
      value === undefined || made.setAttribute("data-exact", String(value));
    else if (value !== null && value !== undefined && value !== false)
      made.setAttribute(key, value === true ? "" : String(value).split("\n").map(shown).join("\n"));
  made.append(...content.filter((part) => part !== null && part !== undefined)
    .map((part) => typeof part === "object" ? part : shown(part)));
  return made;
}

function fill(id, ...content) {
  const place = document.getElementById(id);
  place.replaceChildren(...content.filter((part) => part !== null && part !== undefined));
  return place;
}

function say(text) {
  document.getElementById("say").textContent = shown(text);
}

// The hue of a name: the same in all charts.
function hue(text) {
  let hash = 2166136261;
  for (let i = 0; i < text.length; i++)
    hash = Math.imul(hash ^ text.charCodeAt(i), 16777619);
  return ((hash >>> 0) * 137) % 360;
}

function tinted(made, name) {
  made.style.setProperty("--hue", hue(name));
  return made;
}

// ---- tables ----

// columns: {title, text(row), exact(row), is_number, minor}; `name` columns hold names.
function cellOf(column, row) {
  const value = column.text(row);
  return element("td", {
    class: (column.is_number ? "number" : column.is_name ? "name" : "") + (column.minor ? " minor" : ""),
    exact: column.exact ? column.exact(row) : undefined,
  }, value);
}

function table(columns, rows, label) {
  return element("div", {class: "scroll"}, element("table", {"aria-label": label},
    element("thead", {}, element("tr", {}, ...columns.map((column) => element("th", {
      scope: "col", class: (column.is_number ? "number" : "") + (column.minor ? " minor" : "")}, column.title)))),
    element("tbody", {}, ...rows.map((row) =>
      element("tr", {}, ...columns.map((column) => cellOf(column, row)))))));
}
