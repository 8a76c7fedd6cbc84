// The map of pages: a cell for each, coloured by class, occupancy, reachable share or owner.

const MAP = {by: "reachable", at: 0, columns: 1, side: 8, addresses: []};

// The colour of a cell, by what decides it: a value, or a share in per cent.
function pageKey(cell) {
  const pages = DATA.pages, share_of = (value) => Math.round(100 * value / Math.max(pages.slots[cell], 1));
  return MAP.by === "class" || MAP.by === "owner" ? pages[MAP.by][cell] :
    MAP.by === "occupied" ? share_of(pages.live[cell] + pages.dead[cell]) : share_of(pages.reachable[cell]);
}

function pageColour(key, styles) {
  const colour = (name) => styles.getPropertyValue(name).trim();
  if (MAP.by === "class" || MAP.by === "owner")
    return key === null ? colour("--zombie") : "hsl(" + hue(MAP.by + key) + " 50% 55%)";
  return "color-mix(in srgb, " + colour(MAP.by === "occupied" ? "--garbage" : "--reachable") + " " + key + "%, " +
    colour("--free") + ")";
}

function drawMap() {
  const canvas = document.getElementById("map"), pages = DATA.pages, cells = pages.class.length;
  const width = Math.max(canvas.parentNode.clientWidth - 2, 200), ratio = Math.min(devicePixelRatio || 1, 2);
  const styles = getComputedStyle(document.documentElement), colours = new Map();
  // Small heaps have large cells; large ones cells of three pixels.
  MAP.side = Math.max(3, Math.min(14, Math.floor(Math.sqrt(width * 420 / Math.max(cells, 1)))));
  MAP.columns = Math.floor(width / MAP.side);
  const height = Math.max(1, Math.ceil(cells / MAP.columns)) * MAP.side;
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  canvas.style.height = "auto";
  const brush = canvas.getContext("2d");
  brush.scale(ratio, ratio);
  const gap = MAP.side > 4 ? 1 : 0.5;
  for (let cell = 0; cell < cells; cell++) {
    const key = pageKey(cell);
    if (!colours.has(key))
      colours.set(key, pageColour(key, styles));
    brush.fillStyle = colours.get(key);
    brush.fillRect(cell % MAP.columns * MAP.side, Math.floor(cell / MAP.columns) * MAP.side, MAP.side - gap, MAP.side - gap);
  }
  if (document.activeElement === canvas) {
    brush.strokeStyle = styles.getPropertyValue("--alarm").trim();
    brush.lineWidth = 2;
    brush.strokeRect(MAP.at % MAP.columns * MAP.side, Math.floor(MAP.at / MAP.columns) * MAP.side, MAP.side, MAP.side);
  }
  drawLegend(styles);
}

function drawLegend(styles) {
  const pages = DATA.pages, key = (colour, text) => {
    const swatch = element("i", {});
    swatch.style.background = colour;
    return element("span", {}, swatch, text);
  };
  const colour = (name) => styles.getPropertyValue(name).trim();
  if (MAP.by === "class" || MAP.by === "owner") {
    const counts = new Map();
    pages[MAP.by].forEach((value) => counts.set(value, (counts.get(value) || 0) + 1));
    const most = [...counts].sort((a, b) => b[1] - a[1]).slice(0, 14);
    fill("legend", ...most.map(([value, number]) => key(value === null ? colour("--zombie") :
      "hsl(" + hue(MAP.by + value) + " 50% 55%)", (value === null ? "several" : MAP.by === "class" ? bytes(value) :
      "thread " + value) + ": " + plural(number, "cell"))),
    counts.size > most.length ? element("span", {}, "and " + count(counts.size - most.length) + " more") : null);
    return;
  }
  const name = MAP.by === "occupied" ? "--garbage" : "--reachable";
  const text = MAP.by === "occupied" ? "slots with an object" : "slots with a reachable object";
  fill("legend", key(colour("--free"), "none"), key("color-mix(in srgb, " + colour(name) + " 50%, " + colour("--free") + ")", "half"),
    key(colour(name), "all " + text));
}

function cellText(cell) {
  const pages = DATA.pages;
  return "0x" + MAP.addresses[cell] + ": " + (pages.large[cell] && pages.each === 1 ? "large object, " :
    pages.class[cell] === null ? "several classes, " : "class " + bytes(pages.class[cell]) + ", ") +
    (pages.pages[cell] > 1 ? plural(pages.pages[cell], "page") + ", " : "") + plural(pages.slots[cell], "slot") + ", " +
    count(pages.live[cell]) + " with objects, " + count(pages.reachable[cell]) + " reachable, " +
    (pages.dead[cell] > 0 ? plural(pages.dead[cell], "zombie") + ", " : "") + (pages.owner[cell] === null ?
    "several owner threads" : "owner thread " + pages.owner[cell]) + ", generation " +
    (pages.generation[cell] === null ? "mixed" : pages.generation[cell]);
}

