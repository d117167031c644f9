// Decisions about labels: by buttons or keys, remembered until they are saved as a file.
(() => {
  const cards = [...document.querySelectorAll("#mistakes .card")];
  const bar = document.querySelector(".decide");
  if (!bar) return;
  const [counter, save, next] = ["output", "[data-save]", ".next"].map((path) => bar.querySelector(path));
  const classes = [...document.getElementById("classes").content.querySelectorAll("option")].map((option) => option.textContent);
  const decided = new Map();  // card -> [action, label]

  // a browser may refuse storage to a page opened from a folder; then the decisions live as long as the page
  const place = "convscope-mistakes " + cards.map((card) => card.dataset.sha256.slice(0, 8)).join("").slice(0, 512);
  const store = () => {
    const kept = [...decided].map(([card, [action, label]]) => [card.dataset.file, card.dataset.sha256, action, label]);
    try { localStorage.setItem(place, JSON.stringify(kept)); } catch { }
  };
  const stored = () => { try { return JSON.parse(localStorage.getItem(place)) ?? []; } catch { return []; } };

  const show = (card) => {
    const [action] = decided.get(card) ?? [""];
    for (const button of card.querySelectorAll("[data-do]")) {
      button.setAttribute("aria-pressed", String(button.dataset.do === action));
    }
    if (action) card.dataset.decided = action; else delete card.dataset.decided;
    counter.textContent = decided.size.toLocaleString("en");
    save.disabled = decided.size === 0;
  };

  const decide = (card, action) => {
    const label = action === "relabel" ? card.querySelector("select").value : "";
    if (action) decided.set(card, [action, label]); else decided.delete(card);
    show(card);
    store();
  };

  const focus = (card) => {
    if (!card) return;
    for (const each of cards) each.tabIndex = each === card ? 0 : -1;
    card.focus({ preventScroll: true });
    card.scrollIntoView({ block: "nearest" });
  };

  const quoted = (text) => /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  const download = () => {
    if (!decided.size) return;
    const lines = cards.filter((card) => decided.has(card)).map((card) => {
      const [action, label] = decided.get(card);
      return [card.dataset.file, action, label, card.dataset.sha256].map(quoted).join(",");
    });
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([`file,decision,label,sha256\n${lines.join("\n")}\n`], { type: "text/csv" }));
    link.download = "decisions.csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    next.hidden = false;
  };

  const keys = { a: "accept", r: "relabel", d: "drop", u: "" };
  const letter = (event) => event.code.startsWith("Key") ? event.code.slice(3).toLowerCase() : "";  // Hangul keyboards, too
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("select")) return;
    const key = letter(event), card = event.target.closest(".card");
    if (key === "s") { event.preventDefault(); return download(); }
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step) { event.preventDefault(); return focus(cards[card ? cards.indexOf(card) + step : 0]); }
    if (!card || !(key in keys)) return;
    event.preventDefault();
    decide(card, keys[key]);
    if (keys[key]) focus(cards[cards.indexOf(card) + 1]);
  });

  for (const card of cards) {
    const select = card.querySelector("select");
    const fill = () => {  // all other classes, once they are asked for
      const there = new Set([card.dataset.given, ...[...select.options].map((option) => option.text)]);
      for (const each of classes) if (!there.has(each)) select.add(new Option(each));
    };
    select.addEventListener("pointerdown", fill, { once: true });
    select.addEventListener("focus", fill, { once: true });
    select.addEventListener("change", () => decide(card, "relabel"));
    for (const button of card.querySelectorAll("[data-do]")) {
      button.addEventListener("click", () => {
        decide(card, button.getAttribute("aria-pressed") === "true" ? "" : button.dataset.do);
      });
    }
    card.querySelector(".controls").hidden = false;
  }
  const of = new Map(cards.map((card) => [`${card.dataset.file}\n${card.dataset.sha256}`, card]));
  for (const [file, content, action, label] of stored()) {
    const card = of.get(`${file}\n${content}`);
    if (!card) continue;
    const select = card.querySelector("select");
    if (label && ![...select.options].some((option) => option.text === label)) select.add(new Option(label));
    if (label) select.value = label;
    decided.set(card, [action, label]);
    show(card);
  }
  if (cards.length) cards[0].tabIndex = 0;
  save.disabled = decided.size === 0;
  save.addEventListener("click", download);
  bar.hidden = false;
})();
