// Learning curves: what is drawn of which run, over which axis, with the findings marked on it.
seedbed.learning = (() => {
  const { element, colours } = seedbed;
  const SMOOTH_FROM = 200; // points from which a running mean lies over a noisy line

  const select = (title, options, change) => {
    const made = element("select", { onchange: () => change(made.value), "aria-label": title },
      ...options.map(([value, words]) => element("option", { value }, words)));
    return { label: element("label", {}, title, made), made };
  };
  const box = (title, change) => {
    const made = element("input", { type: "checkbox", onchange: () => change(made.checked) });
    return { label: element("label", {}, made, title), made };
  };

  const smoothed = (line, axis) => {
    const good = line.values.map((value, at) => [line.axes[axis][at], value]).filter(([, value]) => value !== null);
    const width = Math.max(1, Math.floor(good.length / 60));
    const x = [], y = [];
    let sum = 0;
    good.forEach(([, value], at) => {
      sum += value;
      if (at >= width) sum -= good[at - width][1];
      if (at >= width - 1) { x.push(good[at - (width >> 1)][0]); y.push(sum / width); }
    });
    return { x, y };
  };

  // The value of an axis at a step, from any line of the run that has both.
  const atStep = (run, axis, step) => {
    if (axis === "step") return step;
    for (const line of run.lines) {
      const steps = line.axes.step, other = line.axes[axis];
      if (!steps || !other || !steps.length) continue;
      let low = 0;
      while (low < steps.length - 1 && steps[low + 1] <= step) low++;
      if (steps[low] === step || low === steps.length - 1) return other[low];
      const share = (step - steps[low]) / (steps[low + 1] - steps[low]);
      return other[low] + share * (other[low + 1] - other[low]);
    }
    return null;
  };

  const make = (holder, controls, list, { runs, figures, sides, axes, groupings }) => {
    const many = runs.length > 1;
    const lines = runs.flatMap((run) => run.lines);
    const usedFigures = Object.keys(figures).filter((key) => lines.some((line) => line.figure === key));
    const usedAxes = Object.keys(axes).filter((key) => lines.some((line) => line.axes[key]));
    const usedGroups = Object.keys(groupings).filter((key) => lines.some((line) => line.by === key));
    const state = { figure: usedFigures[0], axis: usedAxes[0], logX: false, logY: false, by: "", strong: null };
    let chart = null;

    const lineColour = (run, line, number) => {
      if (line.by) return colours.category(number % colours.known);
      if (state.by) return "soft"; // the groups have the colours
      if (many) return colours.category(run % colours.known);
      return { train: "leaf", val: "blue", retention: "amber", probe_train: "leaf", probe_val: "blue" }[line.side];
    };
    const DASH = { retention: [2, 3], probe_train: [7, 4], probe_val: [7, 4] };

    const series = () => {
      const out = [];
      runs.forEach((run, number) => {
        const name = many ? `${run.name}: ` : "";
        const names = [...new Set(run.lines.filter((line) => line.by === state.by && line.by).map((line) => line.name))];
        for (const line of run.lines) {
          const x = line.axes[state.axis];
          if (line.figure !== state.figure || !x || (line.by && line.by !== state.by)) continue;
          const group = names.indexOf(line.name);
          const what = { colour: lineColour(number, line, group), x, y: line.values };
          if (line.by) {
            // Of a group the validation is drawn whole and training dashed, as far as there are both.
            out.push({ ...what, label: `${name}${line.name} (${sides[line.side]})`, width: 1.5,
              dash: line.side === "train" ? [5, 4] : undefined, dots: x.length < 30, hidden: group > 7 });
            continue;
          }
          const label = name + sides[line.side];
          if (line.side === "train" && x.length > SMOOTH_FROM) {
            out.push({ ...what, label: `${label}, each step`, faint: true });
            out.push({ ...what, ...smoothed(line, state.axis), label: `${label}, running mean` });
          } else {
            out.push({ ...what, label, dash: many && line.side === "train" ? [3, 3] : DASH[line.side],
              dots: line.side !== "train" && x.length < 60, width: line.side === "val" ? 2.5 : undefined });
          }
        }
      });
      return out;
    };

    const marks = () => {
      const out = [];
      runs.forEach((run, number) => {
        if (!many)
          for (const [step, label] of run.epochs) {
            const x = atStep(run, state.axis, step);
            if (x !== null) out.push({ x, label, colour: "soft", low: true });
          }
        for (const found of run.findings) {
          if (found.step === null || found.tone === "open") continue;
          const x = atStep(run, state.axis, found.step);
          if (x !== null)
            out.push({ x, label: many ? `${run.name}: ${found.title}` : found.title,
              colour: many ? colours.category(number % colours.known) : found.tone === "good" ? "leaf" : "red", strong: found === state.strong, solid: found === state.strong });
        }
      });
      return out;
    };

    const given = () => {
      const [words, unit] = figures[state.figure];
      const axis = state.axis === "step" ? runs[0].unit : axes[state.axis];
      const drawn = series(), zero = drawn.some((one) => one.x.some((x) => x <= 0));
      return { height: holder.clientWidth < 500 ? 300 : 400, series: drawn, marks: marks(),
        x: { label: state.logX ? `${axis}, logarithmic${zero ? ", 0 at the left end" : ""}` : axis, short: axis, log: state.logX },
        y: { label: [words, unit && `(${unit})`].filter(Boolean).join(" "), log: state.logY } };
    };
    const positive = () => series().every((one) => one.y.every((value) => value === null || value > 0));
    const draw = () => {
      log.made.disabled = !positive();
      if (log.made.disabled) state.logY = log.made.checked = false;
      if (chart) chart.draw(given());
      else chart = seedbed.chart(holder, given());
    };

    const figure = select("figure", usedFigures.map((key) => [key, figures[key][0]]), (key) => { state.figure = key; draw(); });
    const axis = select("over", usedAxes.map((key) => [key, key === "step" ? runs[0].unit : axes[key]]), (key) => { state.axis = key; draw(); });
    const by = select("for each", [["", "nothing: all together"], ...usedGroups.map((key) => [key, groupings[key]])], (key) => { state.by = key; draw(); });
    const logX = box("logarithmic x", (on) => { state.logX = on; draw(); });
    const log = box("logarithmic y", (on) => { state.logY = on; draw(); });
    controls.append(...[
      usedFigures.length > 1 && figure.label, usedAxes.length > 1 && axis.label, usedGroups.length > 0 && by.label, logX.label, log.label,
    ].filter(Boolean));

    runs.forEach((run) => {
      for (const found of run.findings) {
        const placed = found.step !== null && found.tone !== "open";
        const act = () => { state.strong = state.strong === found ? null : found; draw(); };
        const entry = element("div", { class: `finding ${found.tone}`, tabindex: placed ? "0" : null, onclick: placed ? act : null },
          element("b", {}, many ? `${run.name}: ${found.title}` : found.title), ` ${found.words}`,
          found.facts.length ? element("small", {}, found.facts.map(([name, value]) => `${name} ${value}`).join(" · ")) : null);
        entry.addEventListener("keydown", (event) => { if (placed && event.key === "Enter") act(); });
        list.append(entry);
      }
      for (const repair of run.repairs)
        list.append(element("div", { class: "finding open" }, element("b", {}, many ? `${run.name}: repaired` : "repaired"), ` ${repair}`));
    });
    draw();
    return { state, draw, get chart() { return chart; } };
  };

  return make;
})();
