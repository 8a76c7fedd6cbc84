// Memory by labelled path, as an icicle or a treemap. d3-hierarchy lays both out.

const MAX_BLOCKS = 1200;
const ROW_HEIGHT = 22;
const ICICLE_ROWS = 16;
const TREEMAP_LEVELS = 9;

// The routes as a tree. Each byte is on one route, so the bytes below a path add up to its own.
function routeTree() {
  const routes = DATA.routes, top = {name: "all that the program keeps", field: "", bytes: 0, own: 0, children: [], row: -1};
  const made = routes.parent.map((parent, row) => ({name: string(routes.type[row]), field: string(routes.field[row]),
    bytes: routes.all[row], own: routes.own[row], children: [], row, root: routes.parent[row] === null &&
      routes.example[row] !== null ? withoutStack(rootOf(routes.example[row])) : ""}));
  made.forEach((node, row) => (routes.parent[row] === null ? top : made[routes.parent[row]]).children.push(node));
  top.bytes = Math.max(WHOLE, top.children.reduce((sum, node) => sum + node.bytes, 0));
  for (const node of [top, ...made]) {
    const rest = node.bytes - node.own - node.children.reduce((sum, child) => sum + child.bytes, 0);
    if (rest > 0)
      node.children.push({name: node === top ? "on no path of its own" : "smaller paths, not in this page", field: "",
        bytes: rest, own: rest, children: [], row: -2});
  }
  return top;
}

const MEMORY = {top: null, at: null, is_icicle: true, search: "", focus: null};

function wayOf(node) {
  const names = [];
  for (let at = node; at.parent; at = at.parent)
    names.unshift(labelOf(at));
  return names.join(" \u203a ");
}

function labelOf(node) {
  return (node.data.field ? node.data.field + "  " : "") + node.data.name + (node.data.root ? " of " + node.data.root : "");
}

function factsOf(node) {
  const row = node.data.row, routes = DATA.routes;
  const parts = [element("div", {class: "mono"}, node.parent ? wayOf(node) : node.data.name),
    element("div", {exact: node.value}, bytes(node.value) + " at and below this path, " + share(node.value, MEMORY.top.value) +
      " of all; " + bytes(node.data.own) + " in its own objects")];
  if (row < 0)
    return parts;
  const example = routes.example[row], growth = routes.growth ? routes.growth[row] : null;
  parts.push(element("div", {}, plural(routes.objects[row], DATA.strings[routes.type[row]] === "foreign block" ? "block" : "object") +
    " in " + plural(routes.places[row], "place") + ", which alone keep " + bytes(routes.retained[row]) +
    (growth ? "; growth " + signed(growth[0], count) + ", " + signed(growth[1], bytes) : "") + " ",
    example === null ? null : addressLink(addressOf(example))));
  return parts;
}

function isFound(node) {
  return MEMORY.search !== "" && (node.data.name + node.data.field + (node.data.root || "")).toLowerCase().includes(MEMORY.search);
}

// Lays out what lies below the node at hand: x and y in pixels.
function layOut(width) {
  const at = MEMORY.at, chart = d3.hierarchy(at.data).sum((data) => data.own && data.children.length > 0 ? data.own :
    data.children.length > 0 ? 0 : data.bytes);
  const originals = at.descendants();
  // The copy has the same nodes in the same order.
  chart.descendants().forEach((node, i) => { node.original = originals[i]; });
  if (MEMORY.is_icicle) {
    const height = Math.min(chart.height, ICICLE_ROWS - 1) + 1;
    d3.partition().size([width, (chart.height + 1) * ROW_HEIGHT])(chart);
    return {nodes: chart.descendants().filter((node) => node.depth < ICICLE_ROWS && node.x1 - node.x0 >= 2),
      height: height * ROW_HEIGHT};
  }
  const height = Math.max(260, Math.min(520, Math.round(width * 0.5)));
  // paddingOuter sets the top's, too, so it comes first.
  d3.treemap().size([width, height]).paddingInner(1).paddingOuter(2).paddingTop((node) => node.height > 0 ? 17 : 0)
    .round(true)(chart);
  return {nodes: chart.descendants().filter((node) => node.depth < TREEMAP_LEVELS && node.x1 - node.x0 >= 4 &&
    node.y1 - node.y0 >= 4), height};
}

function zoomTo(node) {
  MEMORY.at = node;
  drawChart(node);
  say("zoomed to " + (node.parent ? wayOf(node) : "all") + ", " + bytes(node.value));
}

function blockOf(laid, whole) {
  const node = laid.original, width = laid.x1 - laid.x0;
  const block = element("button", {type: "button", class: "block" + (node.data.row === -2 ? " rest" : "") +
      (width < 12 ? " thin" : "") +
      (MEMORY.search === "" ? "" : isFound(node) ? " found" : " dim"), tabindex: -1,
    title: labelOf(node) + "\n" + bytes(node.value) + ", " + share(node.value, MEMORY.top.value),
    "aria-label": labelOf(node) + ", " + bytes(node.value) + ", " + share(node.value, MEMORY.top.value),
    exact: node.value},
  width > 28 ? labelOf(node) + "  " + bytes(node.value) : "");
  tinted(block, node.data.name);
  // Paper is not as wide as the window.
  block.style.left = 100 * laid.x0 / whole + "%";
  block.style.top = laid.y0 + "px";
  block.style.width = 100 * width / whole + "%";
  block.style.height = laid.y1 - laid.y0 + "px";
  if (!MEMORY.is_icicle && node.children && width > 28)
    block.style.paddingBottom = Math.max(0, laid.y1 - laid.y0 - 17) + "px";
  block.onclick = () => zoomTo(node.children ? node : node.parent && node !== MEMORY.at ? node.parent : MEMORY.at);
  block.onfocus = block.onmouseenter = () => {
    MEMORY.focus = node;
    fill("memory-facts", ...factsOf(node));
  };
  return block;
}

