"use strict";
{
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  for (const each of all(".tools")) each.hidden = false;

  // A link to a lesson opens it, wherever it is folded away.
  const reveal = () => {
    let at = document.getElementById(location.hash.slice(1));
    if (!at) return;
    const target = at;
    for (; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
    const row = target.closest(".cards > li");
    if (row) row.hidden = false;
    target.scrollIntoView();
  };
  addEventListener("hashchange", reveal);
  reveal();

  for (const button of all("[data-unfold]")) {
    button.addEventListener("click", () => {
      const found = all("details", document.getElementById(button.dataset.unfold));
      const open = button.textContent === "Unfold all";
      for (const each of found) each.open = open;
      button.textContent = open ? "Fold all" : "Unfold all";
    });
  }

  const tree = document.querySelector(".tree");
  if (tree) {
    tree.addEventListener("keydown", (event) => {
      const fold = event.target.tagName === "SUMMARY" ? event.target.parentElement : null;
      if (fold && event.key === "ArrowRight") fold.open = true;
      if (fold && event.key === "ArrowLeft") fold.open = false;
    });
  }

  const list = document.getElementById("list");
  const input = document.querySelector("input");
  if (list && input) {
    const rows = all(":scope > li", list);
    const count = document.querySelector("output");
    let texts = null;
    const filter = () => {
      texts ??= rows.map((row) => row.textContent.toLowerCase());
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      rows.forEach((row, number) => {
        row.hidden = !words.every((word) => texts[number].includes(word));
        shown += !row.hidden;
      });
      count.textContent = words.length ? `${shown} of ${rows.length}` : "";
    };
    input.addEventListener("input", filter);
    if (input.value) filter();

    const title = (row) => row.querySelector(".t").textContent;
    const keys = {
      support: (a, b) => a.dataset.support - b.dataset.support || a.dataset.tasks - b.dataset.tasks,
      id: (a, b) => a.dataset.id.localeCompare(b.dataset.id, "en", { numeric: true }),
      title: (a, b) => title(a).localeCompare(title(b), "en"),
      place: (a, b) => a.dataset.place.localeCompare(b.dataset.place, "en"),
    };
    const buttons = all("[data-sort]");
    const mark = (chosen, way) => {
      for (const each of buttons) {
        each.setAttribute("aria-pressed", String(each === chosen));
        delete each.dataset.way;
      }
      chosen.dataset.way = way;
      chosen.setAttribute("aria-description", way === "down" ? "descending" : "ascending");
    };
    mark(buttons[0], "down");
    for (const button of buttons) {
      button.addEventListener("click", () => {
        const first = button.dataset.sort === "support" ? "down" : "up";
        const way = button.dataset.way ? (button.dataset.way === "up" ? "down" : "up") : first;
        const order = new Map(rows.map((row, number) => [row, number]));
        const compare = keys[button.dataset.sort];
        const sorted = [...rows].sort((a, b) => (way === "up" ? compare(a, b) : compare(b, a)) || order.get(a) - order.get(b));
        list.append(...sorted);
        mark(button, way);
      });
    }
  }

  // On paper nothing can be unfolded.
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = all("details:not([open])");
    for (const each of closed) each.open = true;
  });
  addEventListener("afterprint", () => {
    for (const each of closed) each.open = false;
  });
}
