// Texts of the run as nodes: each stretch is text, what cannot be seen is told, words are marked.
seedbed.stretches = (() => {
  const { element } = seedbed;
  // As the terminal has it: controls, marks of direction, what has no width, tags.
  const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]|\udb40[\udc00-\udc7f]/g;
  const STYLES = { match: "mark", removed: "del", added: "ins", learned: "mark", name: "b" };

  const told = (letter) => element("span", { class: "unseen" }, `U+${letter.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`);

  // A text as nodes, its unseen characters as their numbers.
  const seen = (given) => {
    const text = given.replaceAll("\r\n", "\n"), out = [];
    let last = 0;
    for (const found of text.matchAll(UNSEEN)) {
      out.push(text.slice(last, found.index), told(found[0]));
      last = found.index + found[0].length;
    }
    return [...out, text.slice(last)];
  };

  // The places of words in a text, in any case of letters: [begin, end] in their order.
  const places = (text, words) => {
    if (!words.length) return [];
    const lower = text.toLowerCase();
    if (lower.length !== text.length) return []; // a letter of another length: nothing is marked
    const found = [];
    for (const word of words.map((one) => one.toLowerCase()))
      for (let at = lower.indexOf(word); at >= 0 && found.length < 2000; at = lower.indexOf(word, at + word.length))
        found.push([at, at + word.length]);
    return found.sort((one, other) => one[0] - other[0] || other[1] - one[1]);
  };

  const marked = (text, words) => {
    const out = [];
    let last = 0;
    for (const [begin, end] of places(text, words)) {
      if (begin < last) continue;
      out.push(...seen(text.slice(last, begin)), element("mark", { class: "hit" }, ...seen(text.slice(begin, end))));
      last = end;
    }
    return [...out, ...seen(text.slice(last))];
  };

  // [[style, text], …] as nodes in one element.
  const make = (name, attributes, list, words = []) =>
    element(name, { dir: "auto", ...attributes }, ...list.flatMap(([style, text]) => {
      if (!style) return marked(text, words);
      return [element(STYLES[style] ?? "span", { class: style }, ...marked(text, words))];
    }));

  // The words of a question: what is in quotes is one.
  const words = (text) => {
    const found = [...text.matchAll(/"([^"]+)"?|(\S+)/g)].map(([, quoted, plain]) => (quoted ?? plain).replaceAll('"', ""));
    return [...new Set(found.filter((word) => word.trim()).map((word) => word.slice(0, 200)))].slice(0, 8);
  };

  // Markup that our own templates made on the server; the only place where text becomes markup.
  const policy = window.trustedTypes?.createPolicy("seedbed", { createHTML: (text) => text });
  const markup = (text) => {
    const parsed = new DOMParser().parseFromString(policy ? policy.createHTML(text) : text, "text/html");
    return element("div", { class: "panel" }, ...parsed.body.childNodes);
  };

  return { make, seen, words, markup };
})();
