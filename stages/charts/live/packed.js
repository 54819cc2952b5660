// The data of a page: what stages/charts/live/packed.py wrote into its elements.
const seedbed = {};

seedbed.packed = (() => {
  const ARRAYS = { uint8: Uint8Array, uint16: Uint16Array, uint32: Uint32Array, float32: Float32Array };
  const MISSING = 255, LEVELS = 254, SIDE = 65535;

  const bytesOf = (text) => {
    if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
    const raw = atob(text);
    const bytes = new Uint8Array(raw.length);
    for (let at = 0; at < raw.length; at++) bytes[at] = raw.charCodeAt(at);
    return bytes;
  };

  const elementOf = (name) => document.querySelector(`script[data-packed="${name}"]`);

  const has = (name) => elementOf(name) !== null;

  // A value by its name: a typed array, or what JSON says. The element goes: it is read once.
  const read = async (name) => {
    const element = elementOf(name);
    const type = element.dataset.type;
    const stream = new Blob([bytesOf(element.textContent)]).stream();
    element.remove();
    const out = new Response(stream.pipeThrough(new DecompressionStream("deflate")));
    return type === "json" ? out.json() : new ARRAYS[type](await out.arrayBuffer());
  };

  // Curves: `codes` step by step, made whole again, and the value of each code.
  const curves = (codes, count, top) => {
    for (let at = count; at < codes.length; at++) codes[at] = (codes[at] + codes[at - count]) & 255;
    const values = new Float32Array(256);
    for (let code = 0; code <= LEVELS; code++) values[code] = top * (code / LEVELS) ** 2;
    values[MISSING] = NaN;
    const steps = codes.length / count;
    // One curve.
    const one = (index) => Array.from({ length: steps }, (_, step) => values[codes[step * count + index]]);
    // The mean at each step of some curves, or of all; what is no number is left out.
    const mean = (indices) => {
      const out = [];
      const many = indices ? indices.length : count;
      for (let step = 0; step < steps; step++) {
        const base = step * count;
        let sum = 0, found = 0;
        for (let at = 0; at < many; at++) {
          const code = codes[base + (indices ? indices[at] : at)];
          if (code !== MISSING) { sum += values[code]; found++; }
        }
        out.push(found ? sum / found : NaN);
      }
      return out;
    };
    return { steps, one, mean, at: (step, index) => values[codes[step * count + index]] };
  };

  // Places as two Float32Arrays from -1 to 1, upwards.
  const places = (codes) => {
    const half = codes.length / 2;
    const place = (from) => Float32Array.from(codes.subarray(from, from + half), (code) => (2 * code) / SIDE - 1);
    return { x: place(0), y: place(half) };
  };

  return { has, read, curves, places };
})();

// Draw a page: `data-ready` on the root says that all is drawn, or that it could not be.
seedbed.begin = async (draw) => {
  const root = document.documentElement, begin = performance.now();
  try {
    await draw();
    root.dataset.seconds = ((performance.now() - begin) / 1000).toFixed(3);
    root.dataset.ready = "yes";
  } catch (error) {
    const note = document.getElementById("trouble");
    note.hidden = false;
    note.textContent = `The page could not be drawn: ${error.message}`;
    root.dataset.ready = "no";
    throw error;
  }
};
