"""Checks that a page is well formed and needs nothing from outside.

    check_html.py PAGE.html
"""
import re
import sys
from html.parser import HTMLParser

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


class Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.ids, self.problems = [], set(), []

    def problem(self, text):
        self.problems.append(f"line {self.getpos()[0]}: {text}")

    def handle_starttag(self, tag, attributes):
        names = [name for name, _ in attributes]
        if len(names) != len(set(names)):
            self.problem(f"<{tag}> has an attribute twice: {names}")
        for name, value in attributes:
            if name in ("src", "href", "srcset", "action", "data", "poster") or name.startswith("on"):
                self.problem(f"<{tag} {name}={value!r}>: nothing may come from outside or run from an attribute")
            if name == "d" and not re.fullmatch(r"(?:[MLH]-?[\d.]+(?:,-?[\d.]+)?|h0|Z)*", value):
                self.problem(f"<{tag} d={value[:80]!r}>: no path of finite numbers")
            if name == "style" and re.search(r"nan|inf", value):
                self.problem(f"<{tag} style={value!r}>: no finite number")
            if name == "id":
                if value in self.ids:
                    self.problem(f"the id {value!r} is given twice")
                self.ids.add(value)
        if tag in ("iframe", "object", "embed", "link", "base"):
            self.problem(f"<{tag}> has no place in this page")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open[-1] != tag:
            self.problem(f"</{tag}> closes {self.open[-1:] or 'nothing'}")
        else:
            self.open.pop()


with open(sys.argv[1], encoding="utf-8") as file:
    text = file.read()
page = Page()
page.feed(text)
page.close()
if page.open:
    page.problem(f"never closed: {page.open}")
for outside in re.findall(r"https?:|url\(|@import|//[a-z]+\.", text):
    page.problem(f"names something outside: {outside}")
if "<title>" not in text or "charset" not in text:
    page.problem("no title or no encoding")
print("\n".join(page.problems) if page.problems else f"{sys.argv[1]}: {len(text)} characters, well formed")
sys.exit(bool(page.problems))
