// One camera: its newest picture on a canvas, its faces above it. Both change in one animation frame.

import { paintSoon } from "./painting.js"
import { element, say, set } from "./dom.js"
import { Overlay } from "./overlay.js"
import { clockTime, counted, keyOf, lasting } from "./words.js"

const SPOKEN_EVERY_MS = 1000
const RATE_OVER_MS = 2000
const BRIEF = 3 // parts of the status line in the grid: rate, age, last look
const CLOCKS_COMPARED = 10 // the newest: either clock may be set anew
const OLD_S = 2 // a picture that is older is told of as an old one

/** @typedef {import("./types.js").Header} Header */

export class Tile {
  /**
   * @param {string} name
   * @param {{drawn: (header: Header) => void}} connection
   * @param {() => void} resized is told when it is shown larger or smaller, or not at all any more
   */
  constructor(name, connection, resized) {
    this.name = name
    this.connection = connection
    this.canvas = element("canvas", { role: "img", ariaLabel: `${name}: no picture yet`, width: 16, height: 9 })
    this.context = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d", { alpha: false }))
    this.overlay = new Overlay()
    this.silence = element("div", { className: "silence", hidden: true })
    this.view = element("div", { className: "view" }, this.canvas, this.overlay.svg, this.overlay.crowd, this.overlay.words, this.silence)
    this.button = element("button", { type: "button" })
    this.digit = element("kbd", { ariaHidden: "true" })
    this.status = element("p", { className: "status" })
    this.age = element("p", { className: "age" })
    this.faces = element("ul", { className: "unseen", ariaLabel: `Faces of ${name}` })
    const caption = element("div", { className: "caption" }, element("h2", {}, this.button, this.digit), this.status, this.age)
    this.element = element("li", { className: "tile" }, element("div", { className: "cell" }, this.view), caption, this.faces)
    this.element.dataset.camera = name

    this.arrived = this.shown = 0
    this.spokenAt = -Infinity
    /** @type {{header: Header, bitmap: ImageBitmap} | null} */
    this.next = null
    /** @type {Header | null} */
    this.header = null
    /** @type {import("./types.js").Camera | null} */
    this.camera = null
    /** @type {number[]} */
    this.drawnAt = []
    /** @type {{x: number, y: number} | null} on the page */
    this.pointer = null
    /** @type {string | null} the key of the face that has the focus in the list */
    this.focused = null
    this.onScreen = false
    /** @type {number[]} how far this browser's clock seemed ahead lately, s: too far by what the words needed to come */
    this.ahead = []

    this.watchers = [
      new IntersectionObserver((entries) => {
        this.onScreen = entries[entries.length - 1].isIntersecting
        resized()
      }),
      new ResizeObserver(([{ contentRect }]) => {
        this.overlay.resized(contentRect)
        this.redraw()
        resized()
      }),
    ]
    for (const watcher of this.watchers) watcher.observe(this.view)
    const point = (/** @type {PointerEvent} */ { clientX, clientY, pointerType }) => {
      if (pointerType === "touch" && !this.element.classList.contains("large")) return // it opens the camera
      this.pointer = { x: clientX, y: clientY }
      this.redraw()
    }
    this.element.addEventListener("pointermove", point)
    this.element.addEventListener("pointerdown", point)
    this.element.addEventListener("pointerleave", ({ pointerType }) => {
      if (pointerType === "touch") return // the finger is gone, and the user reads
      this.pointer = null
      this.redraw()
    })
  }

  /** In pixels of the screen; 0 where nobody sees it. */
  get width() {
    return this.onScreen ? Math.round(this.overlay.width * devicePixelRatio) : 0
  }

  remove() {
    for (const watcher of this.watchers) watcher.disconnect()
    this.forget()
    this.element.remove()
  }

  /** What waits to be drawn is not: the page is hidden. */
  forget() {
    this.next?.bitmap.close()
    this.next = null
  }

  /** The whole name where there is room for it. */
  showName() {
    const { name, button, camera } = this
    const words = this.element.classList.contains("large") ? name : (camera?.short ?? name)
    if (button.textContent === words) return
    button.replaceChildren(...breakable(words))
    button.title = words === name ? "" : name
  }

  /**
   * @param {import("./types.js").Camera} camera
   * @param {number} now by the server's clock
   */
  tell(camera, now) {
    this.camera = camera
    this.ahead = [Date.now() / 1000 - now, ...this.ahead.slice(0, CLOCKS_COMPARED - 1)]
    if (!this.header) this.element.style.setProperty("--ratio", String(camera.width / camera.height || 16 / 9))
    this.element.classList.toggle("silent", camera.no_signal)
    this.silence.hidden = !camera.no_signal && !camera.paused && this.header !== null
    if (camera.no_signal) {
      const since = `since ${clockTime(camera.silent_s)}, for ${lasting(camera.silent_s)}`
      this.showSilence("NO SIGNAL", since, camera.cause)
    } else if (camera.paused) this.showSilence("PAUSED", "", "")
    else if (!this.header) this.showSilence(camera.state === "ended" ? "Ended" : "No picture yet", "", camera.cause)
  }

