#!/usr/bin/env python3
"""Takes a moving picture of a program on a terminal: screen.py OUT.svg SECONDS COMMAND...

The program gets a terminal of its own. Once a second its screen is kept; the screens, one after the other, are an SVG that any browser
plays in a loop, and that is text: what it shows can be searched. At the end `q` is typed. Needs pyte, of packaging/test/requirements.txt.
"""

import fcntl
import html
import os
import pty
import select
import struct
import sys
import termios
import time

import pyte

COLUMNS, ROWS = 104, 24
# Of one character, in the units of the picture.
WIDTH, HEIGHT = 8, 17
PLAIN, PAPER = "#d4d4d4", "#1e1e1e"
COLOURS = {
    "black": "#1e1e1e", "red": "#f14c4c", "green": "#4ec96f", "brown": "#d7ba4d", "blue": "#3b8eea", "magenta": "#d670d6",
    "cyan": "#35b8c4", "white": "#e5e5e5", "brightblack": "#808080", "brightred": "#ff6b6b", "brightgreen": "#6fe38f",
    "brightbrown": "#f0d060", "brightyellow": "#f0d060", "brightblue": "#6cb0ff", "brightmagenta": "#e79ae7",
    "brightcyan": "#6fdbe5", "brightwhite": "#ffffff",
}


def colour(name, default):
    return default if name == "default" else COLOURS.get(name, f"#{name}")


def shown(screen):
    """A screen as SVG: per row, runs of characters that look alike."""
    parts = []
    for number in range(ROWS):
        row, at = screen.buffer[number], 0
        while at < COLUMNS:
            style = lambda cell: (cell.fg, cell.bg, cell.bold, cell.reverse)
            end = at + 1
            while end < COLUMNS and style(row[end]) == style(row[at]):
                end += 1
            text = "".join(row[column].data for column in range(at, end))
            ink, paper = colour(row[at].fg, PLAIN), colour(row[at].bg, PAPER)
            if row[at].reverse:
                ink, paper = paper, ink
            x, y = at * WIDTH, number * HEIGHT
            if paper != PAPER:
                parts.append(f'<rect x="{x}" y="{y}" width="{(end - at) * WIDTH}" height="{HEIGHT}" fill="{paper}"/>')
            if text.strip():
                # Its width is given, so that frames meet whatever font there is.
                bold = ' font-weight="bold"' if row[at].bold else ""
                parts.append(
                    f'<text x="{x}" y="{y + HEIGHT - 4}" textLength="{(end - at) * WIDTH}" fill="{ink}"{bold}>{html.escape(text)}</text>'
                )
            at = end
    return "".join(parts)


def record(seconds, command):
    screen = pyte.Screen(COLUMNS, ROWS)
    stream = pyte.ByteStream(screen)
    child, terminal = pty.fork()
    if child == 0:
        os.environ["TERM"] = "xterm-256color"
        os.execvp(command[0], command)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    frames, start = [], time.monotonic()
    ended = False
    while not ended:
        passed = time.monotonic() - start
        if passed >= len(frames) + 1:
            frames.append(shown(screen))
        if len(frames) == seconds:
            os.write(terminal, b"q")
            seconds += 1_000_000
        if passed > len(frames) + 20:
            sys.exit("screen: the program does not end")
        if select.select([terminal], [], [], 0.05)[0]:
            try:
                data = os.read(terminal, 65536)
            except OSError:
                data = b""
            ended = not data
            stream.feed(data)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status != 0:
        sys.exit(f"screen: the program ended with {status}: {' '.join(line.strip() for line in screen.display)}")
    return frames


def main(out, seconds, command):
    frames = record(seconds, command)[:seconds]
    style = (
        "text{font:13px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;white-space:pre}"
        f".frame{{visibility:hidden;animation:turn {len(frames)}s infinite}}"
        # Where nothing moves, the last one is seen.
        ".frame:last-child{visibility:visible}"
        f"@keyframes turn{{0%{{visibility:visible}}{100 / len(frames):.3f}%{{visibility:hidden}}100%{{visibility:hidden}}}}"
    )
    size = f'viewBox="-8 -8 {COLUMNS * WIDTH + 16} {ROWS * HEIGHT + 16}" width="{COLUMNS * WIDTH + 16}"'
    with open(out, "w") as picture:
        picture.write(f'<svg xmlns="http://www.w3.org/2000/svg" {size}>\n<style>{style}</style>\n')
        picture.write(f'<rect x="-8" y="-8" width="100%" height="100%" rx="6" fill="{PAPER}"/>\n')
        for number, frame in enumerate(frames):
            picture.write(f'<g class="frame" style="animation-delay:{number}s">{frame}</g>\n')
        picture.write("</svg>\n")


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit("usage: screen.py OUT.svg SECONDS COMMAND...")
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3:])
