// Who answers what the page asks: the server that it came from, or what is packed in the file.
seedbed.source = (() => {
  const { packed } = seedbed;

  const served = () => {
    let stamp = null;
    const ask = async (what, given = {}, facets = []) => {
      const query = new URLSearchParams();
      for (const [name, value] of Object.entries(given)) if (value !== null && value !== "" && value !== undefined) query.append(name, value);
      for (const [name, value] of facets) query.append(`f.${name}`, value);
      let told;
      try {
        const answer = await fetch(`${what}?${query}`, { credentials: "omit" });
        told = answer.headers.get("Content-Type") === "application/json" ? await answer.json() : { error: `the server answers ${answer.status}` };
      } catch {
        told = { error: "the server does not answer: `seedbed view` has ended, or the way to it is gone" };
      }
      if (told.error) throw new Error(told.error);
      if (stamp !== null && stamp !== told.stamp) seedbed.renewed?.();
      stamp = told.stamp;
      return told.value;
    };
    return {
      about: () => ask("about"),
      flow: () => ask("flow"),
      result: () => ask("result"),
      facets: (table, step) => ask("facets", { table, step }),
      rows: (table, step, query, from, number) =>
        ask("rows", { table, step, words: query.words, low: query.low, high: query.high, from, number: `${number}` }, Object.entries(query.facets)),
      row: (table, step, at) => ask("row", { table, step, at: `${at}` }),
      life: (row) => ask("life", { id: row.id }),
      marked: (row) => ask("marked", { id: row.id }),
    };
  };

  const held = async () => {
    const [about, flow, result, tables] = await Promise.all(["about", "flow", "result", "tables"].map(packed.read));
    const textOf = (row) => [...row.whole.texts.map(([, list]) => list.map(([, text]) => text).join("")),
      row.whole.place, ...row.whole.facts.map(([, value]) => value)].join("\n").toLowerCase();
    for (const name of Object.keys(tables)) tables[name].rows.forEach((row) => { row.searched = textOf(row); });
    const fits = (row, query, words) =>
      Object.entries(query.facets).every(([name, value]) => row.facets[name] === value) &&
      (query.low === null || row.length >= query.low) && (query.high === null || row.length <= query.high) &&
      words.every((word) => row.searched.includes(word) || (/^[0-9a-f]{8,32}$/.test(word) && row.whole.id.includes(word)));
    return {
      about: async () => about,
      flow: async () => flow,
      result: async () => result,
      facets: async (table) => tables[table].facets,
      rows: async (table, step, query, from, number) => {
        const words = seedbed.stretches.words(query.words).map((word) => word.toLowerCase());
        const found = tables[table].rows.filter((row) => fits(row, query, words));
        return { rows: found.slice(from, from + number).map((row) => row.card), total: found.length, done: true, share: 1 };
      },
      row: async (table, step, at) => tables[table].rows.find((row) => row.card.at === at).whole,
      life: async (row) => tables[row.table].rows.find((one) => one.card.at === row.at).life,
      marked: async (row) => tables[row.table].rows.find((one) => one.card.at === row.at).marked,
    };
  };

  return () => (packed.has("about") ? held() : served());
})();
