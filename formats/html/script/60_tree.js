// The dominator tree, to open and close: a treegrid of rows that are made when they are opened.

const TREE_STEP = 20;

function nameOfNode(row) {
  return DATA.nodes.dominator[row] === null ? "all roots" : string(DATA.nodes.name[row]) || "roots";
}

function treeCells(row, level, has_below) {
  const nodes = DATA.nodes, name = element("div", {class: "tree-name"});
  name.style.setProperty("--level", Math.min(level, 18));
  const is_named_by_way = nodes.before[row] !== null && nodes.before[row] === nodes.dominator[row];
  const way = is_named_by_way && nodes.way[row] !== null ? string(nodes.way[row]) + "  " : "";
  name.append(has_below ? element("button", {type: "button", class: "twist", tabindex: -1, "aria-hidden": "true"}, "\u25b8") :
    element("span", {class: "twist"}), element("span", {class: "mono"}, way + nameOfNode(row) + "  ",
    nodes.kind[row] === 2 ? null : addressLink(addressOf(row))));
  const meter = element("i", {});
  meter.style.width = 100 * nodes.retained[row] / Math.max(nodes.retained[0], 1) + "%";
  return [element("td", {role: "gridcell", class: "name"}, name),
    element("td", {role: "gridcell", class: "number", exact: nodes.retained[row]}, bytes(nodes.retained[row])),
    element("td", {role: "gridcell", class: "minor"}, element("span", {class: "meter", "aria-hidden": "true"}, meter)),
    element("td", {role: "gridcell", class: "number"},
      nodes.retained[row] > WHOLE ? "" : share(nodes.retained[row], WHOLE)),
    element("td", {role: "gridcell", class: "number minor"}, count(nodes.objects[row])),
    element("td", {role: "gridcell", class: "number minor"}, nodes.kind[row] === 2 ? "" : bytes(nodes.bytes[row]))];
}

function treeRow(row, level) {
  const has_below = BELOW.has(row);
  const made = element("tr", {role: "row", "aria-level": level, "aria-expanded": has_below ? "false" : null, tabindex: -1},
    ...treeCells(row, level, has_below));
  made.treeRow = row;
  made.onclick = (event) => {
    if (!event.target.closest(".link"))
      toggle(made);
    focusRow(made);
  };
  return made;
}

// "and 9,900 more": the next ones on a click; those that the page does not hold are only counted.
function moreRow(above, from, level) {
  const nodes = DATA.nodes, below = BELOW.get(above), rest = nodes.children[above] - below.length;
  const here = below.length - from;
  const left_out = below.reduce((sum, row) => sum - nodes.retained[row], nodes.retained[above] - nodes.bytes[above]);
  if (here === 0 && rest <= 0)
    return null;
  const made = element("tr", {role: "row", "aria-level": level, tabindex: -1, class: "more"},
    element("td", {role: "gridcell", colspan: 6}, here > 0 ? count(here) + " more" + (rest > 0 ? ", and " : "") : "",
      rest > 0 ? count(rest) + " that are not in this page, " + bytes(Math.max(0, left_out)) : ""));
  made.firstChild.style.paddingLeft = Math.min(level, 18) * 1.05 + 1.3 + "rem";
  made.onclick = () => {
    if (here > 0) {
      const rows = rowsBelow(above, from, level);
      made.replaceWith(...rows);
      focusRow(rows[0]);
    }
  };
  made.openMore = here > 0 ? made.onclick : null;
  return made;
}

function rowsBelow(above, from, level) {
  const below = BELOW.get(above), end = Math.min(from + TREE_STEP, below.length);
  const rows = below.slice(from, end).map((row) => treeRow(row, level)), more = moreRow(above, end, level);
  return more ? [...rows, more] : rows;
}

function open(made) {
  if (made.getAttribute("aria-expanded") !== "false")
    return;
  made.setAttribute("aria-expanded", "true");
  made.querySelector(".twist").textContent = "\u25be";
  made.after(...rowsBelow(made.treeRow, 0, Number(made.getAttribute("aria-level")) + 1));
}

function close(made) {
  if (made.getAttribute("aria-expanded") !== "true")
    return;
  const level = Number(made.getAttribute("aria-level"));
  made.setAttribute("aria-expanded", "false");
  made.querySelector(".twist").textContent = "\u25b8";
  while (made.nextElementSibling && Number(made.nextElementSibling.getAttribute("aria-level")) > level)
    made.nextElementSibling.remove();
}

function toggle(made) {
  if (made.getAttribute("aria-expanded") === "false")
    open(made);
  else
    close(made);
}

function focusRow(made) {
  if (!made)
    return;
  made.parentNode.querySelectorAll('[tabindex="0"]').forEach((row) => row.setAttribute("tabindex", -1));
  made.setAttribute("tabindex", 0);
  made.focus();
}

function treeKey(event) {
  const made = event.target.closest("tr");
  if (!made || made.treeRow === undefined && !made.openMore && !["ArrowUp", "ArrowDown"].includes(event.key))
    return;
  const level = Number(made.getAttribute("aria-level"));
  if (event.key === "ArrowDown") {
    focusRow(made.nextElementSibling);
  } else if (event.key === "ArrowUp") {
    focusRow(made.previousElementSibling);
  } else if (event.key === "ArrowRight") {
    if (made.getAttribute("aria-expanded") === "true")
      focusRow(made.nextElementSibling);
    else
      open(made);
  } else if (event.key === "ArrowLeft") {
    if (made.getAttribute("aria-expanded") === "true") {
      close(made);
    } else {
      let above = made.previousElementSibling;
      while (above && Number(above.getAttribute("aria-level")) >= level)
        above = above.previousElementSibling;
      focusRow(above);
    }
  } else if (event.key === "Enter" && event.target === made) {
    if (made.openMore)
      made.openMore();
    else if (DATA.nodes.kind[made.treeRow] === 2)
      toggle(made);
    else
      showObject(addressOf(made.treeRow));
  } else {
    return;
  }
  event.preventDefault();
}

function drawTree() {
  const nodes = DATA.nodes;
  if (!nodes) {
    fill("tree-content", element("p", {class: "note"}, "Left out: " + REPORT.left_out));
    return;
  }
  const body = element("tbody", {onkeydown: treeKey}, treeRow(0, 1));
  const head = (title, classes) => element("th", {scope: "col", class: classes}, title);
  fill("tree-content",
    element("p", {class: "note"}, "What each object alone keeps alive: cut the reference to it, and all below it is garbage. " +
      "The page holds " + count(nodes.in_tree) + " of " + count(nodes.of) + " nodes, the largest. Arrows open, close and " +
      "move, Enter shows the path."),
    element("div", {class: "scroll"}, element("table", {role: "treegrid", "aria-label": "dominator tree", id: "dominators"},
      element("thead", {}, element("tr", {}, head("node", ""), head("keeps", "number"), head("", "minor"), head("share", "number"),
        head("objects", "number minor"), head("own", "number minor"))), body)));
  body.firstChild.setAttribute("tabindex", 0);
  // Down to where the memory parts.
  let made = body.firstChild;
  for (let i = 0; i < 6 && made; i++) {
    open(made);
    const next = made.nextElementSibling;
    if (!next || next.treeRow === undefined || nodes.retained[next.treeRow] < nodes.retained[made.treeRow] / 2)
      break;
    made = next;
  }
}
