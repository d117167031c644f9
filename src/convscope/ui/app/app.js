// gradio speaks the browser's language; on this page that is the page's.
(() => {
  const { language, words, lost } = window.convscope;
  Object.defineProperty(navigator, "language", { get: () => language });
  Object.defineProperty(navigator, "languages", { get: () => [language] });

  // what gradio says in English whatever the language; only in its own widgets, for a class may bear such a name
  const theirs = ".cs-widget, .overflow-menu, .toast-wrap";
  const attributes = ["aria-label", "title", "placeholder"];
  const ours = (text) => {
    const plain = text?.trim() ?? "";
    const start = Object.keys(words).find((key) => key.endsWith("*") && plain.startsWith(key.slice(0, -1)));
    return words[plain] ?? words[start] ?? plain;
  };
  const translate = () => {
    for (const widget of document.querySelectorAll(theirs)) {
      for (const element of widget.querySelectorAll("[aria-label], [title], [placeholder]")) {
        for (const attribute of attributes) {
          const text = element.getAttribute(attribute);
          if (text && ours(text) !== text.trim()) element.setAttribute(attribute, ours(text));
        }
      }
      const walker = document.createTreeWalker(widget, NodeFilter.SHOW_TEXT);
      while (walker.nextNode()) {
        const text = walker.currentNode.data;
        if (ours(text) !== text.trim()) walker.currentNode.data = ours(text);
      }
    }
  };
  let waiting = false;
  const soon = () => {
    if (waiting) return;
    waiting = true;
    setTimeout(() => { waiting = false; translate(); }, 20);
  };
  const watch = { subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: attributes };
  new MutationObserver(soon).observe(document.documentElement, watch);

  // gradio says nothing when nobody answers any more
  const reach = window.fetch;
  const tell = (gone) => {
    const told = document.querySelector(".cs-lost");
    if (!gone) told?.remove();
    if (gone && !told) {
      const line = Object.assign(document.createElement("p"), { className: "cs-lost", textContent: lost });
      line.setAttribute("role", "alert");
      document.body.append(line);
    }
  };
  window.fetch = async (...request) => {
    try {
      const answer = await reach(...request);
      tell(false);
      return answer;
    } catch (error) {
      tell(error.name !== "AbortError");
      throw error;
    }
  };

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
