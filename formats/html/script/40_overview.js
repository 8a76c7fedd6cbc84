// The first screen: the verdict, totals, growth, the other suspects, the account of memory.

function placeOf(suspect) {
  let text = suspect.in !== "" ? suspect.in : "memory of " + withoutStack(suspect.root.label || "roots");
  if (suspect.behind_foreign_blocks > 0)
    text += ", behind " + plural(suspect.behind_foreign_blocks, "foreign block");
  if (suspect.nested)
    text += ", below each other (a list or a tree)";
  if (suspect.threads > 1)
    text += ", on " + count(suspect.threads) + " threads alike";
  else if (suspect.places > 1)
    text += ", in " + count(suspect.places) + " places alike";
  return text;
}

function growthText(growth) {
  return growth === null ? "not known" :
    signed(growth.objects, count) + (Math.abs(growth.objects) === 1 ? " object, " : " objects, ") +
    signed(growth.retained_bytes, bytes);
}

function hasGrown(suspect) {
  return suspect.growth !== null && suspect.growth.objects > 0 && suspect.growth.retained_bytes > 0;
}

function suspectPath(suspect) {
  const row = ROW_OF.get(suspect.accumulates_in.address) ?? ROW_OF.get(suspect.example.address);
  if (row === undefined)
    return null;
  const at_place = ROW_OF.has(suspect.accumulates_in.address);
  return pathList(row, at_place ? count(suspect.objects) + " \u00d7 " + suspect.type : null);
}

function verdict() {
  const first = REPORT.suspects[0];
  if (REPORT.left_out !== null)
    return element("div", {class: "verdict doubt"}, element("p", {class: "label"}, "Not known"),
      element("p", {class: "amount"}, "Retained sizes were left out: " + REPORT.left_out));
  if (first === undefined && !REPORT.snapshot.complete)
    return element("div", {class: "verdict doubt"}, element("p", {class: "label"}, "Not known"),
      element("p", {class: "amount"}, "Nothing stands out in the part of the heap that is left; what is missing may keep " +
        "what looks like garbage here."));
  if (first === undefined)
    return element("div", {class: "verdict calm"}, element("p", {class: "label"}, "No suspect"),
      element("p", {class: "amount"}, "Nothing stands out: no 20 objects of one type that are reached in the same way " +
        "keep 5 % of what is reachable."));
  const is_calm = REPORT.older !== null && first.growth !== null && !hasGrown(first);
  return element("div", {class: is_calm ? "verdict calm" : "verdict"},
    element("p", {class: "label"}, is_calm ? "No growth: no crowd of objects grew; the largest one" : "Likely leak"),
    element("p", {class: "amount", id: "verdict-amount", exact: first.retained_bytes},
      count(first.objects) + " \u00d7 " + first.type + " keep " + bytes(first.retained_bytes) + ", " +
      share(first.retained_bytes, WHOLE) + " of what is reachable"),
    element("p", {class: "mono"}, "in " + placeOf(first)),
    first.holding === null ? null : element("p", {}, "holding " + count(first.holding.objects) + " \u00d7 " +
      first.holding.type + "; " + count(first.holding.held_elsewhere) + " others are held elsewhere"),
    REPORT.older === null ?
      element("p", {class: "faint"}, "One heap does not tell a leak from a cache; a later capture does: give both to " +
        "rudo-snap report, the older one first.") :
      element("p", {}, "growth since " + REPORT.older[0].captured_at.replace("T", " ").replace("Z", " UTC") + ": " +
        growthText(first.growth) + ", of " + signed(WHOLE - REPORT.older[0].retained_bytes, bytes) + " in all" +
        (first.growth !== null && first.growth.in_every_step && REPORT.older.length > 1 ?
          "; more in each of " + REPORT.older.length + " steps" : "")),
    suspectPath(first));
}

