// How the heap was captured, what is missing, and what this page leaves out.

function captureFacts() {
  const capture = DATA.capture, snapshot = REPORT.snapshot;
  const facts = [
    ["program", capture.executable + " (pid " + capture.pid + ")"], ["build id", capture.build_id],
    ["captured", capture.captured_at.replace("T", " ").replace("Z", " UTC")],
    ["by", "rudo-snap " + capture.tool_version + ", method " + capture.method],
    ["stopped for", capture.method === "core" ? "" : time(capture.pause_ns)],
    ["stops", capture.stops.map((stop) => stop.phase + ": " + time(stop.stopping_ns + stop.working_ns + stop.resuming_ns) +
      ", " + plural(stop.threads, "thread") + ", " + plural(stop.pages, "page")).join("; ")],
    ["copied while it ran", capture.rounds.map((round) => plural(round.pages, "page") + " in " + time(round.duration_ns)).join("; ")],
    ["layout", snapshot.layout + ", pages of " + bytes(snapshot.page_size)],
    ["malloc'd memory", "treated as " + capture.foreign_mode + (capture.foreign_note ? ": " + capture.foreign_note : "")],
    ["names", capture.names_note], ["collection", capture.collection],
    ["one moment", capture.single_moment === null ? "not known" : capture.single_moment ? "yes" : "no: " + capture.sharing_note],
    ["redacted", capture.redacted ? "yes: data of objects and names given at run time are left out" : "no: names, and data in reports, are those of the program"],
    ["counted as strong", REPORT.mark.counted_as_strong.join(", ")],
    ["rule and digest", REPORT.mark.rule + ", " + REPORT.mark.digest],
    ["complete", snapshot.complete ? "yes" : "no: " + snapshot.missing.replace(/\n/g, "; ")],
    ["older snapshots", REPORT.older === null ? "" : REPORT.older.map((heap) => heap.captured_at.replace("T", " ").replace("Z", " UTC") +
      ", " + plural(heap.reachable_objects, "reachable object") + ", " + bytes(heap.retained_bytes)).join("; ")],
  ];
  return element("dl", {}, ...facts.filter(([, text]) => text).flatMap(([name, text]) =>
    [element("dt", {}, name), element("dd", {}, text)]));
}

function losses() {
  if (DATA.lost.length === 0)
    return null;
  return element("div", {}, element("h3", {}, "What is missing"), table([
    {title: "what", text: (row) => row.kind}, {title: "address", text: (row) => row.address || ""},
    {title: "bytes", is_number: true, text: (row) => row.bytes === null ? "" : bytes(row.bytes)},
    {title: "why", text: (row) => row.why}], DATA.lost, "missing parts"));
}

function drawCapture() {
  const left_out = DATA.left_out, cuts = [];
  if (left_out.rows > 0)
    cuts.push(plural(left_out.rows, "row") + " of long lists");
  if (left_out.labels > 0)
    cuts.push(plural(left_out.labels, "label") + " of fields and roots");
  if (left_out.strings_cut > 0)
    cuts.push("the ends of " + plural(left_out.strings_cut, "very long name"));
  fill("capture-content", captureFacts(), losses(), element("p", {class: "note"}, cuts.length > 0 ?
    "Left out to keep this page small: " + cuts.join(", ") + ". rudo-snap report --json has all of them." : "What the report " +
    "lists is all here. The dominator tree, memory by path and the map say what they leave out."));
}

drawOverview();
drawMemory();
drawTree();
drawTypes();
drawPages();
drawCapture();
document.documentElement.setAttribute("data-ready", "yes");
