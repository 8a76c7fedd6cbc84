// The JSON block, and lookups in its columns.

const DATA = JSON.parse(document.getElementById("data").textContent);
const REPORT = DATA.report;
const STRINGS = DATA.strings;
const WHOLE = DATA.program_bytes;

function string(number) {
  return number === null || number === undefined ? "" : STRINGS[number];
}

// Rows by address, as in "0x7f0012345678".
const ROW_OF = new Map();
// Rows of the dominator tree by their dominator, largest first.
const BELOW = new Map();

if (DATA.nodes) {
  const nodes = DATA.nodes;
  nodes.address.forEach((address, row) => {
    if (address !== "")
      ROW_OF.set("0x" + address, row);
  });
  for (let row = 0; row < nodes.in_tree; row++) {
    const above = nodes.dominator[row];
    if (above === null)
      continue;
    if (!BELOW.has(above))
      BELOW.set(above, []);
    BELOW.get(above).push(row);
  }
  for (const rows of BELOW.values())
    rows.sort((a, b) => nodes.retained[b] - nodes.retained[a] || a - b);
}

function addressOf(row) {
  return DATA.nodes.address[row] === "" ? "" : "0x" + DATA.nodes.address[row];
}

// A button that shows the path to an object; plain text where the page does not hold it.
function addressLink(address) {
  if (!ROW_OF.has(address))
    return element("span", {class: "mono"}, address);
  return element("button", {type: "button", class: "link", title: "path to this object",
    onclick: () => showObject(address)}, address);
}

// "stack of thread 'main', stack 0x..., frame #2 serve" without the address of the word.
function withoutStack(label) {
  return label.replace(/, stack 0x[0-9a-f]+/, "");
}
