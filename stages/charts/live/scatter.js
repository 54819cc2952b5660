// Points to pan, zoom, hover and lasso, by regl-scatterplot; one colour a category or a value.
seedbed.scatter = (() => {
  const works = () => {
    const tried = document.createElement("canvas");
    return Boolean(tried.getContext("webgl", { failIfMajorPerformanceCaveat: false }));
  };

  // holder: an element with a height. points: {x, y} from -1 to 1. told: {select(indices), hover(index
  // or null)}. Returns {colour, select, filter, zoom, reset, lasso}, or null where WebGL is missing,
  // which the holder then says.
  const make = async (holder, points, told) => {
    if (!works()) {
      holder.append(seedbed.element("p", { class: "note" },
        "The points need WebGL, which this browser has switched off or does not have. All else on the page works."));
      return null;
    }
    const canvas = seedbed.element("canvas");
    holder.append(canvas);
    const size = points.x.length > 50000 ? 2 : points.x.length > 5000 ? 3 : 5;
    const plot = vendor.createScatterplot({
      canvas,
      width: holder.clientWidth,
      height: holder.clientHeight,
      pointSize: size,
      pointSizeSelected: 2,
      pointOutlineWidth: 1,
      opacity: points.x.length > 20000 ? 0.7 : 0.9,
      opacityInactiveScale: 0.35,
      backgroundColor: seedbed.colours.of("card"),
      lassoColor: seedbed.colours.of("ink"),
      lassoMinDelay: 5,
      lassoMinDist: 2,
      deselectOnEscape: true,
      spatialIndexUseWorker: false, // a worker would need more of the page's policy
    });
    let shown = null;

    // values: a whole number a point, and the colour of each; or shares from 0 to 1 with `ramp`.
    const colour = async (values, colours, continuous = false) => {
      shown = { values, colours, continuous };
      plot.set({
        backgroundColor: seedbed.colours.of("card"),
        colorBy: "valueA",
        pointColor: colours,
        pointColorActive: seedbed.colours.of("ink"),
        pointColorHover: seedbed.colours.of("ink"),
      });
      const index = plot.get("isPointsDrawn") ? plot.get("spatialIndex") : undefined;
      const chosen = plot.get("selectedPoints");
      await plot.draw(
        { x: points.x, y: points.y, valueA: values },
        { zDataType: continuous ? "continuous" : "categorical", spatialIndex: index, select: chosen },
      );
    };

    plot.subscribe("select", ({ points: chosen }) => told.select(chosen));
    plot.subscribe("deselect", () => told.select([]));
    plot.subscribe("pointover", (index) => told.hover(index));
    plot.subscribe("pointout", () => told.hover(null));
    new ResizeObserver(() => {
      if (holder.clientWidth) plot.set({ width: holder.clientWidth, height: holder.clientHeight });
    }).observe(holder);
    return {
      colour,
      plot,
      get shown() { return shown; },
      // Mark points without telling of it.
      select: (indices) => (indices.length ? plot.select(indices, { preventEvent: true }) : plot.deselect({ preventEvent: true })),
      zoom: (indices) => plot.zoomToPoints(indices, { padding: 0.3, transition: true, transitionDuration: 300 }),
      reset: () => plot.zoomToOrigin({ transition: true, transitionDuration: 300 }),
      lasso: (on) => plot.set({ mouseMode: on ? "lasso" : "panZoom" }),
    };
  };

  return make;
})();
