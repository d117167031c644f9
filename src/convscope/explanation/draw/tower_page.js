// The page works without this: it opens in the language it was made in, and rows open by themselves.
(() => {
  const page = document.documentElement;
  const buttons = document.querySelectorAll("[data-choose]");

  const show = (language) => {
    page.lang = page.dataset.language = language;
    const title = document.querySelector("title");
    title.textContent = title.dataset[language];
    for (const picture of document.querySelectorAll("[role=img][data-en]")) {
      picture.setAttribute("aria-label", picture.dataset[language]);
    }
    for (const button of buttons) {
      button.setAttribute("aria-pressed", String(button.dataset.choose === language));
    }
  };

  // a browser may refuse storage to a page opened from a folder
  const remember = (language) => { try { sessionStorage.setItem("convscope-language", language); } catch { } };
  const remembered = () => { try { return sessionStorage.getItem("convscope-language"); } catch { return null; } };

  for (const button of buttons) {
    button.addEventListener("click", () => { show(button.dataset.choose); remember(button.dataset.choose); });
  }
  const before = remembered();
  show(before === "en" || before === "ko" ? before : page.dataset.language);
  document.querySelector(".switch").hidden = false;

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
