// The page works without this: it opens in the language it was made in.
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
    for (const option of document.querySelectorAll("option[data-en]")) option.textContent = option.dataset[language];
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
})();
