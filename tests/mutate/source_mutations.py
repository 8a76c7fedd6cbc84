"""Makes small changes of C source, each of which should break something.

A mutation replaces a stretch of one file by another text that has as many lines. It is found in the
text alone: comments, strings and preprocessor lines other than constants are blanked first. Its key,
the file, the function and the lines before and after, does not change when lines move.

Left alone: what only prefetches or tells the compiler something, assertions, and includes.
"""

import bisect
import dataclasses
import hashlib
import re

# Weaker orders of each. A relaxed operation is the weakest already.
ORDERS = {
    "ACQUIRE": ["RELAXED"],
    "RELEASE": ["RELAXED"],
    "ACQ_REL": ["ACQUIRE", "RELEASE"],
    "SEQ_CST": ["ACQ_REL", "RELAXED"],
}
BINARY = {
    "<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==",
    "&&": "||", "||": "&&", "+": "-", "-": "+", "<<": ">>", ">>": "<<", "&": "|", "|": "&",
    "+=": "-=", "-=": "+=", "|=": "&=", "&=": "|=",
}
# Of operators that are both unary and binary, the binary one has a space on both sides: so clang-format
# lays it out.
OPERATOR = re.compile(r"(?<= )(<<|>>|<=|>=|==|!=|&&|\|\||\+=|-=|\|=|&=|[-+<>&|])(?= |$)")
NUMBER = re.compile(r"(?<![\w.])(0x[0-9a-fA-F]+|\d+)([uU]?[lL]{0,2})(?![\w.])")
ORDER = re.compile(r"\b(SHARED_|memory_order_)(ACQUIRE|RELEASE|ACQ_REL|SEQ_CST|acquire|release|acq_rel|seq_cst)\b")
TRUTH = re.compile(r"\b(true|false)\b")
NOT = re.compile(r"(?<![\w!])!(?![=!])")
COMPLEMENT = re.compile(r"~(?=[\w(])")
CONDITION = re.compile(r"\b(if|while) \(")
STATEMENT = re.compile(r"(\(void\))?[a-z_]\w*\(|\*?[a-zA-Z_][\w.\[\]%]*(->[\w.\[\]%+ ]+)*(\+\+|--|( [-+|&^]?=| <<=| >>=) )")
KEYWORDS = re.compile(r"(if|while|for|switch|return|else|do|case|default|break|continue|goto|sizeof)\b")
UNTOUCHED = re.compile(r"prefetch|LIKELY|_Static_assert|\bassert\(|__attribute__|#(?!define [A-Z_]+ )|static_assert")
FUNCTION = re.compile(r"^[A-Za-z_][^;={}]*?\b(\w+)\(", re.S)


@dataclasses.dataclass(frozen=True)
class Mutation:
    file: str
    line: int  # of the first changed character
    function: str  # "": outside of functions
    kind: str
    start: int
    end: int
    text: str  # instead of source[start:end]
    before: str  # the changed lines as one, without indentation
    after: str

    @property
    def key(self):
        return (self.file, self.function, self.before, self.after)

    def rank(self, seed):
        """A number that decides, for each seed, which mutations are in a sample."""
        return hashlib.sha256(repr((seed, self.key, self.kind)).encode()).hexdigest()

    def apply(self, source):
        return source[: self.start] + self.text + source[self.end :]


