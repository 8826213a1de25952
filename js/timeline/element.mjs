// Creates page elements. Text is only ever inserted as text, never as HTML.

const SVG = "http://www.w3.org/2000/svg";

/** @param {Record<string, string|number>} attributes set as attributes */
export function element(tag, className, attributes = {}, ...children) {
  const made = document.createElement(tag);
  made.className = className;
  setAttributes(made, attributes);
  made.append(...children);
  return made;
}

export function svgElement(tag, attributes = {}) {
  const made = document.createElementNS(SVG, tag);
  setAttributes(made, attributes);
  return made;
}

export function setAttributes(target, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    const text = String(value);
    if (target.getAttribute(name) !== text) target.setAttribute(name, text);
  }
}
