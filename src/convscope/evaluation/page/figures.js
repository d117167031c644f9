// The table of classes, to be sorted and opened; and the slider of "none of these".
(() => {
  const table = document.querySelector(".classes");
  const body = table.tBodies[0], order = [...body.rows];
  const valueOf = (row, column) => Number(row.cells[column].dataset.value ?? row.dataset.class);
  const heads = [...table.querySelectorAll("[data-sort]")].map(asButton);
  let [by, falling] = [0, false];

  heads.forEach((head, column) => head.addEventListener("click", () => {
    [by, falling] = [column, column === by ? !falling : column > 0];
    for (const drawer of body.querySelectorAll(".drawer")) drawer.remove();
    for (const opener of body.querySelectorAll("[aria-expanded=true]")) opener.setAttribute("aria-expanded", "false");
    order.sort((a, b) => (falling ? -1 : 1) * (valueOf(a, by) - valueOf(b, by)) || a.dataset.class - b.dataset.class);
    body.append(...order);
    heads.forEach((each) => each.closest("th").removeAttribute("aria-sort"));
    head.closest("th").setAttribute("aria-sort", falling ? "descending" : "ascending");
  }));

  const SIDE = 200, LEFT = 44, TOP = 8;
  const chart = (kind, points, area) => {
    const path = points.map(([x, y]) => `${(LEFT + x * SIDE).toFixed(1)} ${(TOP + (1 - y) * SIDE).toFixed(1)}`).join("L");
    const parts = [0, 0.5, 1].flatMap((tick) => {
      const [x, y] = [LEFT + tick * SIDE, TOP + (1 - tick) * SIDE], said = `${tick * 100}${NO_BREAK}%`;
      return [
        drawn("path", { class: "grid", d: `M${LEFT} ${y}h${SIDE}` }),
        drawn("text", { class: "tick", x: LEFT - 6, y: y + 4, "text-anchor": "end" }, said),
        drawn("text", { class: "tick", x, y: TOP + SIDE + 18, "text-anchor": "middle" }, said),
      ];
    });
    const middle = TOP + SIDE / 2;
    parts.push(
      drawn("path", { class: "line", d: `M${path}` }),
      drawn("text", { class: "tick", x: LEFT + SIDE / 2, y: TOP + SIDE + 38, "text-anchor": "middle" }, both(`${kind}.x`, {}, "tspan")),
      drawn("text", { class: "tick", transform: `translate(8 ${middle}) rotate(-90)`, "text-anchor": "middle" }, both(`${kind}.y`, {}, "tspan")),
    );
    const figure = document.createElement("figure"), caption = document.createElement("figcaption");
    caption.append(both(kind, { area: percent(area) }));
    figure.append(caption, drawn("svg", { class: "chart curve val", viewBox: `0 0 ${LEFT + SIDE + 16} ${TOP + SIDE + 44}`, "aria-hidden": "true" }, ...parts));
    return figure;
  };

  for (const span of table.querySelectorAll("[data-curves]")) {
    const told = report.curves[span.dataset.curves];
    if (!told) continue;
    const opener = asButton(span), row = opener.closest("tr");
    opener.setAttribute("aria-expanded", "false");
    opener.addEventListener("click", () => {
      const open = opener.getAttribute("aria-expanded") === "true";
      opener.setAttribute("aria-expanded", String(!open));
      if (open) return row.nextElementSibling.remove();
      const drawer = document.createElement("tr"), cell = drawer.insertCell();
      drawer.className = "drawer";
      cell.colSpan = row.cells.length;
      const charts = document.createElement("div");
      charts.className = "charts";
      charts.append(chart("roc", told.roc, told.auc), chart("pr", told.pr, told.average_precision));
      cell.append(charts);
      row.after(drawer);
    });
  }
})();

(() => {
  const section = document.getElementById("threshold");
  if (!section) return;
  const { table, left, wide } = report.threshold;
  const slider = section.querySelector("input"), last = table[table.length - 1][0];
  const mark = section.querySelector("svg .mark"), label = section.querySelector("svg .mark-label");
  const before = mark.getAttribute("d");
  slider.parentElement.hidden = false;
  slider.addEventListener("input", () => {
    const [threshold, coverage, accuracy, foreign] = table[slider.value];
    const said = {
      threshold: String(threshold), coverage: percent(coverage),
      accuracy: accuracy === null ? "–" : percent(accuracy), foreign: foreign === null ? "–" : percent(foreign),
    };
    for (const figure of section.querySelectorAll("[data-figure]")) figure.textContent = said[figure.dataset.figure];
    slider.setAttribute("aria-valuetext", said.threshold);
    const x = left + threshold / last * wide;
    mark.setAttribute("d", before.replace(/^M[\d.]+/, `M${x.toFixed(1)}`));
    label.setAttribute("x", x.toFixed(1));
    label.setAttribute("text-anchor", threshold < 0.2 ? "start" : threshold > 0.8 ? "end" : "middle");
  });
})();
