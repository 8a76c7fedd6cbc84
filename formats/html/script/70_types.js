// The table of types, with search and sort.

const TYPES_SHOWN = 200;
const TYPES = {sort: "retained_bytes", is_down: true, search: "", shows_all: false};

function typeColumns() {
  const number = (key, title, format, minor) => ({key, title, is_number: true, minor, text: (row) =>
    row[key] === null ? "-" : format(row[key]), exact: (row) => row[key], value: (row) => row[key] === null ? -1 : row[key]});
  const columns = [
    {key: "type_label", title: "type", is_name: true, text: (row) => row.type_label, value: (row) => row.type_label},
    number("retained_bytes", "retained", bytes), number("reachable_objects", "reachable", count),
    number("reachable_bytes", "own bytes", bytes, true), number("unreachable_objects", "garbage", count),
    number("unreachable_bytes", "garbage bytes", bytes, true), number("zombies", "zombies", count, true)];
  if (REPORT.older !== null) {
    const grown = (key, title, format) => ({key: "growth_" + key, title, is_number: true,
      text: (row) => row.growth === null ? "?" : signed(row.growth[key], format),
      exact: (row) => row.growth === null ? "" : row.growth[key],
      value: (row) => row.growth === null ? -Infinity : row.growth[key]});
    columns.splice(2, 0, grown("retained_bytes", "+retained", bytes));
    columns.splice(4, 0, grown("objects", "+reachable", count));
  }
  return columns;
}

function drawTypeRows() {
  const columns = typeColumns(), by = columns.find((column) => column.key === TYPES.sort) || columns[1];
  const rows = REPORT.types.filter((row) => row.type_label.toLowerCase().includes(TYPES.search));
  rows.sort((a, b) => {
    const x = by.value(a), y = by.value(b), order = x < y ? -1 : x > y ? 1 : 0;
    return TYPES.is_down ? -order : order;
  });
  const limit = TYPES.shows_all ? rows.length : TYPES_SHOWN;
  const head = element("tr", {}, ...columns.map((column) => element("th", {scope: "col",
    class: (column.is_number ? "number" : "") + (column.minor ? " minor" : ""),
    "aria-sort": column === by ? (TYPES.is_down ? "descending" : "ascending") : "none"},
  element("button", {type: "button", onclick: () => {
    TYPES.is_down = TYPES.sort === column.key ? !TYPES.is_down : column.is_number === true;
    TYPES.sort = column.key;
    drawTypeRows();
    document.querySelector("#type-table th[aria-sort=descending] button, #type-table th[aria-sort=ascending] button").focus();
  }}, column.title))));
  fill("type-table", element("table", {"aria-label": "types"}, element("thead", {}, head), element("tbody", {},
    ...rows.slice(0, limit).map((row) => element("tr", {}, ...columns.map((column) => cellOf(column, row)))))));
  fill("types-found", element("span", {}, plural(rows.length, "type") + (rows.length > limit ? ", " + count(limit) +
    " shown " : " ")), rows.length > limit ? element("button", {type: "button", onclick: () => {
    TYPES.shows_all = true;
    drawTypeRows();
  }}, "all") : null);
}

function drawTypes() {
  if (REPORT.older !== null)
    TYPES.sort = "growth_retained_bytes";
  fill("types-content",
    element("div", {class: "tools"}, element("label", {for: "type-search"}, "Search"),
      element("input", {type: "search", id: "type-search", placeholder: "part of a name", oninput: (event) => {
        TYPES.search = event.target.value.trim().toLowerCase();
        drawTypeRows();
      }}), element("span", {id: "types-found", class: "faint"})),
    element("div", {class: "scroll", id: "type-table"}));
  drawTypeRows();
}
