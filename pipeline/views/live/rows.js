// A table of rows: filters, pages, the list, and the row that is open. State stands in the address.
seedbed.rows = (() => {
  const { element, number, stretches, record } = seedbed;
  const WAIT = 180; // milliseconds after a letter

  const make = (find, source, about, said) => {
    const list = find("list"), detail = find("detail");
    let state = null, turn = 0, shown = [], at = -1, typing = 0, drawnFor = "";
    const busy = (on) => { document.documentElement.dataset.busy = on ? "yes" : "no"; };

    // --- filters ----------------------------------------------------------------------------------

    const field = (title, made) => element("label", {}, title, made);
    const filters = async () => {
      const now = `${state.table}|${state.step ?? ""}`;
      if (drawnFor === now) { fill(); return; }
      const mine = turn;
      const search = element("input", { type: "search", id: "words", placeholder: "words in any text", "aria-label": "words", spellcheck: "false",
        oninput: () => { clearTimeout(typing); typing = setTimeout(() => change({ words: search.value }), WAIT); } });
      const parts = [search];
      if (state.table === "kept" && about.steps.length > 1) {
        const options = ["", ...about.steps].map((name) => element("option", { value: name }, name || "the last step"));
        parts.push(field("after", element("select", { id: "after", onchange: (event) => change({ step: event.target.value || null, facets: {} }) }, ...options)));
      }
      find("filters").replaceChildren(...parts);
      drawnFor = now;
      fill();
      const told = await source.facets(state.table, state.step).catch((error) => { if (drawnFor === now) said(error); return null; });
      if (told === null || drawnFor !== now || mine > turn) return;
      for (const [name, values] of told.facets) {
        const options = values.map(([value, count]) => element("option", { value: `=${value}` }, `${value} (${number(count)})`));
        parts.push(field(name, element("select", { "data-facet": name, onchange: (event) => {
          const facets = { ...state.facets };
          if (event.target.value) facets[name] = event.target.value.slice(1);
          else delete facets[name];
          change({ facets });
        } }, element("option", { value: "" }, "all"), ...options)));
      }
      const bound = (name, title) => field(title, element("input", { type: "number", id: name, min: "0", max: `${told.longest}`, placeholder: name === "low" ? "0" : number(told.longest),
        onchange: (event) => change({ [name]: event.target.value === "" ? null : Math.max(0, Math.floor(+event.target.value)) }) }));
      const first = find("filters").childElementCount; // what is typed in keeps its place
      parts.push(bound("low", "characters from"), bound("high", "to"),
        element("button", { type: "button", id: "clear", onclick: () => change({ words: "", facets: {}, low: null, high: null, step: null }) }, "clear"));
      find("filters").append(...parts.slice(first));
      fill();
    };
    // The controls say what the state is.
    const fill = () => {
      const search = find("words");
      if (search && document.activeElement !== search) search.value = state.words;
      if (find("after")) find("after").value = state.step ?? "";
      for (const one of document.querySelectorAll("#filters [data-facet]")) {
        const value = state.facets[one.dataset.facet];
        one.value = value === undefined ? "" : `=${value}`;
        one.classList.toggle("set", value !== undefined);
      }
      for (const name of ["low", "high"]) if (find(name)) find(name).value = state[name] ?? "";
    };
    find("filters").onsubmit = (event) => { event.preventDefault(); clearTimeout(typing); change({ words: find("words").value }); list.focus(); };

    // --- the list ---------------------------------------------------------------------------------

    const words = () => stretches.words(state.words);
    const card = (row, place) => {
      const made = element("li", { class: "card", tabindex: "-1", "data-at": row.at, onclick: () => choose(place, true) },
        record.why(row),
        ...record.texts(row, words()),
        row.more ? element("p", { class: "note" }, `and ${number(row.more)} more texts`) : null,
        element("p", { class: "place", dir: "auto" }, ...stretches.seen([`${row.source} · ${row.place}`, ...row.facts.map(([name, value]) => `${name} ${value}`)].join(" · "))));
      return made;
    };
    const draw = (told) => {
      const same = shown.length && told.rows.length >= shown.length && shown.every((row, n) => row.at === told.rows[n].at) && list.childElementCount === shown.length;
      const from = same ? shown.length : 0;
      if (!same) list.replaceChildren();
      list.append(...told.rows.slice(from).map((row, n) => card(row, from + n)));
      shown = told.rows;
      const end = state.from + shown.length;
      const range = shown.length ? `${number(state.from + 1)} to ${number(end)} of ` : "";
      const what = state.table === "kept" ? "records" : "that left";
      const more = told.done ? "" : `, ${Math.floor(100 * told.share)} % looked through`;
      find("count").textContent = `${range}${number(told.total)}${told.done ? "" : " or more"} ${what}${more}`;
      pages(told);
    };
    const pages = (told) => {
      const step = (words_, to, off) => element("button", { type: "button", disabled: off, onclick: () => change({ from: to }, true) }, words_);
      const last = Math.max(0, Math.floor((told.total - 1) / about.page) * about.page);
      const go = element("input", { type: "number", min: "1", max: `${told.total}`, "aria-label": "row to go to", placeholder: "row",
        onchange: () => change({ from: Math.min(last, Math.max(0, Math.floor((+go.value - 1) / about.page) * about.page)) }, true) });
      find("pages").replaceChildren(step("first", 0, !state.from), step("‹ back", Math.max(0, state.from - about.page), !state.from),
        step("on ›", state.from + about.page, state.from + about.page >= told.total), step("last", last, !told.done || state.from >= last), go);
    };

    // Ask until the page is full and all are counted; a newer question ends this one.
    const load = async () => {
      const mine = ++turn;
      busy(true);
      const query = { words: state.words, facets: state.facets, low: state.low, high: state.high };
      try {
        let told = await source.rows(state.table, state.step, query, state.from, about.page);
        while (mine === turn) {
          draw(told);
          said(null);
          if (told.done) break;
          const full = told.rows.length === about.page;
          const next = await source.rows(state.table, state.step, query, state.from, full ? 0 : about.page);
          told = full ? { ...next, rows: told.rows } : next;
        }
      } catch (error) {
        if (mine === turn) said(error);
      }
      if (mine === turn) busy(false);
    };

    // --- the chosen row ---------------------------------------------------------------------------

    const choose = (place, opens) => {
      for (const one of list.querySelectorAll(".chosen")) one.classList.remove("chosen");
      at = place;
      const made = list.children[at];
      if (!made) return;
      made.classList.add("chosen");
      made.focus({ preventScroll: true });
      made.scrollIntoView({ block: "nearest" });
      if (opens || !detail.hidden) open();
    };
    const open = async () => {
      const row = shown[at], mine = turn;
      if (!row) return;
      find("rows").classList.add("opened");
      address({ open: row.at });
      document.documentElement.dataset.opened = "no";
      try {
        await record.open(detail, source, state.table, state.step, row.at, words(), close);
        if (mine === turn) document.documentElement.dataset.opened = `${row.at}`;
      } catch (error) {
        said(error);
      }
    };
    const close = () => {
      if (detail.hidden) return false;
      detail.hidden = true;
      detail.replaceChildren();
      find("rows").classList.remove("opened");
      address({ open: null });
      list.children[at]?.focus({ preventScroll: true });
      list.children[at]?.scrollIntoView({ block: "nearest" });
      return true;
    };
    // To the next or the last row; over a page's end to the next page.
    const move = async (by) => {
      const next = at + by;
      if (next >= 0 && next < shown.length) { choose(next, false); return; }
      const to = state.from + by * about.page;
      if (to < 0 || (by > 0 && shown.length < about.page)) return;
      await change({ from: to }, true);
      choose(by > 0 ? 0 : shown.length - 1, false);
    };

    // --- the address ------------------------------------------------------------------------------

    const address = (changed) => {
      state = { ...state, ...changed };
      const told = new URLSearchParams();
      for (const name of ["words", "step", "low", "high", "from", "open"]) if (state[name] !== null && state[name] !== "" && !(name === "from" && !state.from)) told.append(name, state[name]);
      for (const [name, value] of Object.entries(state.facets)) told.append(`f.${name}`, value);
      const query = told.toString();
      history.replaceState(null, "", `#${state.table}${query ? `?${query}` : ""}`);
    };
    const change = async (changed, keepsPage = false) => {
      if (!keepsPage) changed = { from: 0, ...changed };
      detail.hidden = true;
      detail.replaceChildren();
      find("rows").classList.remove("opened");
      at = -1;
      address({ ...changed, open: null });
      if (keepsPage) scrollTo({ top: 0, behavior: "instant" });
      const drawn = load();
      filters();
      await drawn;
    };
    // What an address says, shown.
    const show = async (table, query) => {
      const whole = (name) => (/^\d{1,15}$/.test(query.get(name) ?? "") ? +query.get(name) : null);
      const facets = Object.fromEntries([...query].filter(([name]) => name.startsWith("f.")).map(([name, value]) => [name.slice(2), value]));
      const opened = whole("open");
      state = { table, step: query.get("step"), words: query.get("words") ?? "", low: whole("low"), high: whole("high"), from: whole("from") ?? 0, facets, open: opened };
      shown = [];
      list.replaceChildren();
      await change({ from: state.from }, true);
      if (opened !== null) {
        const place = shown.findIndex((row) => row.at === opened);
        if (place >= 0) choose(place, true);
      }
    };

    return { show, change, move, close, open: () => (at < 0 ? choose(0, true) : open()), search: () => { find("words").focus(); find("words").select(); }, get state() { return state; } };
  };

  return make;
})();
