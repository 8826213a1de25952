import js from "@eslint/js";

const BROWSER = [
  "Audio", "MutationObserver", "OfflineAudioContext", "ResizeObserver", "URL", "URLSearchParams", "WheelEvent", "console",
  "document", "fetch", "getComputedStyle", "queueMicrotask", "window",
]; // prettier-ignore

const names = (list) => Object.fromEntries(list.map((name) => [name, "readonly"]));

export default [
  js.configs.recommended,
  {
    rules: {
      "no-var": "error",
      "prefer-const": "error",
      eqeqeq: "error",
      curly: ["error", "multi-line"],
      "no-implicit-globals": "error",
      "no-console": ["error", { allow: ["warn"] }],
      "no-restricted-properties": [
        "error",
        { property: "innerHTML", message: "Texts are put in with textContent." },
        { property: "outerHTML", message: "Texts are put in with textContent." },
        { property: "insertAdjacentHTML", message: "Texts are put in with textContent." },
        { property: "prototype", message: "No class of the host is patched." },
      ],
      "no-restricted-globals": ["error", ...["setInterval", "setTimeout", "requestAnimationFrame"].map((name) => ({
        name, message: "Nothing is polled: the front-end announces what changes.",
      }))], // prettier-ignore
    },
  },
  { files: ["js/**"], languageOptions: { globals: names(BROWSER) } },
  { files: ["tests/js/**"], languageOptions: { globals: names(["Event", "EventTarget", "URL", "console"]) } },
];
