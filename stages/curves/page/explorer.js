// Token curves in three panes: points, the curve beside the mean, the token in its text. A lasso, a
// search or a group chooses many, and their mean, tokens and pairs are shown.
seedbed.explorer = (() => {
  const { element, colours, number, digits } = seedbed;
  const AROUND = 160; // tokens of a text that are shown on each side
  const LISTED = 8;

  const LONGEST = 24; // characters of a token where many are listed
  const visible = (text) => text.replaceAll("\n", "↵").replaceAll("\r", "␍").replaceAll("\t", "⇥").replaceAll(" ", "␣") || "∅";
  const short = (text) => (text.length > LONGEST ? visible(text.slice(0, LONGEST)) + "…" : visible(text));

  const load = async () => {
    const { packed } = seedbed;
    const [about, texts, codes, spots, ids, begins, steps, bigrams, pairs] = await Promise.all(
      ["tokens", "texts", "curves", "places", "ids", "begins", "at", "bigrams", "pairs"].map(packed.read));
    const at = new Uint32Array(steps.length);
    let sum = 0;
    for (let row = 0; row < steps.length; row++) at[row] = sum += steps[row] | 0;
    const values = await Promise.all(about.colourings.map((_, n) => packed.read(`colour ${n}`)));
    // The text number of each curve's token, and its record.
    const token = Uint32Array.from(at, (place) => ids[place]);
    const record = new Uint32Array(at.length);
    let row = 0;
    for (let index = 0; index < at.length; index++) {
      if (at[index] < begins[row]) row = 0;
      while (begins[row + 1] <= at[index]) row++;
      record[index] = row;
    }
    return { about, texts, curves: packed.curves(codes, about.count, about.top), points: packed.places(spots), ids, begins, at,
      token, record, bigrams, pairs, colourings: about.colourings.map((one, n) => ({ ...one, values: values[n] })) };
  };

  // What is most over-represented among some curves, by count times the log of its lift.
  const common = (numbers, all, indices) => {
    const here = new Uint32Array(all.length);
    for (let at = 0; at < indices.length; at++) here[numbers[indices[at]]]++;
    const share = numbers.length / indices.length, found = [];
    let least = -1;
    for (let at = 0; at < here.length; at++) {
      const count = here[at];
      if (!count) continue;
      const lift = (count / all[at]) * share;
      const weight = count * ((lift > 1 ? Math.log(lift) : 0) + 1e-3);
      if (weight <= least) continue;
      found.push([at, count, lift, weight]);
      if (found.length > 8 * LISTED) {
        found.sort((one, other) => other[3] - one[3]).length = LISTED;
        least = found[LISTED - 1][3];
      }
    }
    return found.sort((one, other) => other[3] - one[3]).slice(0, LISTED);
  };
  const counts = (numbers, size) => {
    const out = new Uint32Array(size);
    for (const one of numbers) out[one]++;
    return out;
  };

  const make = async (history) => {
    const data = await load();
    const { about, texts, curves, points, ids, begins, at, token, record, bigrams, pairs } = data;
    const pairCount = pairs.length / 2;
    const allTokens = counts(token, texts.length), allPairs = counts(bigrams, pairCount);
    const pairText = (pair) => (pairs[pair] ? short(texts[pairs[pair] - 1]) : "⟨start⟩") + " " + short(texts[pairs[pairCount + pair] - 1]);
    const find = (id) => document.getElementById(id);
    const state = { chosen: [], one: null, colouring: 0, title: "", timed: 0 };
    find("explorer-about").textContent =
      `${number(about.count)} tokens, each a curve of ${about.steps.length} ${about.axis}s; curves that are alike lie together. ` + about.notes.join(" ");

    // --- the curve ---
    const line = (label, y, colour, more = {}) => ({ label, x: about.steps, y, colour, ...more });
    let logX = about.steps[about.steps.length - 1] > 20 * (about.steps.find((step) => step > 0) ?? 1);
    const chartOf = () => {
      const series = [line("mean of all", about.mean, "soft", { dash: [5, 4] })];
      if (state.chosen.length > 1) series.push(line(`mean of ${number(state.chosen.length)}`, state.chosen.length === about.count ? about.mean : curves.mean(state.chosen), "blue"));
      if (state.one !== null) series.push(line(short(texts[token[state.one]]), curves.one(state.one), "red", { dots: about.steps.length < 60 }));
      return { series, height: 400, x: { label: `${about.axis}s`, log: logX }, y: { label: "loss (nats)", log: false } };
    };
    const chart = seedbed.chart(find("token-chart"), chartOf());

    // --- the text ---
    const piece = (place, index, from) => {
      const distance = Math.abs(place - at[from]);
      const has = index !== undefined && index !== from;
      const span = element("span", { class: place === at[from] ? "here" : has ? "has" : distance > 60 ? "far" : null }, texts[ids[place]]);
      if (has) {
        span.title = `loss at the end ${digits(curves.at(curves.steps - 1, index))}`;
        span.onclick = () => choose([index]);
      }
      return span;
    };
    const context = () => {
      const holder = find("context");
      holder.replaceChildren();
      if (state.one === null) {
        holder.append(element("p", { class: "note" }, state.chosen.length
          ? `${number(state.chosen.length)} tokens are chosen${state.title ? `: ${state.title}` : ""}. Click a point to see its text.`
          : "Click a point to see its token in the text; drag with Shift, or with the lasso switched on, to choose many."));
        if (state.chosen.length > 1) holder.append(summary(state.chosen));
        return;
      }
      const index = state.one, row = record[index];
      const from = Math.max(begins[row], at[index] - AROUND), to = Math.min(begins[row + 1], at[index] + AROUND + 1);
      const curveAt = new Map();
      for (let other = index; other >= 0 && at[other] >= from && record[other] === row; other--) curveAt.set(at[other], other);
      for (let other = index; other < about.count && at[other] < to && record[other] === row; other++) curveAt.set(at[other], other);
      const text = element("div", { class: "text" });
      if (from > begins[row] || about.before) text.append(element("span", { class: "far" }, "… "));
      for (let place = from; place < to; place++) text.append(piece(place, curveAt.get(place), index));
      if (to < begins[row + 1]) text.append(element("span", { class: "far" }, " …"));
      const facts = element("dl", {});
      const fact = (name, value) => facts.append(element("dt", {}, name), element("dd", {}, value));
      fact("token", visible(texts[token[index]]));
      fact("loss", `${digits(curves.at(0, index))} at the start, ${digits(curves.at(curves.steps - 1, index))} at the end`);
      for (const one of data.colourings) fact(one.title, one.names[one.values[index]]);
      fact("record", about.records[row]);
      holder.append(facts);
      if (history?.has(about.records[row]))
        holder.append(element("button", { onclick: () => history.open(about.records[row]) }, "History of this record"));
      holder.append(text);
    };
    const tokens = (found, words) => element("div", { class: "tokens" }, ...found.map(([which, count, lift]) =>
      element("span", { class: "token", title: `${number(count)} times, ${digits(lift)} times as often as in all` }, words(which), " ", element("small", {}, number(count)))));
    const tokensOf = (indices) => tokens(common(token, allTokens, indices), (which) => short(texts[which]));
    const pairsOf = (indices) => tokens(common(bigrams, allPairs, indices), pairText);
    const summary = (indices) => element("div", {}, element("h3", {}, "Tokens"), tokensOf(indices), element("h3", {}, "Pairs"), pairsOf(indices));

    // --- choosing ---
    const show = () => { chart.draw(chartOf()); context(); };
    const choose = (indices, title = "", mark = true) => {
      const begin = performance.now();
      state.chosen = indices;
      state.title = title;
      state.one = indices.length === 1 ? indices[0] : null;
      if (mark && scatter) scatter.select(indices);
      show();
      state.timed = performance.now() - begin;
    };
    const scatter = await seedbed.scatter(find("scatter"), points, {
      select: (indices) => choose(indices, "", false),
      hover: (index) => {
        find("scatter").title = index === null ? "" : visible(texts[token[index]]);
      },
    });

    // --- colours ---
    const rowsOf = (category) => {
      const { values } = data.colourings[state.colouring];
      const out = [];
      for (let index = 0; index < values.length; index++) if (values[index] === category) out.push(index);
      return out;
    };
    const lastLoss = () => {
      const last = Float32Array.from({ length: about.count }, (_, index) => curves.at(curves.steps - 1, index));
      const sorted = last.filter(Number.isFinite).sort();
      const top = sorted[Math.floor(sorted.length * 0.98)] || 1;
      return { values: last.map((value) => (Number.isFinite(value) ? Math.min(value / top, 1) : 1)), top };
    };
    const colour = async () => {
      const legend = find("legend"), groups = find("groups");
      legend.replaceChildren();
      groups.replaceChildren();
      if (state.colouring === data.colourings.length) {
        const { values, top } = lastLoss();
        await scatter?.colour(values, colours.ramp(), true);
        legend.append(element("span", {}, "loss at the end: 0 "), ...colours.ramp().filter((_, n) => n % 4 === 0).map((one) => element("span", { class: "chip", style: `background:${one};margin:0` })),
          element("span", {}, ` ${digits(top)} nats and more`));
        return;
      }
      const one = data.colourings[state.colouring];
      await scatter?.colour(one.values, one.names.map((_, category) => colours.category(category)));
      const sizes = counts(one.values, one.names.length);
      const body = element("tbody", {});
      one.names.forEach((name, category) => {
        if (!sizes[category]) return;
        const pick = () => choose(rowsOf(category), name);
        const chip = () => element("span", { class: "chip", style: `background:${colours.category(category)}` });
        if (category < 40) legend.append(element("button", { onclick: pick, title: one.meanings[category] }, chip(), `${name} ${number(sizes[category])}`));
        if (category >= 24) return;
        const mine = rowsOf(category), mean = curves.mean(mine);
        const row = element("tr", { tabindex: "0", onclick: pick, title: one.meanings[category] },
          element("td", {}, chip(), name),
          element("td", { class: "n", "data-word": "tokens" }, number(sizes[category])),
          element("td", { class: "n", "data-word": "share" }, `${((100 * sizes[category]) / about.count).toFixed(1)} %`),
          element("td", { class: "n", "data-word": "loss" }, `${digits(mean[0])} → ${digits(mean[mean.length - 1])}`),
          element("td", { class: "full" }, tokensOf(mine)), element("td", { class: "full" }, pairsOf(mine)));
        row.addEventListener("keydown", (event) => { if (event.key === "Enter") pick(); });
        body.append(row);
      });
      groups.append(element("table", {}, element("thead", {}, element("tr", {},
        ...[one.title, "tokens", "share", "mean loss", "tokens that stand out, with their count", "pairs that stand out"].map((words, n) => element("th", { class: n > 0 && n < 4 ? "n" : null }, words)))), body));
    };

    // --- search ---
    const search = (words) => {
      if (!words) return choose([]);
      const low = words.toLowerCase(), match = texts.map((text) => text.toLowerCase().includes(low));
      let found = [];
      for (let index = 0; index < about.count; index++) if (match[token[index]]) found.push(index);
      let where = "tokens";
      if (!found.length) {
        // No token holds it: the text that ends in a token may.
        where = "texts";
        for (let row = 0; row + 1 < begins.length; row++) {
          let text = "";
          const ends = [];
          for (let place = begins[row]; place < begins[row + 1]; place++) { text += texts[ids[place]]; ends.push(text.length); }
          const lower = text.toLowerCase();
          for (let from = lower.indexOf(low); from >= 0; from = lower.indexOf(low, from + 1)) {
            const first = ends.findIndex((end) => end > from), last = ends.findIndex((end) => end >= from + low.length);
            hits.set(row, [...(hits.get(row) ?? []), [begins[row] + first, begins[row] + last]]);
          }
        }
        for (let index = 0; index < about.count; index++)
          if (hits.get(record[index])?.some(([first, last]) => at[index] >= first && at[index] <= last)) found.push(index);
        hits.clear();
      }
      choose(found, `${where} with “${words}”`);
      if (found.length) scatter?.zoom(found);
    };
    const hits = new Map();

    // --- controls ---
    const titles = [...data.colourings.map((one) => one.title), "loss at the end"];
    const by = element("select", { "aria-label": "colour by", onchange: () => { state.colouring = Number(by.value); colour(); } },
      ...titles.map((title, n) => element("option", { value: n }, title)));
    const box = element("input", { type: "search", placeholder: "search tokens and texts", "aria-label": "search" });
    const form = element("form", { onsubmit: (event) => { event.preventDefault(); search(box.value); } }, box);
    box.addEventListener("search", () => { if (!box.value) choose([]); });
    const lasso = element("button", { "aria-pressed": "false", onclick: () => {
      const on = lasso.getAttribute("aria-pressed") !== "true";
      lasso.setAttribute("aria-pressed", String(on));
      scatter.lasso(on);
    } }, "Lasso");
    const log = element("input", { type: "checkbox", onchange: () => { logX = log.checked; chart.draw(chartOf()); } });
    log.checked = logX;
    find("explorer-controls").append(element("label", {}, "colour by", by), form, ...(scatter ? [lasso,
      element("button", { onclick: () => scatter.reset() }, "Whole")] : []),
      element("button", { onclick: () => choose([]) }, "Choose none"), element("label", {}, log, "logarithmic x"));
    await colour();
    context();
    colours.changed(() => { colour(); });
    return { data, state, choose, search, scatter, chart };
  };

  return make;
})();
