// The page begins: its parts, the theme, the keys. `data-ready` on the root says that the first
// screen is drawn, `data-busy` that rows are asked for.
(async () => {
  const root = document.documentElement;
  const { element, number, stretches } = seedbed;
  const find = (id) => document.getElementById(id);
  const said = (error) => {
    find("trouble").hidden = error === null;
    find("trouble").textContent = error === null ? "" : error.message;
  };
  seedbed.renewed = () => said(new Error("the run was made anew since this page was loaded: load it again"));

  // --- light and dark -------------------------------------------------------------------------------
  const THEMES = ["system", "light", "dark"];
  const remembered = () => { try { return localStorage.getItem("seedbed-theme"); } catch { return null; } };
  const theme = (name) => {
    if (name === "system") delete root.dataset.theme;
    else root.dataset.theme = name;
    find("theme").textContent = { system: "◐ as the system", light: "☀ light", dark: "☾ dark" }[name];
    find("theme").onclick = () => {
      const next = THEMES[(THEMES.indexOf(name) + 1) % THEMES.length];
      try { localStorage.setItem("seedbed-theme", next); } catch { /* a page from a folder remembers nothing */ }
      theme(next);
    };
  };
  theme(THEMES.includes(remembered()) ? remembered() : "system");

  try {
    const source = await seedbed.source();
    const about = await source.about();
    document.title = about.name;
    find("name").replaceChildren(...stretches.seen(about.name));
    find("status").replaceChildren(...stretches.seen(about.status));
    find("warnings").hidden = !about.warnings.length;
    find("warnings").replaceChildren(...about.warnings.map((text) => element("li", {}, ...stretches.seen(text))));
    const rows = seedbed.rows(find, source, about, said);

    // --- the parts ----------------------------------------------------------------------------------
    const PARTS = [["flow", "Flow"], ["kept", `Records ${number(about.tables.kept)}`], ["left", `Left ${number(about.tables.left)}`], ["result", "Result"]]
      .filter(([name]) => name !== "flow" || about.tiles.length);
    const tiles = () => about.tiles.length ? element("div", { class: "cells" }, ...about.tiles.map(([name, value, words]) =>
      element("div", { class: "cell", "data-total": name }, element("b", {}, value), element("span", {}, name), element("small", {}, words)))) : null;
    const panels = async (name) => {
      const holder = find(name);
      if (holder.childElementCount) return;
      holder.append(element("p", { class: "note" }, "reading …"));
      const list = await source[name]();
      const made = list.map(([title, text]) => element("section", {}, element("h2", {}, title), stretches.markup(text)));
      const links = list.length > 1 && name === "result" ? element("p", { class: "jump" }, ...list.map(([title], at) =>
        element("button", { type: "button", onclick: () => made[at].scrollIntoView() }, title))) : null;
      holder.replaceChildren(...[name === "flow" ? tiles() : null, links, ...made].filter(Boolean));
      if (name === "flow") follow(holder);
    };
    // A number of the flow leads to the rows that it counts.
    const follow = (holder) => {
      const lead = (cell, table, query) => {
        cell.replaceChildren(element("a", { href: `#${table}?${new URLSearchParams(query)}` }, cell.textContent));
      };
      for (const line of holder.querySelectorAll("tr[data-step]")) {
        const { step } = line.dataset;
        for (const name of ["dropped", "failed"]) {
          const cell = line.querySelector(`[data-count=${name}]`);
          if (cell && cell.textContent !== "0") lead(cell, "left", { "f.step": step });
        }
        const cell = line.querySelector("[data-count=made]");
        if (cell && about.steps.includes(step)) lead(cell, "kept", { step });
      }
    };
    const part = () => {
      const [name, query] = location.hash.slice(1).split(/\?(.*)/s);
      const known = PARTS.find(([one]) => one === name) ?? PARTS[0];
      return [known[0], new URLSearchParams(query ?? "")];
    };
    const show = async () => {
      const [name, query] = part();
      const table = name === "kept" || name === "left";
      find("tabs").replaceChildren(...PARTS.map(([one, words]) => element("a", { href: `#${one}`, "aria-current": one === name ? "page" : null }, words)));
      for (const id of ["flow", "rows", "result"]) find(id).hidden = id !== (table ? "rows" : name);
      root.dataset.part = name;
      if (table) await rows.show(name, query);
      else await panels(name).catch((error) => { find(name).replaceChildren(); said(error); });
    };
    addEventListener("hashchange", show);

    // --- keys ---------------------------------------------------------------------------------------
    const KEYS = [["/", "search"], ["j, k", "next row, row before"], ["Enter", "open the row"], ["Esc", "close it; leave the search"],
      ["n, p", "next page, page before"], [`1 to ${PARTS.length}`, "parts of the page"], ["t", "light or dark"], ["?", "this list"]];
    find("keys").replaceChildren(element("h2", {}, "Keys"), element("dl", { class: "facts" }, ...KEYS.flatMap(([key, words]) => [element("dt", {}, element("kbd", {}, key)), element("dd", {}, words)])),
      element("form", { method: "dialog" }, element("button", {}, "close")));
    find("keys-button").onclick = () => find("keys").showModal();
    const inTable = () => !find("rows").hidden;
    const ACTS = {
      "/": () => { if (!inTable()) { history.pushState(null, "", "#kept"); show(); } rows.search(); },
      j: () => inTable() && rows.move(1),
      k: () => inTable() && rows.move(-1),
      n: () => inTable() && !find("pages").children[2].disabled && find("pages").children[2].click(),
      p: () => inTable() && !find("pages").children[1].disabled && find("pages").children[1].click(),
      t: () => find("theme").click(),
      "?": () => find("keys").showModal(),
    };
    addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || find("keys").open) return;
      const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement?.tagName ?? "");
      if (event.key === "Escape") {
        if (typing) document.activeElement.blur();
        else if (inTable() && rows.close()) event.preventDefault();
        return;
      }
      if (typing) return;
      if (event.key === "Enter" && inTable() && !/^(A|BUTTON|SUMMARY)$/.test(document.activeElement?.tagName ?? "")) { event.preventDefault(); rows.open(); return; }
      const digit = PARTS[+event.key - 1];
      if (digit) { location.hash = `#${digit[0]}`; return; }
      const act = ACTS[event.key];
      if (act) { event.preventDefault(); act(); }
    });

    seedbed.shown = { rows, source, about };
    await show();
    root.dataset.ready = "yes";
  } catch (error) {
    said(error);
    root.dataset.ready = "no";
  }
})();
