// One camera: its newest picture on a canvas, its faces above it as SVG. Both change in one animation frame.

const SVG = "http://www.w3.org/2000/svg"

export class Tile {
  /**
   * @param {string} name
   * @param {import("./connection.js").Connection} connection
   */
  constructor(name, connection) {
    this.connection = connection
    this.element = document.createElement("figure")
    this.canvas = document.createElement("canvas")
    this.context = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d", { alpha: false }))
    this.overlay = document.createElementNS(SVG, "svg")
    this.caption = document.createElement("figcaption")
    this.caption.textContent = name
    const view = document.createElement("div")
    view.className = "view"
    view.append(this.canvas, this.overlay)
    this.element.append(view, this.caption)
    this.newest = 0
    /** @type {{header: import("./types.js").Header, bitmap: ImageBitmap} | null} */
    this.next = null
  }

  /** In pixels of the screen. */
  get width() {
    return Math.round(this.element.clientWidth * devicePixelRatio)
  }

  /** @param {import("./types.js").Camera} camera */
  tell(camera) {
    this.element.classList.toggle("silent", camera.no_signal)
  }

  /** @param {import("./types.js").Picture} picture */
  async take({ header, jpeg }) {
    const bitmap = await createImageBitmap(new Blob([jpeg], { type: "image/jpeg" }))
    if (header.seq < this.newest) return bitmap.close() // a later one was decoded sooner
    this.newest = header.seq
    this.next?.bitmap.close()
    const waiting = this.next !== null
    this.next = { header, bitmap }
    if (!waiting) requestAnimationFrame(() => this.draw())
  }

  draw() {
    if (this.next === null) return
    const { header, bitmap } = this.next
    this.next = null
    if (this.canvas.width !== bitmap.width || this.canvas.height !== bitmap.height) {
      this.canvas.width = bitmap.width
      this.canvas.height = bitmap.height
    }
    this.context.drawImage(bitmap, 0, 0)
    bitmap.close()
    this.overlay.setAttribute("viewBox", `0 0 ${header.width} ${header.height}`)
    this.overlay.replaceChildren(...header.faces.map(boxed))
    this.caption.textContent = `${header.camera} ${header.status}`
    this.connection.drawn(header)
  }
}

/**
 * @param {import("./types.js").Face} face
 * @returns {SVGElement}
 */
function boxed(face) {
  const [x1, y1, x2, y2] = face.box
  const rect = document.createElementNS(SVG, "rect")
  rect.setAttribute("x", String(x1))
  rect.setAttribute("y", String(y1))
  rect.setAttribute("width", String(x2 - x1))
  rect.setAttribute("height", String(y2 - y1))
  rect.setAttribute("stroke", face.color)
  return rect
}