function drawChart(focus) {
  const chart = document.getElementById("chart"), whole = Math.max(chart.clientWidth, 280), laid = layOut(whole);
  // The largest, where there are too many; parents stay, since they are larger.
  const nodes = laid.nodes.sort((a, b) => b.value - a.value || a.depth - b.depth).slice(0, MAX_BLOCKS)
    .sort((a, b) => a.depth - b.depth);
  const blocks = new Map();
  chart.style.height = laid.height + 2 + "px"; // with its border
  chart.replaceChildren(...nodes.map((node) => {
    const block = blockOf(node, whole);
    blocks.set(node.original, block);
    return block;
  }));
  MEMORY.blocks = blocks;
  const first = blocks.get(MEMORY.at);
  (blocks.get(focus) || first).tabIndex = 0;
  if (focus)
    (blocks.get(focus) || first).focus({preventScroll: true});
  else
    fill("memory-facts", ...factsOf(MEMORY.at));
  const way = MEMORY.at.ancestors().reverse();
  fill("crumbs", ...way.flatMap((node, i) => [i > 0 ? element("span", {}, "\u203a") : null,
    element("button", {type: "button", class: "link", "aria-current": node === MEMORY.at ? "true" : null,
      onclick: () => zoomTo(node)}, labelOf(node))]));
  if (MEMORY.search !== "") {
    let found = 0;
    // Of paths within each other the outer one counts.
    const add = (node) => isFound(node) ? found += node.value : (node.children || []).forEach(add);
    add(MEMORY.at);
    fill("memory-found", element("span", {exact: found}, bytes(found) + " on paths with it, " + share(found, MEMORY.at.value)));
  } else {
    fill("memory-found");
  }
}

function moveFocus(node) {
  const block = node && MEMORY.blocks.get(node);
  if (!block)
    return;
  for (const other of MEMORY.blocks.values())
    other.tabIndex = -1;
  block.tabIndex = 0;
  block.focus();
}

function chartKey(event) {
  const node = MEMORY.focus || MEMORY.at;
  const siblings = node.parent && node !== MEMORY.at ? node.parent.children : [node];
  const at = siblings.indexOf(node);
  if (event.key === "ArrowDown")
    moveFocus(node.children && node.children[0]);
  else if (event.key === "ArrowUp")
    moveFocus(node !== MEMORY.at ? node.parent : null);
  else if (event.key === "ArrowRight")
    moveFocus(siblings[at + 1]);
  else if (event.key === "ArrowLeft")
    moveFocus(siblings[at - 1]);
  else if (event.key === "Escape" || event.key === "Backspace")
    MEMORY.at.parent && zoomTo(MEMORY.at.parent);
  else
    return;
  event.preventDefault();
}

function setView(is_icicle) {
  MEMORY.is_icicle = is_icicle;
  document.getElementById("view-icicle").setAttribute("aria-pressed", is_icicle);
  document.getElementById("view-treemap").setAttribute("aria-pressed", !is_icicle);
  drawChart(null);
}

function drawMemory() {
  if (!DATA.routes) {
    fill("memory-content", element("p", {class: "note"}, "Left out: " + REPORT.left_out));
    return;
  }
  MEMORY.top = d3.hierarchy(routeTree()).sum((data) => data.children.length > 0 ? data.own : data.bytes)
    .sort((a, b) => b.value - a.value || a.data.row - b.data.row);
  // The charts copy this order.
  MEMORY.top.eachAfter((node) => { if (node.children) node.data.children = node.children.map((child) => child.data); });
  MEMORY.at = MEMORY.top;
  fill("memory-content",
    element("p", {class: "note"}, "Each byte that the program keeps is on one path: that of its object, by the types and " +
      "fields on the way. A click or Enter zooms, Escape zooms out, arrows move."),
    element("div", {class: "tools"},
      element("span", {class: "choice", role: "group", "aria-label": "view"},
        element("button", {type: "button", id: "view-icicle", "aria-pressed": "true", onclick: () => setView(true)}, "Icicle"),
        element("button", {type: "button", id: "view-treemap", "aria-pressed": "false", onclick: () => setView(false)}, "Treemap")),
      element("label", {for: "memory-search"}, "Search"),
      element("input", {type: "search", id: "memory-search", placeholder: "type or field", oninput: (event) => {
        MEMORY.search = event.target.value.trim().toLowerCase();
        drawChart(null);
      }}),
      element("span", {id: "memory-found", class: "faint"}),
      element("button", {type: "button", id: "memory-reset", onclick: () => zoomTo(MEMORY.top)}, "All")),
    element("div", {id: "crumbs", class: "crumbs"}),
    element("div", {id: "chart", class: "chart", role: "group", "aria-label": "memory by path", onkeydown: chartKey}),
    element("div", {id: "memory-facts", class: "facts"}),
    DATA.routes.of > DATA.routes.parent.length ? element("p", {class: "more"}, "The page has the " +
      count(DATA.routes.parent.length) + " largest of " + count(DATA.routes.of) + " paths; the others are summed up.") : null);
  drawChart(null);
  let width = document.getElementById("chart").clientWidth;
  addEventListener("resize", () => {
    const now = document.getElementById("chart").clientWidth;
    if (now !== width) {
      width = now;
      drawChart(null);
    }
  });
}
