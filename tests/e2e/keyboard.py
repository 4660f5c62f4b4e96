"""What the Tab key reaches on a page, and whether one sees where it is (WCAG 2.2: 2.1.1, 2.4.7)."""

from playwright.sync_api import Page

# What a person can act on, once each: of the buttons of one choice the browser stops at one alone.
_MARK = """() => {
    const groups = new Set();
    const found = document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']");
    const all = [...found].filter((element) => {
        if (element.disabled || element.type === "hidden" || !element.checkVisibility({visibilityProperty: true})) return false;
        if (element.type !== "radio") return true;
        const isFirst = !groups.has(element.name);
        groups.add(element.name);
        return isFirst;
    });
    all.forEach((element, number) => element.dataset.stop = element.type === "radio" ? "radio-" + element.name : number);
    if (document.activeElement) document.activeElement.blur();
    return all.map((element) => [element.dataset.stop, element.outerHTML.slice(0, 160)]);
}"""
_WHERE = """() => {
    const element = document.activeElement;
    if (!element || element === document.body) return null;
    const style = getComputedStyle(element);
    const isSeen = (style.outlineStyle !== "none" && style.outlineWidth !== "0px") || style.boxShadow !== "none";
    return [element.type === "radio" ? "radio-" + element.name : element.dataset.stop, isSeen];
}"""


def by_keyboard(page: Page) -> list[str]:
    """What Tab doesn't reach, and what shows no focus; empty: the page can be used by keyboard."""
    stops: dict[str, str] = dict(page.evaluate(_MARK))
    reached: set[str] = set()
    shown: set[str] = set()  # at one of its stops at least: a date's own button has the browser's ring inside it
    for _ in range(4 * len(stops) + 10):  # a date is several stops
        if reached >= stops.keys():
            break
        page.keyboard.press("Tab")
        at = page.evaluate(_WHERE)
        if at is not None and at[0] is not None:
            reached.add(at[0])
            if at[1]:
                shown.add(at[0])
    page.evaluate("document.activeElement && document.activeElement.blur()")
    lost = [f"Tab doesn't reach {html}" for stop, html in stops.items() if stop not in reached]
    return lost + [f"focus isn't seen on {stops.get(stop, stop)}" for stop in sorted(reached - shown)]
