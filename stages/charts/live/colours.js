// Colours of the page for what a canvas draws, and of categories; light and dark.
seedbed.colours = (() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  // Twelve that are told apart on white and on black, then grey for the rest.
  const CATEGORIES = [
    "#2f7d4f", "#d98a1f", "#2b6cb0", "#c0392b", "#7b4fa3", "#12908e",
    "#b8558f", "#8a6d1d", "#4f7fe0", "#e0672f", "#5b8c1f", "#a04040",
  ];
  const CATEGORIES_DARK = [
    "#5fbf86", "#e5a94a", "#6ea8e0", "#e57368", "#b48ad8", "#45c4c1",
    "#e58cc0", "#c4a651", "#8fb0ff", "#ff9a66", "#9bcb5c", "#d88080",
  ];
  const of = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const category = (number) => {
    const list = dark.matches ? CATEGORIES_DARK : CATEGORIES;
    return number < list.length ? list[number] : of("soft");
  };
  // From low to high: dark green over yellow to red, as 32 colours.
  const ramp = () => {
    const stops = dark.matches
      ? [[60, 110, 170], [95, 191, 134], [229, 210, 90], [229, 115, 104]]
      : [[30, 70, 130], [47, 140, 90], [222, 170, 40], [192, 57, 43]];
    return Array.from({ length: 32 }, (_, at) => {
      const where = (at / 31) * (stops.length - 1);
      const from = Math.min(Math.floor(where), stops.length - 2);
      const mixed = stops[from].map((low, part) => Math.round(low + (stops[from + 1][part] - low) * (where - from)));
      return "#" + mixed.map((part) => part.toString(16).padStart(2, "0")).join("");
    });
  };
  const changed = (call) => dark.addEventListener("change", call);
  return { of, category, ramp, changed, known: CATEGORIES.length };
})();

// Elements from names, attributes and children; text is always text.
seedbed.element = (name, attributes = {}, ...children) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "onclick" || key === "onchange" || key === "oninput" || key === "onsubmit") made[key] = value;
    else if (key === "style") made.style.cssText = value;
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
};

seedbed.number = (value) => value.toLocaleString("en");

seedbed.digits = (value) =>
  !Number.isFinite(value) ? "–" : Math.abs(value) >= 100 ? value.toFixed(1) : Math.abs(value) >= 0.1 ? value.toFixed(3) : value.toPrecision(2);
