// The page is complete without this. It only saves a reader some clicks.
"use strict";
(() => {
  const folds = [...document.querySelectorAll("details.card, details.notes")];

  // A link to a scenario unfolds it.
  const unfold = () => {
    const target = location.hash ? document.getElementById(location.hash.slice(1)) : null;
    if (folds.includes(target)) {
      target.open = true;
      target.scrollIntoView();
    }
  };
  addEventListener("hashchange", unfold);
  unfold();

  // Paper has every scenario and the notes.
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = folds.filter((fold) => !fold.open);
    for (const fold of folded) fold.open = true;
  });
  addEventListener("afterprint", () => {
    for (const fold of folded) fold.open = false;
  });

  // Some browsers give no clipboard to a page that is a file.
  if (!navigator.clipboard) return;
  for (const place of document.querySelectorAll(".command")) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(place.querySelector("code").textContent);
        button.textContent = "Copied";
      } catch {
        button.textContent = "Not copied";
      }
    });
    place.append(button);
  }
})();
