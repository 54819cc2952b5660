// The page begins: what it shows, in order.
seedbed.begin(async () => {
  const { packed } = seedbed;
  const find = (id) => document.getElementById(id);
  const told = await packed.read("runs");
  if (find("learning")) seedbed.shown = { learning: seedbed.learning(find("learning-chart"), find("learning-controls"), find("findings"), told) };
  else seedbed.shown = {};
  const history = packed.has("histories") ? seedbed.records(await packed.read("histories")) : null;
  if (find("explorer")) {
    const explorer = (seedbed.shown.explorer = await seedbed.explorer(history));
    const { about, texts, ids, begins } = explorer.data;
    history?.texts((name) => {
      const row = about.records.indexOf(name);
      return row < 0 ? null : Array.from(ids.subarray(begins[row], begins[row + 1]), (id) => texts[id]).join("");
    });
  }
  seedbed.shown.history = history;
});
