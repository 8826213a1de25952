import js from "@eslint/js";

const BROWSER = [
  "AudioContext", "CSS", "Event", "KeyboardEvent", "OfflineAudioContext", "ResizeObserver", "SVGElement", "URL",
  "URLSearchParams", "clearInterval", "console", "document", "getComputedStyle", "queueMicrotask", "requestAnimationFrame",
  "cancelAnimationFrame", "setInterval", "window",
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
    },
  },
  { files: ["js/**"], languageOptions: { globals: names(BROWSER) } },
  { files: ["tests/js/**"], languageOptions: { globals: names(["URL", "console"]) } },
];
