"""check_page.py NAME PAGE JSON [SCREENSHOTS]: opens a page of a report in a headless browser, uses it,
and prints TAP. The figures on it are compared with those of `report --json`.
"""

import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from browser import Browser, find_program  # noqa: E402

count = 0


def ok(claim, holds, why=""):
    global count
    count += 1
    print(f"{'ok' if holds else 'not ok'} {count} - {claim}")
    if not holds and why != "":
        print(f"#   {why}")


def same(claim, got, wanted):
    ok(claim, got == wanted, f"{got!r}, not {wanted!r}")


EXACT = "[...document.querySelectorAll(%s)].map((e) => e.dataset.exact)"


def exact(browser, selector):
    return [float(text) for text in browser.evaluate(EXACT % json.dumps(selector)) if text not in (None, "")]


def check_figures(browser, report):
    totals = report["totals"]
    whole = browser.evaluate("WHOLE")
    same("totals are those of --json", exact(browser, "#totals b"),
         [whole] + [totals[name] for name in ("reachable_objects", "reachable_foreign_blocks", "unreachable_objects",
                                              "zombies", "pages")])
    if report["suspects"]:
        same("so is the verdict", exact(browser, "#verdict-amount"), [report["suspects"][0]["retained_bytes"]])
    if report["memory"]:
        memory = report["memory"]
        sums = sum(exact(browser, "#account td"))
        same("the account adds up", sums, max(memory["resident_bytes"], memory["explained_bytes"]))
    if report["growth_by_retainer"]:
        grown = [row["growth"]["objects"] for row in report["growth_by_retainer"]["largest"]]
        same("so is growth by retainer", exact(browser, "#growth td:nth-child(2)"), grown)
    keys = [key["retained_bytes"] for key in sorted(report["types"], key=lambda row: -(row["retained_bytes"] or 0))]
    browser.evaluate("TYPES.sort = 'retained_bytes', TYPES.is_down = true, TYPES.shows_all = true, drawTypeRows()")
    column = 2
    same("so are types", exact(browser, f"#type-table td:nth-child({column})"), keys)


def check_memory(browser):
    first = browser.evaluate("document.querySelectorAll('#chart .block').length")
    ok("the icicle has blocks", first >= 2, first)
    same("the first is all that the program keeps", exact(browser, "#chart .block:first-child"), [browser.evaluate("WHOLE")])
    if browser.evaluate("MEMORY.top.height") < 2:
        return
    browser.evaluate("[...MEMORY.blocks].find(([node]) => node !== MEMORY.top && node.children)[1].click()")
    same("a click zooms", browser.evaluate("document.querySelectorAll('#crumbs button').length"), 2)
    same("the path that is zoomed to fills the chart", browser.evaluate(
        "Math.round(document.querySelector('#chart .block').getBoundingClientRect().width - "
        "document.getElementById('chart').clientWidth)"), 0)
    browser.key("Escape")
    same("Escape zooms out", browser.evaluate("document.querySelectorAll('#crumbs button').length"), 1)
    browser.key("ArrowDown")
    ok("an arrow moves", browser.evaluate("MEMORY.focus !== MEMORY.top && document.activeElement.classList.contains('block')"))
    browser.key("Enter")
    ok("Enter zooms", browser.evaluate("MEMORY.at !== MEMORY.top || !MEMORY.focus.children"))
    browser.evaluate("document.getElementById('memory-reset').click()")
    browser.evaluate("document.getElementById('view-treemap').click()")
    ok("the treemap has blocks", browser.evaluate("document.querySelectorAll('#chart .block').length") >= 2)
    ok("inside its frame", browser.evaluate(
        "[...document.querySelectorAll('#chart .block')].every((b) => b.offsetLeft >= 0 && "
        "b.offsetLeft + b.offsetWidth <= b.parentNode.clientWidth + 1 && b.offsetTop + b.offsetHeight <= "
        "b.parentNode.clientHeight + 1)"))
    browser.evaluate("document.getElementById('view-icicle').click()")
    name = browser.evaluate("MEMORY.top.children[0].data.name")
    browser.evaluate(f"(box => {{ box.value = {json.dumps(name)}; box.dispatchEvent(new Event('input')); }})"
                     "(document.getElementById('memory-search'))")
    found = browser.evaluate("MEMORY.top.children.filter(isFound).reduce((sum, node) => sum + node.value, 0)")
    ok("a search adds up the paths with a name", exact(browser, "#memory-found span")[0] >= found > 0, found)
    ok("and shows them", browser.evaluate("document.querySelectorAll('#chart .found').length") >= 1)
    browser.evaluate("(box => { box.value = ''; box.dispatchEvent(new Event('input')); })"
                     "(document.getElementById('memory-search'))")


