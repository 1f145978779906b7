// Small parts of which the page's own camera and files are made: boxes over a picture, and words.

import { counted } from "./words.js"

const SVG = "http://www.w3.org/2000/svg"

/** @returns {SVGSVGElement} */
export function overlay() {
  const svg = document.createElementNS(SVG, "svg")
  svg.setAttribute("aria-hidden", "true") // the words beside it say the same
  return svg
}

/**
 * Boxes and words over a picture of that size, in its own pixels, so that no scaling can shift them.
 * @param {SVGSVGElement} svg @param {number} width @param {number} height @param {import("./types.js").Face[]} faces
 * @param {(face: any) => [number, number, number, number]} place where its box is drawn
 */
export function drawFaces(svg, width, height, faces, place = (face) => face.box) {
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`)
  const size = Math.max(width, height) / 45
  svg.replaceChildren(
    ...faces.map((face) => {
      const [x1, y1, x2, y2] = place(face)
      const group = document.createElementNS(SVG, "g")
      group.append(part("rect", { x: x1, y: y1, width: x2 - x1, height: y2 - y1, stroke: face.color }))
      const words = part("text", { x: x1, y: y1 > 1.5 * size ? y1 - size / 3 : y2 + size, "font-size": size })
      words.textContent = face.words
      group.append(words)
      return group
    }),
  )
}

/** @param {string} tag @param {Record<string, string | number>} attributes */
function part(tag, attributes) {
  const made = /** @type {SVGElement} */ (document.createElementNS(SVG, tag))
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value))
  return made
}

/** @param {{words: string}[]} faces */
export function inWords(faces) {
  const words = faces.map((face) => face.words).filter(Boolean).join("; ")
  const count = counted(faces.length)
  return words ? `${count}: ${words}` : count
}
