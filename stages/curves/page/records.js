// The worst records as a table, and the history of one record.
seedbed.records = (() => {
  const { element, digits, number } = seedbed;
  const SIDE = { train: "training", val: "validation" };

  const make = (list) => {
    const byName = new Map(list.map((one) => [`${one.id} (${one.split})`, one]));
    const section = document.getElementById("history"), body = document.getElementById("history-body");
    let textOf = () => null;

    const open = (name) => {
      const one = byName.get(name);
      section.hidden = false;
      body.replaceChildren();
      const facts = element("dl", { class: "facts" });
      const fact = (words, value) => facts.append(element("dt", {}, words), element("dd", {}, value));
      fact("record", one.id);
      fact("side", SIDE[one.split]);
      for (const [words, value] of one.facts) fact(words, value);
      fact("counted tokens", number(one.targets));
      if (one.base !== null) fact("loss before training", digits(one.base));
      if (one.first !== null) fact("loss", `${digits(one.first)} first, ${digits(one.last)} last`);
      const chart = element("div", { class: "chart" });
      const text = one.text ?? textOf(name);
      body.append(element("div", { class: "history" },
        element("div", {}, chart, facts),
        element("div", { class: "text" }, text ?? "The text of this record is not on the page.")));
      const series = [];
      if (one.steps.length) series.push({ label: SIDE[one.split], x: one.steps, y: one.losses, colour: one.split === "val" ? "blue" : "leaf", dots: true });
      if (one.base !== null) {
        const steps = one.steps.length ? one.steps : [0];
        series.push({ label: "before training", x: [0, ...steps.filter((step) => step > 0).slice(-1)], y: [one.base, one.base].slice(0, steps.length && steps[steps.length - 1] > 0 ? 2 : 1), colour: "soft", dash: [5, 4] });
      }
      if (series.length) seedbed.chart(chart, { series, height: 260, x: { label: "steps", log: false }, y: { label: "loss (nats a token)", log: false } });
      else chart.append(element("p", { class: "note" }, "Nothing was measured of this record."));
      section.scrollIntoView({ behavior: "smooth", block: "nearest" });
    };

    const table = () => {
      const holder = document.getElementById("worst-table");
      if (!holder) return;
      const worst = list.filter((one) => one.worst !== null).sort((one, other) => one.worst - other.worst);
      const sides = element("select", { "aria-label": "side", onchange: () => fill(sides.value) },
        ...[["", "both sides"], ["train", "training"], ["val", "validation"]].map(([value, words]) => element("option", { value }, words)));
      const rows = element("tbody", {});
      const fill = (side) => {
        rows.replaceChildren();
        for (const one of worst) {
          if (side && one.split !== side) continue;
          const name = `${one.id} (${one.split})`;
          const act = () => {
            rows.querySelector(".chosen")?.classList.remove("chosen");
            row.classList.add("chosen");
            open(name);
          };
          const row = element("tr", { tabindex: "0", onclick: act },
            element("td", { class: "n", "data-word": "place" }, String(one.worst)),
            element("td", { "data-word": "side" }, SIDE[one.split]),
            element("td", { class: "n", "data-word": "before" }, one.base === null ? "–" : digits(one.base)),
            element("td", { class: "n", "data-word": "first" }, one.first === null ? "–" : digits(one.first)),
            element("td", { class: "n", "data-word": "last" }, one.last === null ? "–" : digits(one.last)),
            element("td", { class: "n", "data-word": "counted tokens" }, number(one.targets)),
            element("td", { "data-word": "" }, one.facts.filter(([words]) => words !== "tokens" && words !== "times measured").map(([words, value]) => `${words} ${value}`).join(", ")),
            element("td", { class: "full" }, element("div", { class: "excerpt" }, one.text ?? "")));
          row.addEventListener("keydown", (event) => { if (event.key === "Enter") act(); });
          rows.append(row);
        }
      };
      fill("");
      document.getElementById("worst-controls").append(element("label", {}, "show", sides));
      holder.append(element("div", { class: "wide" }, element("table", {}, element("thead", {}, element("tr", {},
        ...["", "side", "before", "first", "last", "tokens", "from", "text"].map((words, n) => element("th", { class: [0, 2, 3, 4, 5].includes(n) ? "n" : null }, words)))), rows)));
    };
    table();
    return { has: (name) => byName.has(name), open, texts: (call) => { textOf = call; } };
  };

  return make;
})();
