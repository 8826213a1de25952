// The widget's texts in the editor's language. Without a translation they stay English, which is their key in
// js/words/LANGUAGE.json. tests/test_locales.py compares these files with the calls of `t`.

const TRANSLATED = ["zh", "ja", "ko"];

let words = {};

/** @param {string} language as the editor names it; to be awaited before the other modules are imported */
export async function loadWords(language) {
  if (!TRANSLATED.includes(language)) return;
  const reply = await fetch(new URL(`../words/${language}.json`, import.meta.url), { cache: "no-cache" });
  if (!reply.ok) throw new Error(`the words in "${language}" are missing`);
  words = await reply.json();
}

/**
 * @param {string} english with {names} of values in it
 * @param {Record<string, string|number>} values
 */
export function t(english, values = {}) {
  return (words[english] ?? english).replace(/\{(\w+)\}/g, (_whole, name) => String(values[name]));
}