def check_tree(browser):
    rows = "document.querySelectorAll('#dominators tbody tr').length"
    browser.evaluate("focusRow(document.querySelector('#dominators tbody tr'))")
    opened = browser.evaluate(rows)
    browser.key("ArrowLeft")
    same("Left closes the tree", browser.evaluate(rows), 1)
    browser.key("ArrowRight")
    ok("Right opens it", 1 < browser.evaluate(rows) <= opened)
    browser.key("ArrowDown")
    same("Down moves", browser.evaluate("document.activeElement.getAttribute('aria-level')"), "2")
    for _ in range(4):
        browser.evaluate("[...document.querySelectorAll('#dominators tbody tr')].slice(0, 60).forEach(open)")
    browser.evaluate("focusRow([...document.querySelectorAll('#dominators tbody tr')]"
                     ".find((row) => row.treeRow !== undefined && DATA.nodes.kind[row.treeRow] === 0))")
    address = browser.evaluate("document.activeElement.querySelector('.link') && "
                               "document.activeElement.querySelector('.link').textContent")
    browser.key("Enter")
    ok("Enter shows the path to an object", browser.evaluate("document.getElementById('object').open"))
    ok("from a root to it", browser.evaluate(
        f"document.querySelector('#object .path li:last-child .link').textContent === {json.dumps(address)} && "
        "document.querySelectorAll('#object .path li').length >= 2"))
    browser.key("Escape")
    ok("Escape closes it", not browser.evaluate("document.getElementById('object').open"))
    browser.evaluate(f"(box => {{ box.value = {json.dumps(address)}; box.form.requestSubmit(); }})"
                     "(document.getElementById('find-address'))")
    ok("an address finds it, too", browser.evaluate("document.getElementById('object').open"))
    browser.evaluate("document.getElementById('object').close()")


def check_types(browser, report):
    names = [row["type_label"] for row in report["types"]]
    browser.evaluate("(box => { box.value = %s; box.dispatchEvent(new Event('input')); })"
                     "(document.getElementById('type-search'))" % json.dumps(names[0]))
    wanted = sum(names[0].lower() in name.lower() for name in names)
    same("a search among types", browser.evaluate("document.querySelectorAll('#type-table tbody tr').length"), wanted)
    browser.evaluate("(box => { box.value = ''; box.dispatchEvent(new Event('input')); })(document.getElementById('type-search'))")
    browser.evaluate("document.querySelector('#type-table th button').click()")
    shown = browser.evaluate("[...document.querySelectorAll('#type-table tbody tr td:first-child')].map((e) => e.textContent)")
    same("types by name", shown, browser.evaluate(
        "REPORT.types.map((row) => row.type_label).sort((a, b) => a < b ? -1 : 1).map(shown)"))


def check_map(browser):
    browser.evaluate("document.getElementById('map').focus()")
    browser.evaluate("showCell(0, false)")
    before = browser.evaluate("document.getElementById('page-facts').textContent")
    browser.key("ArrowRight")
    after = browser.evaluate("document.getElementById('page-facts').textContent")
    ok("arrows move on the map", before != after or browser.evaluate("DATA.pages.class.length") == 1, after)
    for by in range(4):
        browser.evaluate(f"document.querySelectorAll('#pages-content .choice button')[{by}].click()")
    ok("the map has a legend", browser.evaluate("document.querySelectorAll('#legend span').length") >= 1)


def check_access(browser):
    unnamed = browser.evaluate("[...document.querySelectorAll('button:not([aria-hidden]), input, canvas')].filter((e) => "
                               "!(e.textContent.trim() || e.getAttribute('aria-label') || e.title || e.labels && e.labels.length))"
                               ".map((e) => e.outerHTML.slice(0, 80))")
    same("each control has a name", unnamed, [])
    levels = browser.evaluate("[...document.querySelectorAll('h1, h2, h3')].map((e) => Number(e.tagName[1]))")
    ok("headings skip no level", all(b <= a + 1 for a, b in zip(levels, levels[1:])), levels)
    ok("tables have heads", browser.evaluate("[...document.querySelectorAll('table')].every((t) => t.querySelector('th'))"))


def check_narrow(page, folder, name):
    for dark in (False, True):
        with Browser(width=400, height=850, dark=dark) as browser:
            browser.open(page)
            theme = "dark" if dark else "light"
            same(f"{theme}, 400 px wide: nothing is cut off", browser.evaluate("document.documentElement.scrollWidth"), 400)
            colour = browser.evaluate("getComputedStyle(document.body).backgroundColor")
            ok(f"the page is {theme}", (sum(map(int, colour[4:-1].split(","))) < 150) == dark, colour)
            same(f"{theme}: no error", browser.problems, [])
            if folder:
                browser.screenshot(f"{folder}/{name}-{theme}-400.png", whole=True)


def main():
    name, page, report = sys.argv[1], sys.argv[2], json.load(open(sys.argv[3]))
    folder = sys.argv[4] if len(sys.argv) > 4 else None
    if not find_program():
        print("1..0 # SKIP there is no Chromium")
        return
    with Browser() as browser:
        took = browser.open(page)
        print(f"# {name}: open after {took:.0f} ms, {os.path.getsize(page)} bytes")
        if folder:
            browser.screenshot(f"{folder}/{name}-light.png")
        check_figures(browser, report)
        if browser.evaluate("DATA.routes !== undefined"):
            check_memory(browser)
            check_tree(browser)
        check_types(browser, report)
        check_map(browser)
        check_access(browser)
        same("two scripts, the data and ours, and no images", browser.evaluate(
            "[document.scripts.length, document.images.length, document.querySelectorAll('iframe, object, embed').length]"),
            [2, 0, 0])
        hidden = browser.evaluate("[...document.querySelectorAll('*')].flatMap((e) => [e.title, e.getAttribute('aria-label')])"
                                  ".concat(document.body.innerText, document.title)"
                                  ".filter((text) => text && /[\\u200b\\u202a-\\u202e\\u2028\\u2029\\ufeff]/.test(text)).length")
        same("no hidden character is shown", hidden, 0)
        browser.print_pdf(f"{folder}/{name}.pdf" if folder else os.devnull)
        same("no error", browser.problems, [])
        same("nothing was loaded but the page", [url for url in browser.requests if not url.startswith("file:")], [])
        same("once", len(browser.requests), 1)
    check_narrow(page, folder, name)
    print(f"1..{count}")


main()
