// The path to an object: from its root down, and what keeps it alive.

// The rows on the path to a row, from the root on; {skipped: n} stands for those that are left out.
function pathTo(row) {
  const nodes = DATA.nodes, path = [];
  let at = row;
  // A page that was tampered with may hold a circle.
  for (let steps = 0; at !== null && steps <= nodes.before.length; steps++) {
    path.unshift({row: at});
    if (nodes.skipped[at] > 0)
      path.unshift({skipped: nodes.skipped[at]});
    at = nodes.before[at];
  }
  return path;
}

function rootOf(row) {
  const path = pathTo(row);
  const first = path.length > 0 ? path[0].row : undefined;
  return first === undefined ? "" : string(DATA.nodes.way[first]);
}

// The list of a path. `last`: text instead of the last node.
function pathList(row, last) {
  const nodes = DATA.nodes, path = pathTo(row);
  const list = element("ol", {class: "path"});
  const add = (depth, ...content) => {
    const item = element("li", {}, ...content);
    item.style.setProperty("--depth", Math.min(depth, 12));
    list.append(item);
    return item;
  };
  add(0, rootOf(row) || "a root");
  path.forEach((step, at) => {
    if (step.skipped !== undefined) {
      add(at + 1, "\u2026 " + plural(step.skipped, "object") + " between");
      return;
    }
    const before = at > 0 && path[at - 1].row !== undefined ? string(nodes.way[step.row]) : "";
    const name = string(nodes.name[step.row]);
    const item = add(at + 1, before ? before + "  " : "", name + "  ", addressLink(addressOf(step.row)),
      "  " + bytes(nodes.bytes[step.row]));
    if (at + 1 === path.length && !last)
      item.classList.add("last");
  });
  if (last)
    add(path.length + 1, last).classList.add("last");
  return list;
}

function dominatorsOf(row) {
  const nodes = DATA.nodes, list = element("ol", {class: "path"});
  const chain = [];
  for (let at = nodes.dominator[row], steps = 0; at !== null && steps <= nodes.kind.length;
       at = nodes.dominator[at], steps++)
    chain.unshift(at);
  chain.forEach((at, depth) => {
    const item = element("li", {}, nameOfNode(at) + "  ",
      nodes.kind[at] === 2 ? null : addressLink(addressOf(at)), "  keeps " + bytes(nodes.retained[at]));
    item.style.setProperty("--depth", Math.min(depth, 12));
    list.append(item);
  });
  return list;
}

function showObject(address) {
  const dialog = document.getElementById("object");
  const row = ROW_OF.get(address), nodes = DATA.nodes;
  if (row === undefined) {
    say(address + " is not in this page");
    return;
  }
  fill("object-title", element("span", {class: "mono"}, string(nodes.name[row]) + "  " + address));
  fill("object-content",
    element("p", {}, bytes(nodes.bytes[row]) + " of its own; keeps " + bytes(nodes.retained[row]) + " in " +
      plural(nodes.objects[row], "object") + ", " + share(nodes.retained[row], WHOLE) + " of what is reachable"),
    element("h3", {}, "Path from a root"), pathList(row),
    row < nodes.in_tree ? element("h3", {}, "What alone keeps it (its dominators)") : null,
    row < nodes.in_tree ? dominatorsOf(row) : null);
  if (!dialog.open)
    dialog.showModal();
  document.getElementById("object-title").focus();
  dialog.scrollTop = 0;
}

document.getElementById("find").onsubmit = (event) => {
  event.preventDefault();
  const box = document.getElementById("find-address");
  const address = "0x" + box.value.trim().toLowerCase().replace(/^0x/, "").replace(/^0+(?=.)/, "");
  const is_shown = ROW_OF.has(address);
  box.setCustomValidity(is_shown ? "" : "not among the " + count(ROW_OF.size) + " objects of this page: " +
    "rudo-snap path FILE ADDRESS finds any");
  if (is_shown)
    showObject(address);
  else
    box.reportValidity();
};
document.getElementById("find-address").oninput = (event) => event.target.setCustomValidity("");
