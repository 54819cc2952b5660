// One row whole: its texts, what training makes of it, and its life step by step.
seedbed.record = (() => {
  const { element, stretches } = seedbed;

  const facts = (pairs) =>
    pairs.length ? element("dl", { class: "facts" }, ...pairs.flatMap(([name, value]) =>
      [element("dt", { dir: "auto" }, ...stretches.seen(name)), element("dd", { dir: "auto" }, ...stretches.seen(value))])) : null;

  const texts = (row, words) =>
    row.texts.map(([name, list]) => element("div", { class: "field" },
      element("h4", { dir: "auto" }, ...stretches.seen(name)), stretches.make("div", { class: "text" }, list, words)));

  const head = (row) =>
    element("p", { class: "place", dir: "auto" }, ...stretches.seen(`${row.source} · ${row.place} · `), element("code", {}, row.id));

  // Why a row left, in one paragraph.
  const why = (row) =>
    row.reason === undefined ? null : element("p", { class: "why" },
      element("b", { class: row.failed ? "failed" : "dropped" }, row.reason),
      ` ${row.failed ? "failed" : "dropped"}${row.step ? ` at ${row.step}` : ""}: ${row.meaning}`);

  const life = (told) => {
    const chapters = told.chapters.map((one) => {
      const body = one.lines.length ? element("pre", { dir: "auto" }, ...one.lines.flatMap((line, at) =>
        [at ? "\n" : "", stretches.make("span", {}, line)])) : null;
      const title = [element("b", {}, one.label), ` ${one.event}${one.reason ? `, ${one.reason}: ${one.meaning}` : ""}`];
      return element("li", { class: one.event }, body && (one.event !== "kept" || one.lines.length <= 3)
        ? element("div", {}, element("p", {}, ...title), body)
        : body ? element("details", {}, element("summary", {}, ...title), body) : element("p", {}, ...title));
    });
    const block = (title, lines) => lines.length
      ? element("details", {}, element("summary", {}, title), element("pre", { dir: "auto" }, ...stretches.seen(lines.join("\n")))) : null;
    return element("div", { class: "life" },
      element("p", { class: "place", dir: "auto" }, ...stretches.seen(`${told.source}: ${told.place}`)),
      told.bytes ? element("details", {}, element("summary", {}, "the bytes of the source"), stretches.make("pre", {}, told.bytes)) : null,
      block("what its source kept and left out of them", told.passages),
      element("ol", {}, ...chapters),
      told.after.length ? element("pre", { class: "after" }, ...stretches.seen(told.after.join("\n"))) : null);
  };

  // What comes later, in its place; what goes wrong is told there.
  const later = (title, promise, show) => {
    const body = element("div", { class: "note" }, "…"), whole = element("section", {}, element("h3", {}, title), body);
    promise.then((value) => {
      const shown = value === null ? null : show(value);
      if (shown === null) whole.remove();
      else body.replaceWith(shown);
    }, (error) => { body.textContent = error.message; });
    return whole;
  };

  // holder: the element that shows it. Returns when all of it is there.
  const open = async (holder, source, table, step, at, words, close) => {
    const row = { ...(await source.row(table, step, at)), table };
    const asked = [source.marked(row), source.life(row)];
    holder.replaceChildren(...[
      element("div", { class: "top" }, head(row), element("button", { type: "button", class: "close", onclick: close, "aria-label": "close" }, "Esc")),
      why(row), ...texts(row, words), row.stays ? element("p", { class: "note" }, row.stays) : null, facts(row.facts),
      later("As training sees it", asked[0], (list) => list.length ? element("div", {}, ...list.flatMap((one) =>
        [element("p", { class: "note" }, one.title), one.stretches.length ? stretches.make("div", { class: "text" }, one.stretches, words) : ""])) : null),
      later("Its life", asked[1], life),
    ].filter(Boolean));
    holder.hidden = false;
    holder.scrollTop = 0;
    await Promise.allSettled(asked);
  };

  return { open, head, why, texts };
})();
