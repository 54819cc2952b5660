// Lines over steps with marks on them, by uPlot: linear or logarithmic, where step 0 has a place of
// its own, one doubling before the first step that is above it.
seedbed.chart = (() => {
  // value → place on a logarithmic axis, and back.
  const scaleOf = (values) => {
    let first = Infinity;
    for (const value of values) if (value > 0 && value < first) first = value;
    if (!Number.isFinite(first)) first = 1;
    const zero = Math.log2(first) - 1;
    return {
      to: (value) => (value > 0 ? Math.max(Math.log2(value), zero) : zero),
      back: (place) => (place <= zero + 1e-9 ? 0 : 2 ** place),
      zero,
    };
  };

  const round = (value) => {
    if (value >= 1e6) return `${+(value / 1e6).toPrecision(3)}M`;
    if (value >= 1e4) return `${+(value / 1e3).toPrecision(3)}k`;
    return `${+value.toPrecision(4)}`;
  };

  // Round values of a logarithmic axis, and 0 where it is shown.
  const logTicks = (scale, low, high, room) => {
    const ticks = low <= scale.zero + 1e-9 ? [scale.zero] : [];
    const from = scale.back(low), to = scale.back(high);
    for (const factors of [[1, 2, 5], [1, 3], [1]]) {
      const inside = [];
      for (let power = -3; power <= 12; power++)
        for (const factor of factors) {
          const value = factor * 10 ** power;
          if (value >= from && value <= to && value > 0) inside.push(scale.to(value));
        }
      if (inside.length <= room || factors.length === 1) {
        // nothing may stand on the 0
        const every = Math.ceil(inside.length / room) || 1;
        const kept = inside.filter((place, at) => at % every === 0 && place > scale.zero + 0.4);
        return [...ticks, ...kept];
      }
    }
  };

  const marks = (chart, list, scale) => {
    const { ctx, bbox } = chart;
    const ratio = devicePixelRatio;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, 0, bbox.width, bbox.top + bbox.height);
    ctx.clip();
    ctx.textAlign = "left";
    ctx.textBaseline = "alphabetic";
    ctx.font = `600 ${12 * ratio}px system-ui, "DejaVu Sans", sans-serif`;
    let free = bbox.left;
    for (const mark of [...list].sort((one, other) => one.x - other.x)) {
      const x = Math.round(chart.valToPos(scale ? scale.to(mark.x) : mark.x, "x", true));
      if (x < bbox.left - 1 || x > bbox.left + bbox.width + 1) continue;
      ctx.strokeStyle = ctx.fillStyle = mark.colour.startsWith("#") ? mark.colour : seedbed.colours.of(mark.colour);
      ctx.lineWidth = (mark.strong ? 2.5 : 1) * ratio;
      ctx.setLineDash(mark.solid ? [] : [3 * ratio, 4 * ratio]);
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      if (!mark.label) continue;
      const width = ctx.measureText(mark.label).width;
      const late = x + width + 6 * ratio > bbox.left + bbox.width;
      const begin = late ? x - width - 5 * ratio : x + 5 * ratio;
      const y = mark.low ? bbox.top + bbox.height - 6 * ratio : bbox.top - 6 * ratio;
      if (mark.low || begin >= free) {
        ctx.fillText(mark.label, begin, y);
        if (!mark.low) free = begin + width + 8 * ratio;
      }
    }
    ctx.restore();
  };

  // Series of their own x as one table: in place of what a series has no point for is undefined,
  // and null where its value is no number, so that a line goes on over the first and not the other.
  const table = (series, place) => {
    const tables = series.map((one) => [
      one.x.map(place),
      one.y.map((value) => (value === null || !Number.isFinite(value) ? null : value)),
    ]);
    return tables.length ? vendor.uPlot.join(tables) : [[0], [null]];
  };

  // holder: an element. given: {series: [{label, x, y, colour, width, dots, faint, dash, hidden}],
  // x: {label, log}, y: {label, log}, marks: [{x, label, colour, low, strong, solid}], height}.
  // A colour is a name of the style sheet or #rgb. Returns {draw(given), chart}.
  const make = (holder, given) => {
    let chart = null, now = given, width = 0;
    const colour = (name) => (name.startsWith("#") ? name : seedbed.colours.of(name));

    const draw = (changed = now) => {
      now = changed;
      const hidden = new Map();
      if (chart) {
        for (const one of chart.series.slice(1)) hidden.set(one.label, !one.show);
        chart.destroy();
      }
      const { series } = now;
      const scale = now.x.log ? scaleOf(series.flatMap((one) => one.x)) : null;
      const place = scale ? scale.to : (value) => value;
      const data = table(series, place);
      width = holder.clientWidth;
      const axis = {
        stroke: colour("soft"),
        grid: { stroke: colour("line"), width: 1 },
        ticks: { stroke: colour("line"), width: 1 },
        font: '12px system-ui, "DejaVu Sans", sans-serif',
        labelFont: '12px system-ui, "DejaVu Sans", sans-serif',
      };
      const room = Math.max(3, Math.floor(width / 64));
      const lines = series.map((one) => ({
        label: one.label,
        stroke: colour(one.colour) + (one.faint ? "66" : ""),
        width: one.width ?? (one.faint ? 1 : 2),
        dash: one.dash,
        show: !(hidden.get(one.label) ?? one.hidden ?? false),
        spanGaps: false,
        points: { show: Boolean(one.dots), size: 6, fill: colour(one.colour) },
        value: (_, value) => (value === null || value === undefined ? "–" : seedbed.digits(value)),
      }));
      chart = new vendor.uPlot(
        {
          width,
          height: now.height,
          padding: [now.marks?.some((mark) => mark.label && !mark.low) ? 22 : 10, 12, 0, 0],
          scales: {
            x: { time: false, range: (_, low, high) => (low === high ? [low - 1, high + 1] : [low, high]) },
            y: now.y.log ? { distr: 3 } : {},
          },
          axes: [
            {
              ...axis,
              label: now.x.label,
              labelSize: 22,
              splits: scale ? (_, __, low, high) => logTicks(scale, low, high, room) : undefined,
              values: (_, places) => places.map((at) => (at === null ? "" : round(scale ? scale.back(at) : at))),
            },
            { ...axis, label: now.y.label, labelSize: 20, size: 46,
              values: (_, all) => all.map((at) => (at === null ? "" : `${+at.toPrecision(3)}`)) },
          ],
          series: [
            { label: now.x.short ?? now.x.label, value: (_, at) => (at === null ? "–" : round(scale ? scale.back(at) : at)) },
            ...lines,
          ],
          legend: { live: true },
          cursor: { drag: { x: true, y: false } },
          hooks: { draw: [(made) => marks(made, now.marks ?? [], scale)] },
        },
        data,
        holder,
      );
    };

    draw();
    seedbed.colours.changed(() => draw());
    new ResizeObserver(() => {
      if (holder.clientWidth && holder.clientWidth !== width) draw();
    }).observe(holder);
    return { draw, get chart() { return chart; } };
  };

  return make;
})();
