// gradio speaks the browser's language; on this page that is the page's.
(() => {
  const { language, words } = window.convscope;
  Object.defineProperty(navigator, "language", { get: () => language });
  Object.defineProperty(navigator, "languages", { get: () => [language] });

  // what gradio says in English whatever the language; only in its own widgets, for a class may bear such a name
  const attributes = ["aria-label", "title", "placeholder"];
  const translate = () => {
    for (const element of document.querySelectorAll(".cs-widget [aria-label], .cs-widget [title], .overflow-menu [aria-label]")) {
      for (const attribute of attributes) {
        const word = words[element.getAttribute(attribute)?.trim()];
        if (word && element.getAttribute(attribute) !== word) element.setAttribute(attribute, word);
      }
    }
    for (const widget of document.querySelectorAll(".cs-widget")) {
      const walker = document.createTreeWalker(widget, NodeFilter.SHOW_TEXT);
      while (walker.nextNode()) {
        const word = words[walker.currentNode.data.trim()];
        if (word && walker.currentNode.data.trim() !== word) walker.currentNode.data = word;
      }
    }
  };
  let waiting = false;
  const soon = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; translate(); });
  };
  const watch = { subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: attributes };
  new MutationObserver(soon).observe(document.documentElement, watch);

  const copy = async (text, pre) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch { // the clipboard is for secure pages only: another machine's address is none
      getSelection().selectAllChildren(pre);
      document.execCommand("copy");
    }
  };
  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("[data-copy]");
    if (!button) return;
    const pre = button.closest(".cs-code").querySelector("pre");
    await copy(pre.innerText, pre);
    const before = button.textContent;
    button.textContent = button.dataset.copied;
    setTimeout(() => { button.textContent = before; }, 1500);
  });
})();
