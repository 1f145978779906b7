// Faces over a picture: boxes and landmarks as SVG in the picture's own pixels, so that no zoom blurs or shifts them, words as HTML.
// A crowd is drawn on a canvas: it costs less.

import { element, say, set } from "./dom.js"
import { show } from "./options.js"
import { keyOf } from "./words.js"

const SVG = "http://www.w3.org/2000/svg"
const MOST_AS_SVG = 60
const WORDS_HEIGHT_PX = 20
const LETTER_PX = 7.3 // about, at 13 px
const MARGIN_PX = 12

/** @typedef {import("./types.js").Header} Header */
/** @typedef {import("./types.js").Face} Face */

export class Overlay {
  constructor() {
    this.svg = document.createElementNS(SVG, "svg")
    this.svg.setAttribute("preserveAspectRatio", "none")
    this.svg.setAttribute("aria-hidden", "true") // lists say the same
    this.words = element("div", { className: "words", ariaHidden: "true" })
    this.crowd = element("canvas", { className: "crowd", hidden: true })
    this.crowd.setAttribute("aria-hidden", "true")
    this.width = this.height = 0
  }

  /** @param {DOMRectReadOnly} size of the picture on the page, px */
  resized(size) {
    this.width = size.width
    this.height = size.height
  }

  /**
   * @param {Header} header
   * @param {string | null} marked the key of a face that the user looks at
   */
  draw(header, marked) {
    const many = header.faces.length > MOST_AS_SVG
    this.crowd.hidden = !many
    if (many) {
      this.svg.replaceChildren()
      this.words.replaceChildren()
      this.drawCrowd(header, marked)
      return
    }
    set(this.svg, "viewBox", `0 0 ${header.width} ${header.height}`)
    const { children } = this.svg
    while (children.length > header.faces.length) children[children.length - 1].remove()
    while (children.length < header.faces.length) this.svg.append(newFace())
    header.faces.forEach((face, place) => {
      const group = /** @type {SVGElement} */ (children[place])
      const isMarked = keyOf(face, place) === marked
      set(group, "class", `face${face.state === "predicted" ? " predicted" : ""}${isMarked ? " marked" : ""}`)
      set(group, "stroke", face.color)
      const box = show.boxes || isMarked ? outline(face) : ""
      const dots = show.landmarks || isMarked ? dotted(face) : ""
      for (const [at, path] of [box, box, dots, dots].entries()) set(group.children[at], "d", path)
    })
    this.write(show.words ? placed(header, this.width, this.height) : [], header)
  }

  /**
   * @param {Place[]} places
   * @param {Header} header
   */
  write(places, { width, height }) {
    const { children } = this.words
    while (children.length > places.length) children[children.length - 1].remove()
    while (children.length < places.length) this.words.append(element("span"))
    for (const [at, { face, left, top }] of places.entries()) {
      const words = /** @type {HTMLElement} */ (children[at])
      say(words, face.words)
      words.style.left = `${(100 * left) / this.width}%`
      words.style.top = `${(100 * top) / this.height}%`
      words.style.background = face.color
      words.style.color = onTop(face.color)
    }
  }

  /**
   * @param {Header} header
   * @param {string | null} marked
   */
  drawCrowd(header, marked) {
    const [width, height] = [this.width, this.height].map((length) => Math.round(length * devicePixelRatio))
    if (this.crowd.width !== width || this.crowd.height !== height) Object.assign(this.crowd, { width, height })
    const context = /** @type {CanvasRenderingContext2D} */ (this.crowd.getContext("2d"))
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0)
    context.clearRect(0, 0, this.width, this.height)
    const scale = new DOMMatrix([this.width / header.width, 0, 0, this.height / header.height, 0, 0])
    for (const [place, face] of header.faces.entries()) {
      const isMarked = keyOf(face, place) === marked
      const path = new Path2D()
      if (show.boxes || isMarked) path.addPath(new Path2D(outline(face)), scale)
      context.strokeStyle = face.color
      context.lineWidth = isMarked ? 4 : face.state === "predicted" ? 1 : 2
      context.setLineDash(face.state === "predicted" ? [5, 4] : [])
      context.stroke(path)
      if (!(show.landmarks || isMarked)) continue
      const dots = new Path2D()
      dots.addPath(new Path2D(dotted(face)), scale)
      context.lineWidth = 4
      context.lineCap = "round"
      context.setLineDash([])
      context.stroke(dots)
      context.lineCap = "butt"
    }
    if (!show.words) return
    context.font = "600 13px system-ui, sans-serif"
    for (const { face, left, top, long } of placed(header, this.width, this.height)) {
      context.fillStyle = face.color
      context.fillRect(left, top, long, WORDS_HEIGHT_PX)
      context.fillStyle = onTop(face.color)
      context.fillText(face.words, left + 5, top + 15, long - 8)
    }
  }
}

function newFace() {
  const group = document.createElementNS(SVG, "g")
  for (const kind of ["rim", "box", "rim dots", "dots"]) {
    const path = document.createElementNS(SVG, "path")
    path.setAttribute("class", kind)
    group.append(path)
  }
  return group
}

/** @param {Face} face */
const outline = ({ box: [x1, y1, x2, y2] }) => `M${x1} ${y1}H${x2}V${y2}H${x1}Z`

/** @param {Face} face */
const dotted = ({ landmarks }) => landmarks.map(([x, y]) => `M${x} ${y}h.01`).join("") // with round ends that is a dot

/** @typedef {{face: Face, left: number, top: number, long: number}} Place px on the page */

/**
 * Where words stand: above their box, below it or in its head, where they hide no others; else nowhere. The largest faces come first.
 * @param {Header} header
 * @param {number} width of the picture on the page, px
 * @param {number} height
 * @returns {Place[]}
 */
function placed({ faces, width: all, height: allHigh }, width, height) {
  /** @type {Place[]} */
  const places = []
  const [across, down] = [width / all, height / allHigh]
  const surface = (/** @type {Face} */ { box: [x1, y1, x2, y2] }) => (x2 - x1) * (y2 - y1)
  for (const face of [...faces].sort((a, b) => surface(b) - surface(a))) {
    if (!face.words) continue
    const long = face.words.length * LETTER_PX + MARGIN_PX
    const left = Math.max(0, Math.min(face.box[0] * across, width - long))
    for (const top of [face.box[1] * down - WORDS_HEIGHT_PX, face.box[3] * down, face.box[1] * down]) {
      const inside = top >= 0 && top + WORDS_HEIGHT_PX <= height
      const hides = (/** @type {Place} */ one) =>
        left < one.left + one.long && one.left < left + long && Math.abs(top - one.top) < WORDS_HEIGHT_PX
      if (!inside || places.some(hides)) continue
      places.push({ face, left, top, long })
      break
    }
  }
  return places
}

/** @type {Map<string, string>} */
const inks = new Map()

/**
 * Black or white, whichever is easier to read on a colour (WCAG 2.2, relative luminance).
 * @param {string} color #rrggbb
 */
function onTop(color) {
  let ink = inks.get(color)
  if (ink === undefined) {
    const [r, g, b] = [1, 3, 5].map((at) => {
      const share = parseInt(color.slice(at, at + 2), 16) / 255
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
    })
    ink = 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "#000" : "#fff"
    inks.set(color, ink)
  }
  return ink
}
