// What the parts of a report's script share: its answers, its words in both languages, and what they are made into.
const report = JSON.parse(document.getElementById("data").textContent);
const NO_BREAK = "\u00a0";

// a share of one in percent; only a true 0 or 1 is shown as such
const percent = (share) => {
  if (share > 0 && share < 0.0005) return `<0.1${NO_BREAK}%`;
  if (share >= 0.9995 && share < 1) return `>99.9${NO_BREAK}%`;
  return `${(share * 100).toFixed(1)}${NO_BREAK}%`;
};

const filled = (text, values) => text.replace(/\{(\w+)\}/g, (_, key) => values[key]);

// a text in both languages; the style sheet shows one of them
const both = (key, values = {}, tag = "span") => {
  const made = document.createDocumentFragment();
  for (const [language, text] of Object.entries(report.words[key])) {
    const said = tag === "span" ? document.createElement(tag) : document.createElementNS(SVG, tag);
    said.lang = language;
    said.setAttribute("lang", language);
    said.textContent = filled(text, values);
    made.append(said);
  }
  return made;
};

const SVG = document.querySelector("svg").namespaceURI;  // the accuracy is always drawn
const drawn = (tag, attributes, ...inside) => {
  const made = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...inside);
  return made;
};

// what only a script can answer becomes a button once there is one
const asButton = (span) => {
  const button = document.createElement("button");
  button.type = "button";
  button.className = `plain ${span.className}`;
  Object.assign(button.dataset, span.dataset);
  button.append(...span.childNodes);
  span.replaceWith(button);
  return button;
};

const copied = async (text, button) => {
  try {
    await navigator.clipboard.writeText(text);
  } catch {  // a browser may refuse this to a page opened from a folder
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  const before = [...button.childNodes];
  button.replaceChildren(both("copied"));
  button.disabled = true;
  setTimeout(() => { button.replaceChildren(...before); button.disabled = false; }, 1500);
};

for (const hint of document.querySelectorAll(".asks")) hint.hidden = false;
for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", () => copied(button.previousElementSibling.textContent, button));
}
