#!/usr/bin/env python3
"""Writes docs/report.svg, the picture in README.md, from a real run on a pseudo-terminal.

    docs/make_picture.py [RUDO_SNAP [SVG]]        default: build/release/rudo-snap docs/report.svg

Same program and heap, same bytes: a test compares the file with a new one.
"""

import html
import os
import pty
import re
import struct
import sys
import fcntl
import termios

ARGUMENTS = ["report", "samples/heaps/growing-2.zst"]
COLUMNS = 100
SHOWN = ("likely leak", "  thread", "other suspects", "types")  # paragraphs, by how they begin
MOST_LINES = 7  # of a paragraph
CHARACTER_WIDTH, LINE_HEIGHT, FONT_SIZE, MARGIN = 8.4, 19, 14, 18
FOREGROUND, BACKGROUND, FAINT = "#d6dae0", "#1e2227", "#8b929c"
DOTS = "\x1b[2m...\x1b[0m"
STYLES = {  # ECMA-48 "select graphic rendition"
    "1": 'font-weight="bold" fill="#ffffff"',
    "2": f'fill="{FAINT}"',
    "31": 'fill="#e06c75"',
    "32": 'fill="#98c379"',
    "33": 'fill="#e5c07b"',
    "34": 'fill="#61afef"',
    "35": 'fill="#c678dd"',
    "36": 'fill="#56b6c2"',
}


def run_on_terminal(command):
    """What the command writes to a terminal of COLUMNS columns."""
    pid, terminal = pty.fork()
    if pid == 0:
        size = struct.pack("HHHH", 50, COLUMNS, 0, 0)
        fcntl.ioctl(1, termios.TIOCSWINSZ, size)
        os.environ.update(TERM="xterm-256color", LC_ALL="C.UTF-8")
        os.environ.pop("NO_COLOR", None)
        os.environ.pop("COLUMNS", None)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # progress
        os.execv(command[0], command)
    output = b""
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # the other end was closed
            break
        if not part:
            break
        output += part
    _, status = os.waitpid(pid, 0)
    if status != 0:
        sys.exit(f"{' '.join(command)}: status {status}")
    return output.decode().replace("\r\n", "\n")


def shown(output):
    """The first line and a paragraph for each of SHOWN; "..." for all other lines."""
    wanted = list(SHOWN)
    lines = []
    for number, paragraph in enumerate(output.rstrip("\n").split("\n\n")):
        plain = re.sub(r"\x1b\[[0-9;]*m", "", paragraph)
        if number == 0:
            lines += paragraph.split("\n")
        elif wanted and plain.startswith(wanted[0]):
            paragraph = paragraph.split("\n")
            lines += ["", *paragraph[:MOST_LINES]]
            if len(paragraph) > MOST_LINES:
                lines.append(DOTS)
            del wanted[0]
        elif lines[-1] != DOTS:
            lines += ["", DOTS]
    if wanted:
        sys.exit(f"no paragraph begins with '{wanted[0]}'")
    return lines


def wrapped(lines):
    """Lines as a terminal breaks them."""
    for line in lines:
        if "\x1b" in line:
            yield line
        else:
            yield from [line[i : i + COLUMNS] for i in range(0, len(line), COLUMNS)] or [""]


def spans(line):
    """(style, text) for each stretch of a line between two escape sequences."""
    style = ""
    for part in re.split(r"(\x1b\[[0-9;]*m)", line):
        if part.startswith("\x1b"):
            codes = part[2:-1].split(";")
            # Of two colours the last one counts.
            attributes = dict(pair.split("=") for code in codes if code not in ("", "0") for pair in STYLES[code].split())
            style = " ".join(f"{name}={value}" for name, value in attributes.items())
        elif part:
            yield style, part


def svg(lines):
    width = int(COLUMNS * CHARACTER_WIDTH + 2 * MARGIN)
    height = int(len(lines) * LINE_HEIGHT + 2 * MARGIN)
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" aria-label="a report of rudo-snap">'
    )
    yield f'<rect width="{width}" height="{height}" rx="8" fill="{BACKGROUND}"/>'
    yield (
        f'<g font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,DejaVu Sans Mono,monospace" '
        f'font-size="{FONT_SIZE}" fill="{FOREGROUND}" xml:space="preserve">'
    )
    for number, line in enumerate(lines):
        y = MARGIN + number * LINE_HEIGHT + FONT_SIZE
        column = 0
        for style, text in spans(line):
            # Widths are given, so that columns line up in every font.
            length = f"{len(text) * CHARACTER_WIDTH:.1f}"
            x = f"{MARGIN + column * CHARACTER_WIDTH:.1f}"
            column += len(text)
            if text.strip():
                attributes = f' {style}' if style else ""
                yield (
                    f'<text x="{x}" y="{y}" textLength="{length}"{attributes}>'
                    f"{html.escape(text, quote=False)}</text>"
                )
    yield "</g>"
    yield "</svg>"


def main():
    os.chdir(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    program = sys.argv[1] if len(sys.argv) > 1 else "build/release/rudo-snap"
    picture = sys.argv[2] if len(sys.argv) > 2 else "docs/report.svg"
    prompt = f"\x1b[36m$\x1b[0m \x1b[1mrudo-snap {' '.join(ARGUMENTS)}\x1b[0m"
    lines = [prompt, *wrapped(shown(run_on_terminal([program, *ARGUMENTS])))]
    with open(picture, "w", encoding="utf-8") as file:
        file.writelines(line + "\n" for line in svg(lines))


main()
