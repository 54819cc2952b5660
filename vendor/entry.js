// The two libraries that the pages use, under one name: `vendor`.
export { default as createScatterplot } from "regl-scatterplot";
export { default as uPlot } from "uplot";