function totals() {
  const of = REPORT.totals, tile = (exact, value, text) =>
    element("div", {class: "tile"}, element("b", {exact}, value), element("span", {}, text));
  const sized = of.reachable_blocks_without_content;
  return element("div", {class: "tiles"},
    tile(WHOLE, bytes(WHOLE), "kept by the program"),
    tile(of.reachable_objects, count(of.reachable_objects), "reachable objects, " + bytes(of.reachable_bytes)),
    tile(of.reachable_foreign_blocks, count(of.reachable_foreign_blocks), "malloc'd blocks, " +
      bytes(of.reachable_foreign_bytes) + (sized ? "; " + count(sized) + " without content, " +
        bytes(of.reachable_bytes_without_content) : "")),
    tile(of.unreachable_objects, count(of.unreachable_objects), (REPORT.snapshot.complete ? "garbage objects, " :
      "objects that nothing left here keeps, ") + bytes(of.unreachable_bytes)),
    tile(of.zombies, count(of.zombies), "zombies, " + bytes(of.zombie_bytes)),
    tile(of.pages, count(of.pages), "pages, " + bytes(of.heap_bytes) + ", " +
      share(of.reachable_bytes, of.heap_bytes) + " in reachable objects"));
}

function grown() {
  const all = REPORT.growth_by_retainer;
  if (all === null)
    return null;
  if (all.largest.length === 0)
    return element("div", {}, element("h3", {}, "What grew, by retainer"),
      element("p", {class: "faint"}, "no place has more objects than in the older snapshot"));
  return element("div", {}, element("h3", {}, "What grew, by retainer"), table([
    {title: "in", is_name: true, text: (row) => row.in + (row.merged_fields ? " and other fields" : "")},
    {title: "more", is_number: true, text: (row) => signed(row.growth.objects, count), exact: (row) => row.growth.objects},
    {title: "of type", is_name: true, text: (row) => row.type},
    {title: "+retained", is_number: true, text: (row) => signed(row.growth.retained_bytes, bytes),
      exact: (row) => row.growth.retained_bytes},
    {title: "now", is_number: true, minor: true, text: (row) => count(row.objects)},
    {title: "retained", is_number: true, minor: true, text: (row) => bytes(row.retained_bytes)},
    {title: "every step", minor: true, text: (row) => row.growth.in_every_step ? "yes" : ""},
  ], all.largest, "places in which objects became more"),
  all.places > all.largest.length ?
    element("p", {class: "more"}, "and " + plural(all.places - all.largest.length, "more place")) : null);
}

function otherSuspects() {
  const rows = REPORT.suspects.slice(1);
  if (rows.length === 0)
    return null;
  return element("div", {}, element("h3", {}, "Other suspects"), ...rows.map((suspect) =>
    element("details", {}, element("summary", {}, element("span", {class: "mono"}, count(suspect.objects) + " \u00d7 " +
      suspect.type), " keep " + bytes(suspect.retained_bytes) + ", " + share(suspect.retained_bytes, WHOLE) + ", in ",
      element("span", {class: "mono"}, placeOf(suspect)),
      REPORT.older === null ? null : "; growth " + growthText(suspect.growth)), suspectPath(suspect))));
}

const ACCOUNT = [
  ["object_bytes", "objects"], ["malloc_of_objects_bytes", "malloc, of objects: strings and buffers"],
  ["malloc_shared_bytes", "malloc, shared: of objects, and kept by other memory as well"],
  ["malloc_of_roots_bytes", "malloc, of roots: leads to objects, but no object refers to it"],
  ["malloc_other_bytes", "malloc, others: not referred to by any object"],
  ["malloc_free_bytes", "malloc, free: freed, not returned to the system; headers of blocks"],
  ["zombie_bytes", "zombies"], ["free_slot_bytes", "free slots of pages"], ["page_header_bytes", "headers of pages"],
  ["stack_bytes", "stacks"], ["variable_bytes", "variables"], ["file_bytes", "code and files"],
  ["other_bytes", "other: private memory of unknown use"],
];