def blanked(source):
    """The source with comments, strings and characters replaced by spaces."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
    return pattern.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), source)


def closing(text, start):
    """The index of the parenthesis that closes the one at `start`."""
    depth = 0
    for at in range(start, len(text)):
        if text[at] in "([{":
            depth += 1
        elif text[at] in ")]}":
            depth -= 1
            if depth == 0:
                return at
    return None


class SourceFile:
    def __init__(self, name, source):
        self.name = name
        self.source = source
        self.blank = blanked(source)
        self.starts = [0] + [at + 1 for at, c in enumerate(source) if c == "\n"]
        self.functions = self.find_functions()

    def line_of(self, at):
        return bisect.bisect_right(self.starts, at)

    def line_text(self, line):
        end = self.starts[line] if line < len(self.starts) else len(self.source)
        return self.blank[self.starts[line - 1] : end]

    def find_functions(self):
        """(first line, last line, name) of all bodies."""
        functions, head, name, first = [], "", "", 0
        for number, line in enumerate(self.blank.split("\n"), 1):
            if line.startswith("{"):
                match = FUNCTION.match(head.strip())
                name, first = (match.group(1) if match else ""), number
                if match and match.group(1) == "__attribute__":
                    name = re.findall(r"\b(\w+)\(", head)[-1]
            elif line.startswith("}"):
                if name:
                    functions.append((first, number, name))
                name, head = "", ""
            elif not name:
                head = line if line and not line[0].isspace() else head + "\n" + line
        return functions

    def function_at(self, line):
        for first, last, name in self.functions:
            if first <= line <= last:
                return name
        return ""

    def make(self, kind, start, end, text):
        first, last = self.line_of(start), self.line_of(max(start, end - 1))
        low = self.starts[first - 1]
        high = self.starts[last] if last < len(self.starts) else len(self.source)
        plain = lambda part: " ".join(part.split())
        before = plain(self.source[low:high])
        after = plain(self.source[low:start] + text + self.source[end:high])
        # As many lines as before.
        text += "\n" * (self.source[start:end].count("\n") - text.count("\n"))
        return Mutation(self.name, first, self.function_at(first), kind, start, end, text, before, after)

    def in_code(self, line):
        text = self.line_text(line).strip()
        function = self.function_at(line)
        if UNTOUCHED.search(text) or "prefetch" in function:
            return False
        return bool(function) or text.startswith("#define")

    def small_changes(self):
        for pattern, change in (
            (OPERATOR, self.change_operator),
            (NUMBER, self.change_number),
            (ORDER, self.change_order),
            (TRUTH, lambda m: [("constant", "false" if m.group() == "true" else "true")]),
            (NOT, lambda m: [("condition", "")]),
            (COMPLEMENT, lambda m: [("operator", "")]),
        ):
            for match in pattern.finditer(self.blank):
                line = self.line_of(match.start())
                if self.in_code(line):
                    for kind, text in change(match):
                        yield self.make(kind, match.start(), match.end(), text)

    def change_operator(self, match):
        before = self.blank[: match.start()].rstrip()
        # A pointer in a declaration, or a sign.
        if match.group() in "+-&" and (not before or before[-1] in "(,=?:<>&|+-*/" or before.endswith("return")):
            return []
        return [("operator", BINARY[match.group()])]

    @staticmethod
    def change_number(match):
        digits, suffix = match.groups()
        if digits.startswith("0x"):
            return [("constant", hex(int(digits, 16) ^ 1) + suffix)]
        return [("constant", str(int(digits) + 1) + suffix)]

    @staticmethod
    def change_order(match):
        prefix, order = match.groups()
        lower = order.islower()
        return [
            ("order", prefix + (weaker.lower() if lower else weaker)) for weaker in ORDERS[order.upper()]
        ]

    def conditions(self):
        for match in CONDITION.finditer(self.blank):
            end = closing(self.blank, match.end() - 1)
            line = self.line_of(match.start())
            if end is None or not self.in_code(line):
                continue
            inside = self.source[match.end() : end]
            if inside.strip() not in ("true", "1"):
                yield self.make("condition", match.end(), end, "!(" + inside + ")")

    def dropped_statements(self):
        for first, last, name in self.functions:
            line = last if "prefetch" in name else first + 1
            while line < last:
                text = self.line_text(line)
                start = self.starts[line - 1] + len(text) - len(text.lstrip())
                line += 1
                stripped = text.strip()
                if not stripped or KEYWORDS.match(stripped) or not STATEMENT.match(stripped):
                    if re.fullmatch(r"(break|continue);", stripped):
                        yield self.make("dropped", start, start + len(stripped), ";")
                    continue
                end = self.statement_end(start)
                before = self.blank[:start].rstrip()
                if end is None or before[-1] not in ";{})e:" or UNTOUCHED.search(self.blank[start:end]):
                    continue
                # A part of a larger expression begins a line, too.
                if before[-1] == "e" and not before.endswith("else"):
                    continue
                line = max(line, self.line_of(end) + 1)
                yield self.make("dropped", start, end + 1, ";")

    def statement_end(self, start):
        depth = 0
        for at in range(start, len(self.blank)):
            c = self.blank[at]
            if c in "([":
                depth += 1
            elif c in ")]":
                depth -= 1
                if depth < 0:
                    return None
            elif c in "{}":
                return None
            elif c == ";" and depth == 0:
                return at
        return None

    def mutations(self):
        yield from self.small_changes()
        yield from self.conditions()
        yield from self.dropped_statements()


def mutations_of(files):
    """All mutations of these files, by file and line."""
    found = []
    for name in files:
        with open(name, encoding="utf-8") as file:
            found += SourceFile(name, file.read()).mutations()
    return sorted(found, key=lambda m: (m.file, m.start, m.kind, m.text))
