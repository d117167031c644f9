// The pictures: which are asked for, by a cell of the matrix or by the lists above them, and a card for each.
(() => {
  const section = document.getElementById("pictures");
  if (!section) return;
  const FIRST = 24, MORE = 96, UNITS = 100000;
  const { classes, files, truth, best, chances, own, top, pictures, heatmaps } = report;
  const [cards, names, unseen, found] = [".cards", ".names", ".unseen", ".found"].map((path) => section.querySelector(path));
  const [more, copy] = ["[data-more]", "[data-copy-names]"].map((path) => section.querySelector(path));
  const mould = section.querySelector("template").content.firstElementChild;
  const line = mould.querySelector(".answers li");
  const wish = { list: "wrong", true: "", answer: "", order: "worst" };
  let [seen, rest, shown] = [[], [], 0];  // rows with a picture here and without, and how many of both stand there

  const encoded = (image) => image ? image.src.slice(image.src.indexOf(",") + 1) : "";
  for (const card of cards.children) {  // those that stand there from the start are not in the data once more
    pictures[card.dataset.row] = encoded(card.querySelector(".look:not(.heat) img"));
    const heat = [...card.querySelectorAll(".heat img")].map(encoded);
    if (heat.length) heatmaps[card.dataset.row] = heat;
  }

  const predicted = (row) => best[row * top];
  const sure = (row) => chances[row * top];
  const right = (row) => predicted(row) === truth[row];
  const collator = new Intl.Collator(undefined, { numeric: true });
  const orders = {
    worst: (a, b) => (right(a) ? sure(a) : -sure(a)) - (right(b) ? sure(b) : -sure(b)),
    unsure: (a, b) => sure(a) - sure(b),
    class: (a, b) => truth[a] - truth[b] || predicted(a) - predicted(b) || sure(b) - sure(a),
    name: (a, b) => collator.compare(files[a], files[b]),
  };

  const asked = () => {
    const [trueClass, answer] = [wish.true, wish.answer].map((index) => index === "" ? -1 : Number(index));
    const rows = [];
    for (let row = 0; row < files.length; row++) {
      if (trueClass >= 0 && truth[row] !== trueClass) continue;
      if (answer >= 0 && predicted(row) !== answer) continue;
      if (wish.list === "all" || (wish.list === "right") === right(row)) rows.push(row);
    }
    return rows.sort((a, b) => orders[wish.order](a, b) || a - b);
  };

  const answerOf = (index, chance, row) => {
    const made = line.cloneNode(true);
    const kind = index === truth[row] ? "hit" : index === predicted(row) ? "miss" : "other";
    made.className = kind;
    made.querySelector("bdi").textContent = classes[index];
    made.querySelector(".chance").textContent = percent(chance / UNITS);
    made.querySelector(".bar").className = `bar ${kind}`;
    made.querySelector("i").style.width = `${chance / UNITS * 100}%`;
    return made;
  };

  const card = (row) => {
    const made = mould.cloneNode(true);
    made.dataset.row = row;
    made.querySelector(".file bdi").textContent = files[row];
    const picture = made.querySelector(".picture");
    if (pictures[row]) {
      picture.firstElementChild.src = `data:image/jpeg;base64,${pictures[row]}`;
      picture.firstElementChild.alt = files[row];
    } else {
      picture.classList.add("missing");
      picture.replaceChildren(both("missing"));
    }
    const heat = heatmaps[row];
    if (!heat) made.classList.remove("heated");
    made.querySelectorAll(".heat").forEach((look, place) => {
      if (!heat) return look.remove();
      look.querySelector("img").src = `data:image/jpeg;base64,${heat[place]}`;
      look.querySelector("bdi").textContent = classes[place ? truth[row] : predicted(row)];
    });
    const lines = [];
    for (let place = row * top; place < (row + 1) * top; place++) lines.push([best[place], chances[place]]);
    if (!lines.some(([index]) => index === truth[row])) lines.push([truth[row], own[row]]);
    made.querySelector(".answers").replaceChildren(...lines.map(([index, chance]) => answerOf(index, chance, row)));
    return made;
  };

  const nameOf = (row) => {
    const made = document.createElement("li");
    for (const [kind, text] of [["file", files[row]], ["class", classes[truth[row]]], [right(row) ? "hit" : "miss", classes[predicted(row)]]]) {
      const said = document.createElement("bdi");
      said.className = kind;
      said.textContent = text;
      made.append(said);
    }
    const chance = document.createElement("span");
    chance.className = "chance";
    chance.textContent = percent(sure(row) / UNITS);
    made.dataset.row = row;
    made.append(chance);
    return made;
  };

  const extend = (count) => {
    const upTo = Math.min(shown + count, seen.length + rest.length);
    cards.append(...seen.slice(shown, upTo).map(card));
    names.append(...rest.slice(Math.max(shown - seen.length, 0), Math.max(upTo - seen.length, 0)).map(nameOf));
    shown = upTo;
    unseen.hidden = !names.childElementCount;
    const left = seen.length + rest.length - shown;
    more.hidden = left === 0;
    more.replaceChildren(both("more", { count: left.toLocaleString("en") }));
    copy.hidden = shown + left === 0;
  };

  const arrange = () => {
    [seen, rest] = [[], []];
    for (const row of asked()) (row in pictures ? seen : rest).push(row);
  };

  const show = () => {
    arrange();
    shown = 0;
    cards.replaceChildren();
    names.replaceChildren();
    const count = seen.length + rest.length;
    found.replaceChildren(count ? both("found", { count: count.toLocaleString("en") }) : both("nothing"));
    for (const button of section.querySelectorAll("[data-list]")) {
      button.setAttribute("aria-pressed", String(button.dataset.list === wish.list));
    }
    for (const select of section.querySelectorAll("select")) {
      select.value = wish[select.dataset.class ?? "order"];
    }
    const off = wish.list === "right" ? wish.true === wish.answer : wish.list === "wrong" && wish.true !== wish.answer;
    for (const cell of document.querySelectorAll("[data-cell]")) {
      const chosen = off && cell.dataset.cell === `${wish.true},${wish.answer}`;
      cell.setAttribute("aria-pressed", String(chosen));
    }
    extend(FIRST);
  };

  let asker = null;  // the cell that was asked, to go back to
  document.addEventListener("click", (event) => {
    const cell = event.target.closest("[data-cell]");
    if (!cell) return;
    asker = cell;
    [wish.true, wish.answer] = cell.dataset.cell.split(",");
    wish.list = wish.true === wish.answer ? "right" : "wrong";
    show();
    section.querySelector("h2").focus({ preventScroll: true });
    section.scrollIntoView({ behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
  });
  section.addEventListener("keydown", (event) => { if (event.key === "Escape" && asker) asker.focus(); });

  // one stop of the tabulator for the matrix; arrows go from cell to cell
  const matrix = document.querySelector(".matrix");
  const cells = [...matrix.querySelectorAll("[data-cell]")];
  const stop = (cell) => { for (const each of cells) each.tabIndex = each === cell ? 0 : -1; };
  const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  if (cells.length) stop(cells[0]);
  matrix.addEventListener("keydown", (event) => {
    const step = steps[event.key], here = event.target.closest("td");
    if (!step || !here) return;
    event.preventDefault();
    const grid = [...matrix.tBodies[0].rows].map((row) => [...row.querySelectorAll("td")]);
    let row = here.parentElement.sectionRowIndex, column = grid[row].indexOf(here), cell = null;
    do {
      [row, column] = [row + step[0], column + step[1]];
      cell = grid[row]?.[column]?.querySelector("button");
    } while (!cell && grid[row]?.[column]);
    if (cell) { stop(cell); cell.focus(); }
  });

  for (const button of section.querySelectorAll("[data-list]")) {
    button.addEventListener("click", () => { wish.list = button.dataset.list; show(); });
  }
  for (const select of section.querySelectorAll("select")) {
    if (select.dataset.class) classes.forEach((each, index) => select.add(new Option(each, index)));
    select.addEventListener("change", () => { wish[select.dataset.class ?? "order"] = select.value; show(); });
  }
  more.addEventListener("click", () => extend(MORE));
  copy.addEventListener("click", () => copied([...seen, ...rest].map((row) => files[row]).join("\n"), copy));
  section.querySelector(".controls").hidden = false;
  arrange();
  shown = cards.childElementCount;
  extend(0);
})();
