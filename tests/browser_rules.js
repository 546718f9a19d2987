// What the rules of browser_rules.py ask inside a page.

window.rules = (() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const start = (text) => text.replace(/\s+/g, " ").trim().slice(0, 80);
  const html = (element) => start(element.outerHTML);

  // Unfold hidden code and solutions.
  function openEverything() {
    all("details").forEach((details) => { details.open = true; });
    all("button.toggle-button-hidden").forEach((button) => button.click());
  }

  function equations() {
    const tex = /\\[([]|\\begin\{|\$\$|\\(?:frac|sum|hat|mathbb|cdot)\b/;
    const raw = [];
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const text = texts.currentNode;
      const read = !text.parentElement.closest("code, pre, script, style, .math");
      if (read && tex.test(text.data)) raw.push(`raw TeX: ${start(text.data)}`);
    }
    return [
      ...all(".math")
        .filter((e) => !e.querySelector("mjx-container"))
        .map((e) => `not rendered: ${start(e.textContent)}`),
      ...all("mjx-merror, [data-mjx-error]")
        .map((e) => `wrong TeX: ${e.getAttribute("data-mjx-error") ?? e.textContent}`),
      ...raw,
    ];
  }

  // An empty text is right only beside the text of the link or button that the image stands in.
  function images() {
    return all("img, svg[role=img]").map((image) => ({
      name: image.currentSrc || html(image),
      text: image.localName === "img" ? image.getAttribute("alt")
        : image.getAttribute("aria-label") ?? image.querySelector("title")?.textContent,
      decorates: Boolean(image.closest("a, button")?.textContent.trim()),
    }));
  }

  function largeImages(pixels) {
    return [...document.images]
      .filter((image) => Math.max(image.naturalWidth, image.naturalHeight) > pixels)
      .map((image) => `more than ${pixels} pixels: ${image.currentSrc}`);
  }

  function sidewaysScrolling() {
    const page = document.documentElement;
    if (page.scrollWidth <= page.clientWidth) return [];
    const scrolls = (e) => e && (getComputedStyle(e).overflowX !== "visible" || scrolls(e.parentElement));
    const wide = all("body *").filter(
      (e) => e.getBoundingClientRect().right > page.clientWidth + 1 && !scrolls(e.parentElement));
    return [`${page.scrollWidth} pixels wide: ${wide.slice(0, 3).map(html).join(" | ")}`];
  }

  function uncopiedCode() {
    return all(".cell_input .highlight, .highlight-python .highlight")
      .filter((block) => !block.querySelector("button.copybtn"))
      .map((block) => start(block.textContent));
  }

  // Of the thousands of tokens of code, keep one of each look: axe then takes a third of the time.
  function keepOneTokenOfEachLook() {
    const kept = new Set();
    for (const token of all(".highlight pre span")) {
      if (token.childElementCount > 0) continue;
      let classes = "";
      for (let e = token; e; e = e.parentElement) classes += `${e.className} < `;
      if (kept.has(classes)) token.replaceWith(token.textContent);
      kept.add(classes);
    }
  }

  const OPERABLE = "a[href], area[href], button, input, select, textarea, summary, iframe, " +
    "[contenteditable], [onclick], [role=button], [role=link], [role=tab], [role=checkbox], " +
    "[tabindex]:not([tabindex='-1'])";
  let expected, unfocused, reached;

  function look(element) {
    return [element, element.parentElement, element.nextElementSibling].filter(Boolean)
      .map((e) => {
        const style = getComputedStyle(e);
        const outlined = style.outlineStyle !== "none" && style.outlineWidth !== "0px";
        return [outlined, style.boxShadow, style.backgroundColor, style.borderColor];
      }).join();
  }

  function shown(element) {
    return element.checkVisibility({ visibilityProperty: true }) && element.getClientRects().length > 0;
  }

  function scrollsInside(element) {
    const style = getComputedStyle(element);
    return (element.scrollWidth > element.clientWidth + 1 && /auto|scroll/.test(style.overflowX)) ||
      (element.scrollHeight > element.clientHeight + 1 && /auto|scroll/.test(style.overflowY));
  }

  const scrollingParts = () =>
    all("article *").filter((e) => shown(e) && scrollsInside(e) && !e.querySelector(OPERABLE));

  const scrollingHasTabStops = () => scrollingParts().every((e) => e.tabIndex >= 0);

  // Start at the top and note where the focus comes; say how many stops there should be.
  function watchFocus() {
    const groups = new Set();
    const first = (e) => { // Tab enters a group of radio buttons once; the arrow keys do the rest
      if (e.type !== "radio" || !e.name) return true;
      return groups.has(e.name) ? false : groups.add(e.name);
    };
    document.activeElement.blur();
    expected = [...new Set([...all(OPERABLE), ...scrollingParts()])].filter((e) => shown(e) && !e.disabled && first(e));
    unfocused = new Map(expected.map((e) => [e, look(e)]));
    reached = new Map();
    addEventListener("focusin", ({ target }) => {
      const hidden = getComputedStyle(target).opacity === "0" && target.localName !== "input";
      reached.set(target, look(target) !== unfocused.get(target) && !hidden);
    });
    return expected.length;
  }

  function missedFocus() {
    const stops = [...reached.keys()];
    const came = (e) => reached.has(e) || (e.type === "radio" && stops.some((stop) => stop.name === e.name));
    return [
      ...expected.filter((e) => !came(e)).map((e) => `not reached by Tab: ${html(e)}`),
      ...stops.filter((e) => unfocused.has(e) && !reached.get(e)).map((e) => `focus not seen: ${html(e)}`),
    ];
  }

  // Class names of icons that the font "Book Icons" does not draw.
  function missingIcons() {
    const probe = document.body.appendChild(document.createElement("span"));
    const width = (text, family) => {
      probe.style.cssText = `position: absolute; font: 100px ${family}`;
      probe.textContent = text;
      return probe.getBoundingClientRect().width;
    };
    const missing = all("[class*=' fa-']").filter((icon) => {
      const text = getComputedStyle(icon, "::before").content.replaceAll('"', "");
      return text.length !== 1 || width(text, "Book Icons") === width(text, "serif");
    });
    return missing.map((icon) => icon.className);
  }

  return { openEverything, equations, images, largeImages, sidewaysScrolling, uncopiedCode,
    keepOneTokenOfEachLook, watchFocus, missedFocus, missingIcons,
    scrollingHasTabStops };
})();