  /** @param {...string} lines */
  showSilence(...lines) {
    const { children } = this.silence
    for (const [at, words] of lines.entries()) {
      if (!children[at]) this.silence.append(element(at ? "span" : "strong"))
      say(children[at], words)
    }
  }

  /** What the page knows by itself, each second. */
  tellAge() {
    const { header, camera } = this
    if (!header || !camera) return say(this.age, "")
    const age = this.ageOf(header)
    const now = performance.now()
    this.drawnAt = this.drawnAt.filter((when) => now - when < RATE_OVER_MS)
    const rate = Math.round((1000 * this.drawnAt.length) / RATE_OVER_MS)
    let words = `shown here: ${rate} a second${camera.live ? `, ${lasting(this.ageWhenDrawn)} old` : ""}`
    if (camera.still) words = "a photo"
    else if (camera.state === "ended") words = "ended; this is its last picture"
    else if (camera.live && age > OLD_S) {
      words = `picture of ${clockTime(age)}, ${lasting(age)} ago`
      say(this.status, "") // rate and last look are those of then
      this.spokenAt = -Infinity
    }
    say(this.age, words)
  }

  ageWhenDrawn = 0

  /** @param {Header} header */
  ageOf(header) {
    return Math.max(0, Date.now() / 1000 - Math.min(...this.ahead) - header.captured_at)
  }

  /**
   * A picture that came without a header; its boxes are drawn.
   * @param {number} askedAt s, by this browser's clock: it is hardly older
   * @param {Uint8Array<ArrayBuffer>} jpeg
   */
  takePlain(askedAt, jpeg) {
    const { name, camera } = this
    if (!camera) return
    const { width, height } = camera
    const captured_at = askedAt - Math.min(...this.ahead)
    return this.take({ header: { camera: name, seq: 0, captured_at, width, height, status: "", faces: [], plain: true }, jpeg })
  }

  /** @param {import("./types.js").Picture} picture */
  async take({ header, jpeg }) {
    const number = ++this.arrived
    const bitmap = await createImageBitmap(new Blob([jpeg], { type: "image/jpeg" })).catch(() => null)
    if (!bitmap) return this.connection.drawn(header) // there is nothing to draw, and the next one may come
    if (number < this.shown || document.hidden) return bitmap.close() // a later one was decoded sooner
    this.shown = number
    this.forget()
    this.next = { header, bitmap }
    paintSoon(this)
  }

  draw() {
    if (this.next === null) return
    const { header, bitmap } = this.next
    this.next = null
    const { canvas } = this
    if (canvas.width !== bitmap.width || canvas.height !== bitmap.height) {
      canvas.width = bitmap.width
      canvas.height = bitmap.height
    }
    this.context.drawImage(bitmap, 0, 0)
    bitmap.close()
    if (header.width !== this.header?.width || header.height !== this.header.height) {
      this.element.style.setProperty("--ratio", String(header.width / header.height))
    }
    if (!this.header) this.silence.hidden = true
    this.header = header
    this.redraw()
    if (!header.plain) this.connection.drawn(header)
    const now = performance.now()
    this.drawnAt.push(now)
    this.ageWhenDrawn = this.ageOf(header)
    if (now - this.spokenAt > SPOKEN_EVERY_MS) {
      this.spokenAt = now
      this.speak(header)
    }
  }

  /** The faces of the picture that is on the canvas. */
  redraw() {
    if (!this.header) return
    this.overlay.draw(this.header, this.marked)
    this.element.dispatchEvent(new CustomEvent("drawn", { bubbles: true, detail: this.header }))
  }

  /** The key of the face that the user looks at: below the pointer, else that which has the focus. */
  get marked() {
    const { header, pointer } = this
    if (!header || !pointer) return this.focused
    const { left, top, width, height } = this.view.getBoundingClientRect()
    const x = ((pointer.x - left) / width) * header.width
    const y = ((pointer.y - top) / height) * header.height
    let [smallest, found] = [Infinity, this.focused]
    for (const [place, face] of header.faces.entries()) {
      const [x1, y1, x2, y2] = face.box
      const surface = (x2 - x1) * (y2 - y1)
      if (x1 <= x && x < x2 && y1 <= y && y < y2 && surface < smallest) [smallest, found] = [surface, keyOf(face, place)]
    }
    return found
  }

  /** @param {Header} header */
  speak(header) {
    const { status, faces, plain } = header
    const parts = status.split(" · ")
    say(this.status, (this.element.classList.contains("large") ? parts : parts.slice(0, BRIEF)).join(" · "))
    set(this.canvas, "aria-label", plain ? this.name : `${this.name}: ${counted(faces.length)}`)
    const lines = faces.map((face) => face.words)
    const { children } = this.faces
    while (children.length > lines.length) children[children.length - 1].remove()
    while (children.length < lines.length) this.faces.append(element("li"))
    for (const [at, words] of lines.entries()) say(children[at], words)
    this.faces.hidden = !lines.length
  }
}

/**
 * A name that may go on in the next line behind each slash.
 * @param {string} name
 */
function breakable(name) {
  return name.split("/").flatMap((part, place) => (place ? ["/", element("wbr"), part] : [part]))
}
