// Browsers let a page from the disk read no other file, so that its search results come without an excerpt.
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

// An equation that is too wide scrolls inside itself: let the keyboard reach it, and only then.
addEventListener("load", async () => {
  await window.MathJax?.startup?.promise;
  const equations = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      target.tabIndex = target.scrollWidth > target.clientWidth ? 0 : -1;
    }
  });
  document.querySelectorAll("div.math mjx-container").forEach((equation) => equations.observe(equation));
});
