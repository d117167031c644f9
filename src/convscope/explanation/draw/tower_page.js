// The page works without this: its rows open by themselves.
(() => {
  for (const button of document.querySelectorAll("[data-open]")) {
    button.addEventListener("click", () => {
      for (const row of document.querySelectorAll("details")) row.open = button.dataset.open === "true";
    });
  }
  document.querySelector(".buttons").hidden = false;

  // a box of the drawing leads to its row and opens it
  const open = (row) => { if (row) { row.open = true; row.scrollIntoView({ block: "center" }); } };
  for (const link of document.querySelectorAll(".tower a")) {
    link.addEventListener("click", () => open(document.querySelector(link.getAttribute("href"))));
  }
  if (location.hash.startsWith("#row-")) open(document.getElementById(location.hash.slice(1)));
})();