function account() {
  const memory = REPORT.memory, of = REPORT.totals;
  let rows, whole, title;
  if (memory !== null) {
    title = "Account of the resident memory";
    whole = memory.resident_bytes;
    rows = ACCOUNT.map(([key, text]) => ({text, bytes: memory[key]}));
    // A block may be larger than its resident part.
    const rooted = rows.find((row) => row.text.startsWith("malloc, of roots"));
    const own = Math.min(REPORT.collector === null ? 0 : REPORT.collector.foreign_bytes, rooted.bytes);
    rooted.bytes -= own;
    rows.splice(rows.indexOf(rooted), 0, {text: "the collector's own tables, queues and buffers", bytes: own});
    rows.push({text: "unexplained", bytes: Math.max(0, whole - memory.explained_bytes)});
  } else {
    title = "Account of the pages";
    whole = of.heap_bytes;
    rows = [{text: "reachable objects", bytes: of.reachable_bytes}, {text: "garbage", bytes: of.unreachable_bytes},
      {text: "zombies", bytes: of.zombie_bytes}, {text: "free slots and headers",
        bytes: of.heap_bytes - of.reachable_bytes - of.unreachable_bytes - of.zombie_bytes}];
  }
  rows = rows.filter((row) => row.bytes > 0);
  // Neighbours differ in hue.
  const coloured = (made, row) => {
    made.style.setProperty("--hue", (210 + rows.indexOf(row) * 137) % 360);
    return made;
  };
  const bar = element("div", {class: "stack", role: "img", "aria-label": "the table below as a bar"}, ...rows.map((row) => {
    const part = coloured(element("i", {title: row.text + ": " + bytes(row.bytes)}), row);
    part.style.width = 100 * row.bytes / Math.max(whole, 1) + "%";
    return part;
  }));
  return element("div", {}, element("h3", {}, title), element("p", {class: "faint"}, bytes(whole) + " = 100 %" +
    (memory === null ? "; the account of the whole process was not recorded" : "")), bar, table([
    {title: "", text: (row) => coloured(element("span", {class: "swatch"}), row)},
    {title: "bytes", is_number: true, text: (row) => bytes(row.bytes), exact: (row) => row.bytes},
    {title: "share", is_number: true, text: (row) => share(row.bytes, whole)},
    {title: "part", text: (row) => row.text},
  ], rows, title));
}

function drawOverview() {
  const capture = DATA.capture;
  document.title = shown(capture.executable) + ": heap report";
  fill("title", element("span", {}, capture.executable || "a program"), " ",
    element("span", {class: "faint"}, "heap of " + capture.captured_at.replace("T", " ").replace("Z", " UTC")));
  fill("origin", element("span", {}, (capture.pid > 0 ? "pid " + capture.pid + " \u00b7 " : "") +
    (capture.method === "core" ? "from a core \u00b7 " : capture.pause_ns > 0 ? "stopped " + time(capture.pause_ns) + " \u00b7 " : "") + REPORT.snapshot.layout + " \u00b7 " + REPORT.mark.rule +
    " \u00b7 rudo-snap " + DATA.tool_version));
  fill("badges",
    REPORT.snapshot.complete ? null : element("span", {class: "badge alarm"}, "not complete: more may be reachable than the page says"),
    capture.redacted ? element("span", {class: "badge"}, "redacted: no data, no names given at run time") : null,
    REPORT.older === null ? null : element("span", {class: "badge"}, "compared with " +
      plural(REPORT.older.length, "older snapshot")));
  fill("verdict", REPORT.snapshot.complete ? null :
    element("p", {class: "badge alarm"}, "missing: " + REPORT.snapshot.missing.replace(/\n/g, "; ")), verdict());
  fill("totals", totals());
  fill("growth", grown());
  fill("suspects", otherSuspects());
  fill("account", account());
}
