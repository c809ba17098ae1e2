"""Pages read without a browser: their links, their forms, what stands in them as text, and what no page may hold."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from re import sub
from urllib.parse import urljoin, urlsplit

WRITTEN_IN = frozenset({"text", "search", "email", "url", "tel", "number", "date", "datetime-local", "password"})


@dataclass(frozen=True, slots=True)
class PageForm:
    """`action` is the whole address; `sent` is what its fields hold, by name, and `written` names those for text."""

    action: str
    sent: dict[str, str] = field(default_factory=dict)
    written: list[str] = field(default_factory=list)

    @property
    def is_marked(self) -> bool:
        return bool(self.sent.get("csrf"))


class ReadPage(HTMLParser):
    """`planted` are elements that only markup out of somebody's text can have made."""

    def __init__(self, address: str, html: str) -> None:
        super().__init__()
        self.address = address
        self.links: list[str] = []
        self.forms: list[PageForm] = []
        self.planted: list[str] = []
        self.texts: list[str] = []
        self._form: PageForm | None = None
        self._select = ""
        self.feed(html)
        self.close()

    @property
    def text(self) -> str:
        return "".join(self.texts)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if (tag == "script" and "src" not in told) or tag == "img" or any(name.startswith("on") for name in told):
            self.planted.append(self.get_starttag_text() or tag)
        match tag:
            case "a":
                self.links.append(urljoin(self.address, told.get("href", "")))
            case "form" if told.get("method", "").lower() == "post":
                self._form = PageForm(urljoin(self.address, told["action"]))
                self.forms.append(self._form)
            case "input" | "textarea" | "select" | "option":
                self._read_field(tag, told)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def _read_field(self, tag: str, told: dict[str, str]) -> None:
        """What is typed into fields is text of the page as well."""
        self.texts.append(told.get("value", "") if tag == "input" else "")
        if self._form is None:
            return
        name = told.get("name", "")
        if tag == "select":
            self._select = name
        elif tag == "option" and self._select and ("selected" in told or not self._form.sent.get(self._select)):
            self._form.sent[self._select] = told.get("value", "")
        elif tag == "textarea" or told.get("type", "text") in WRITTEN_IN:
            self._form.written.append(name)
            self._form.sent[name] = told.get("value", "")
        elif tag == "input" and told.get("type") == "hidden":
            self._form.sent[name] = told.get("value", "")


def pattern_of(address: str) -> str:
    """The address with every part that names one thing as `*`, and without its query."""
    parts = urlsplit(address)
    shown = ["*" if _names_one(part) else part for part in parts.path.split("/")]
    return f"{parts.netloc}{'/'.join(shown)}"


def path_of(pattern: str) -> str:
    """Without the service's address; a room that every service has is one."""
    return sub("/desk/[a-z]+/", "/desk/*/", f"/{pattern.partition('/')[2]}")


def _names_one(part: str) -> bool:
    return part.count("-") == 4 or part[:4].isdigit()


def rooms_of(links: list[str], addresses: list[str]) -> Iterator[str]:
    """Those of the links that lead to a page of the console, without query and place."""
    for link in links:
        bare = link.partition("#")[0].partition("?")[0]
        if any(bare.startswith(f"{address}/console") for address in addresses):
            yield bare
