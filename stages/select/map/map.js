// The map: points to pan, hover, lasso and search, in the colours of what is asked for; what is
// chosen in lines, one record in full; `data-ready` on the root says that all is drawn.
seedbed.map = (() => {
  const { element, colours, number, digits } = seedbed;
  const LISTED = 60; // records of a choice that are listed
  const CLUSTERS = 200; // rows of the table
  const IDLE = "Under the pointer: nothing.";

  const load = async () => {
    const { packed } = seedbed;
    const [about, texts, ids, spots, source, fate, cluster, order] = await Promise.all(
      ["map", "texts", "ids", "places", "source", "fate", "cluster", "order"].map(packed.read));
    const loss = about.losses ? await packed.read("loss") : null;
    return { about, texts, ids, points: packed.places(spots), source, fate, cluster, order, loss };
  };

  const make = async () => {
    const data = await load();
    const { about, texts, ids, points, source, fate, cluster, order, loss } = data;
    const find = (id) => document.getElementById(id);
    const count = about.count, names = about.clusters.map((one) => one.name);
    const state = { chosen: [], title: "", colouring: 0, keep: count, turn: 0 };
    const kept = fate.reduce((sum, one) => sum + (one === 0), 0);
    find("about").textContent = `${number(count)} records, ${number(kept)} kept. ` + about.notes.join(" ");

    // A category has the colour of its number; beyond the palette colours come again.
    const paint = (n) => colours.category(n % colours.known);
    const colourings = [
      { title: "cluster", names, values: cluster, paint },
      { title: "source", names: about.sources, values: source, paint },
      { title: "kept or dropped", names: about.fates, values: fate, paint: (n) => (n ? paint(n + 2) : paint(0)) },
    ];
    if (loss) colourings.push({ title: "loss at the end" });
    colourings.push({ title: "what a smaller keep would leave" });
    const KEEP = colourings.length - 1, LOSS = loss ? KEEP - 1 : -1;

    // --- one record, and many ---
    const fact = (list, name, value) => list.append(element("dt", {}, name), element("dd", {}, value));
    const one = (index) => {
      const facts = element("dl", {});
      fact(facts, "record", ids[index]);
      fact(facts, "source", about.sources[source[index]]);
      fact(facts, "cluster", names[cluster[index]]);
      fact(facts, "fate", about.fates[fate[index]]);
      if (about.left[index]) fact(facts, "because", about.left[index]);
      if (loss && Number.isFinite(loss[index])) fact(facts, "loss", digits(loss[index]));
      fact(facts, "order", `${number(order[index] + 1)} of ${number(count)}`);
      fact(facts, "its life", element("code", {}, `seedbed explain ${ids[index]} --run runs/${about.name}`));
      return element("div", {}, facts, element("div", { class: "text" }, texts[index]));
    };
    const tally = (values, labels, indices) => {
      const sizes = new Uint32Array(labels.length);
      for (const index of indices) sizes[values[index]]++;
      return [...sizes.keys()].filter((n) => sizes[n]).sort((a, b) => sizes[b] - sizes[a]).slice(0, 6).map((n) => `${labels[n]} ${number(sizes[n])}`).join("; ");
    };
    const show = () => {
      const holder = find("chosen"), { chosen } = state;
      holder.replaceChildren();
      if (!chosen.length) {
        holder.append(element("p", { class: "note" }, state.title || "Click a point to read its record; drag with Shift, or with the lasso switched on, to choose many."));
        return;
      }
      if (chosen.length === 1) return holder.append(one(chosen[0]));
      const facts = element("dl", {});
      fact(facts, "chosen", number(chosen.length) + (state.title ? `: ${state.title}` : ""));
      fact(facts, "sources", tally(source, about.sources, chosen));
      fact(facts, "clusters", tally(cluster, names, chosen));
      fact(facts, "fates", tally(fate, about.fates, chosen));
      if (loss) {
        const known = chosen.filter((index) => Number.isFinite(loss[index]));
        if (known.length) fact(facts, "mean loss", digits(known.reduce((sum, index) => sum + loss[index], 0) / known.length));
      }
      holder.append(facts, ...chosen.slice(0, LISTED).map((index) =>
        element("div", { class: fate[index] ? "line gone" : "line", onclick: () => choose([index]) }, texts[index].slice(0, 160) || "∅")));
      if (chosen.length > LISTED) holder.append(element("p", { class: "note" }, `and ${number(chosen.length - LISTED)} more`));
    };
    const choose = (indices, title = "", mark = true) => {
      state.chosen = indices;
      state.title = title;
      if (mark) scatter?.select(indices);
      show();
    };
    const scatter = await seedbed.scatter(find("scatter"), points, {
      select: (indices) => choose(indices, "", false),
      hover: (index) => { find("hover").textContent = index === null ? IDLE : texts[index].slice(0, 240); },
    });

    // --- colours ---
    const shares = (values, top) => Float32Array.from(values, (value) => (Number.isFinite(value) ? Math.min(value / top, 1) : 1));
    const rows = (values, category) => {
      const out = [];
      for (let index = 0; index < count; index++) if (values[index] === category) out.push(index);
      return out;
    };
    const ramp = (before, after) => [element("span", {}, before), ...colours.ramp().filter((_, n) => n % 4 === 0).map((one) =>
      element("span", { class: "chip", style: `background:${one};margin:0` })), element("span", {}, after)];
    const colour = async () => {
      const legend = seedbed.element("div");
      const turn = ++state.turn;
      await paintPoints(legend);
      if (turn === state.turn) find("legend").replaceChildren(...legend.childNodes); // not of an earlier call
    };
    const paintPoints = async (legend) => {
      if (state.colouring === LOSS) {
        const sorted = loss.filter(Number.isFinite).sort();
        const top = sorted[Math.floor(sorted.length * 0.98)] || 1;
        await scatter?.colour(shares(loss, top), colours.ramp(), true);
        return legend.append(...ramp("0 ", ` ${digits(top)} nats and more, or none measured`));
      }
      if (state.colouring === KEEP) {
        const goes = Uint8Array.from(order, (place) => (place < state.keep ? 0 : 1));
        await scatter?.colour(goes, [paint(0), colours.of("line")]);
        return legend.append(element("span", {}, element("span", { class: "chip", style: `background:${paint(0)}` }),
          `${number(state.keep)} would stay, ${number(count - state.keep)} would go: farthest first on principal components, an estimate of select's spread`));
      }
      const by = colourings[state.colouring];
      await scatter?.colour(by.values, by.names.map((_, n) => by.paint(n)));
      const sizes = new Uint32Array(by.names.length);
      for (const value of by.values) sizes[value]++;
      by.names.slice(0, 40).forEach((name, n) => sizes[n] && legend.append(element("button", { onclick: () => choose(rows(by.values, n), name) },
        element("span", { class: "chip", style: `background:${by.paint(n)}` }), `${name} ${number(sizes[n])}`)));
    };

    // --- search and controls ---
    const search = (words) => {
      const low = words.toLowerCase(), found = [];
      if (!low) return choose([]);
      for (let index = 0; index < count; index++)
        if (texts[index].toLowerCase().includes(low) || ids[index] === words) found.push(index);
      choose(found, found.length ? `texts with “${words}”` : `No text on the map has “${words}”.`);
      if (found.length) scatter?.zoom(found);
    };
    const by = element("select", { "aria-label": "colour by", onchange: () => { state.colouring = Number(by.value); colour(); } },
      ...colourings.map((one, n) => element("option", { value: n }, one.title)));
    const box = element("input", { type: "search", placeholder: "search texts", "aria-label": "search" });
    box.addEventListener("search", () => { if (!box.value) choose([]); });
    const lasso = element("button", { "aria-pressed": "false", onclick: () => {
      const on = lasso.getAttribute("aria-pressed") !== "true";
      lasso.setAttribute("aria-pressed", String(on));
      scatter.lasso(on);
    } }, "Lasso");
    const slider = element("input", { type: "range", min: 1, max: count, value: count, "aria-label": "keep", oninput: () => {
      state.keep = Number(slider.value);
      by.value = String((state.colouring = KEEP));
      shown.textContent = number(state.keep);
      colour();
    } });
    const shown = element("span", {}, number(count));
    find("controls").append(element("label", {}, "colour by", by),
      element("form", { onsubmit: (event) => { event.preventDefault(); search(box.value); } }, box),
      ...(scatter ? [lasso, element("button", { onclick: () => scatter.reset() }, "Whole")] : []),
      element("button", { onclick: () => choose([]) }, "Choose none"), element("label", {}, "keep", slider, shown));

    // --- clusters ---
    const sizes = new Uint32Array(names.length), stay = new Uint32Array(names.length), sums = new Float64Array(names.length), known = new Uint32Array(names.length);
    for (let index = 0; index < count; index++) {
      sizes[cluster[index]]++;
      stay[cluster[index]] += fate[index] === 0;
      if (loss && Number.isFinite(loss[index])) { sums[cluster[index]] += loss[index]; known[cluster[index]]++; }
    }
    const body = element("tbody", {});
    about.clusters.slice(0, CLUSTERS).forEach((each, n) => {
      const pick = () => choose(rows(cluster, n), each.name);
      const row = element("tr", { tabindex: "0", onclick: pick },
        element("td", { class: "full" }, element("span", { class: "chip", style: `background:${paint(n)}` }), each.name),
        element("td", { class: "n", "data-word": "records" }, number(sizes[n])),
        element("td", { class: "n", "data-word": "kept" }, `${Math.round((100 * stay[n]) / sizes[n])} %`),
        loss ? element("td", { class: "n", "data-word": "loss" }, known[n] ? digits(sums[n] / known[n]) : "–") : null,
        element("td", { class: "full" }, ...each.nearest.map((index) => element("div", { class: "say" }, texts[index].slice(0, 120)))));
      row.addEventListener("keydown", (event) => { if (event.key === "Enter") pick(); });
      body.append(row);
    });
    const heads = ["cluster, by its distinctive words", "records", "kept", ...(loss ? ["mean loss"] : []), "nearest to its middle"];
    find("clusters").append(element("table", {}, element("thead", {}, element("tr", {}, ...heads.map((words) => element("th", {}, words)))), body));
    if (names.length > CLUSTERS) find("clusters").append(element("p", { class: "note" }, `The ${CLUSTERS} largest of ${number(names.length)} clusters.`));

    find("hover").textContent = IDLE;
    await colour();
    show();
    colours.changed(() => { colour(); });
    return { data, state, choose, search, scatter };
  };

  return make;
})();

seedbed.begin(async () => {
  seedbed.shown = await seedbed.map();
});