function cellAt(event) {
  const box = event.target.getBoundingClientRect();
  const cell = Math.floor((event.clientY - box.top) / MAP.side) * MAP.columns + Math.floor((event.clientX - box.left) / MAP.side);
  return cell >= 0 && cell < DATA.pages.class.length ? cell : -1;
}

function showCell(cell, is_said) {
  if (cell < 0)
    return;
  MAP.at = cell;
  document.getElementById("page-facts").textContent = cellText(cell);
  if (is_said)
    say(cellText(cell));
}

function mapKey(event) {
  const last = DATA.pages.class.length - 1;
  const steps = {ArrowRight: 1, ArrowLeft: -1, ArrowDown: MAP.columns, ArrowUp: -MAP.columns, Home: -last, End: last};
  if (!(event.key in steps))
    return;
  event.preventDefault();
  showCell(Math.max(0, Math.min(last, MAP.at + steps[event.key])), true);
  drawMap();
}

function classTable() {
  const free = new Map(REPORT.fragmentation.size_classes.map((row) => [row.size_class, row]));
  const pages = (row, key) => free.has(row.size_class) ? count(free.get(row.size_class)[key]) : "-";
  return table([
    {title: "size class", is_number: true, text: (row) => row.size_class === null ? "large" : bytes(row.size_class)},
    {title: "pages", is_number: true, text: (row) => pages(row, "pages")},
    {title: "nearly empty", is_number: true, text: (row) => pages(row, "nearly_empty_pages")},
    {title: "none reachable", is_number: true, text: (row) => pages(row, "pages_without_reachable")},
    {title: "reachable objects", is_number: true, text: (row) => count(row.reachable_objects), exact: (row) => row.reachable_objects},
    {title: "reachable bytes", is_number: true, text: (row) => bytes(row.reachable_bytes), exact: (row) => row.reachable_bytes},
    {title: "garbage bytes", is_number: true, minor: true, text: (row) => bytes(row.unreachable_bytes)},
  ], REPORT.size_classes, "size classes");
}

function keeperTable() {
  const rows = REPORT.fragmentation.kept_by.slice(0, 12);
  if (rows.length === 0)
    return null;
  return element("div", {}, element("h3", {}, "What keeps nearly empty pages"), table([
    {title: "pages", is_number: true, text: (row) => count(row.pages)},
    {title: "free bytes", is_number: true, text: (row) => bytes(row.free_bytes)},
    {title: "objects", is_number: true, minor: true, text: (row) => count(row.objects)},
    {title: "type", is_name: true, text: (row) => row.type},
    {title: "kept by", is_name: true, text: (row) => row.dominator_type},
    {title: "one of them", minor: true, text: (row) => addressLink(row.example)},
  ], rows, "objects that keep nearly empty pages"));
}

function drawPages() {
  const pages = DATA.pages;
  // Addresses have up to 64 bits.
  let address = BigInt("0x" + pages.first);
  pages.step.forEach((step) => {
    address += BigInt(step) * BigInt(REPORT.snapshot.page_size);
    MAP.addresses.push(address.toString(16));
  });
  const choice = (by, title) => element("button", {type: "button", "aria-pressed": String(MAP.by === by), onclick: (event) => {
    MAP.by = by;
    for (const button of event.target.parentNode.children)
      button.setAttribute("aria-pressed", button === event.target);
    drawMap();
  }}, title);
  fill("pages-content",
    element("div", {class: "tools"}, element("span", {}, "Colour by"), element("span", {class: "choice", role: "group",
      "aria-label": "colour by"}, choice("reachable", "reachable"), choice("occupied", "occupancy"), choice("class", "class"),
    choice("owner", "owner")), element("span", {class: "faint"}, plural(pages.of, "page") + (pages.each > 1 ?
      "; each cell is " + pages.each + " pages next to each other" : ", a cell each"))),
    element("div", {}, element("canvas", {id: "map", tabindex: 0, role: "img", "aria-label":
      "map of the pages; arrows move from page to page, the table below has the sums", onkeydown: mapKey,
    onmousemove: (event) => showCell(cellAt(event), false), onclick: (event) => showCell(cellAt(event), true),
    onfocus: drawMap, onblur: drawMap})),
    element("div", {id: "page-facts", class: "facts mono"}, "point at a cell, or go there with the arrow keys"),
    element("div", {id: "legend", class: "legend"}),
    element("h3", {}, "By size class"), classTable(), keeperTable());
  drawMap();
  addEventListener("resize", drawMap);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawMap);
}
