// SVG elements in a line each.

const NAMESPACE = "http://www.w3.org/2000/svg";

/** An SVG element with attributes and children (elements or text). */
export function svg(name, attributes = {}, ...children) {
  const element = document.createElementNS(NAMESPACE, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** A picture that screen readers announce as one image. */
export function picture(label, viewBox, ...children) {
  return svg("svg", { viewBox: viewBox.join(" "), role: "img", "aria-label": label }, ...children);
}

export const text = (x, y, words, attributes = {}) => svg("text", { x, y, ...attributes }, words);

export const line = (x1, y1, x2, y2, attributes = {}) => svg("line", { x1, y1, x2, y2, ...attributes });

export const rect = (x, y, width, height, attributes = {}) => svg("rect", {
  x, y, width: Math.max(0, width), height: Math.max(0, height), ...attributes,
});
