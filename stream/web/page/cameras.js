// Every camera in a grid, or one of them large: by click, Enter or its digit, and back by Escape or 0. The address remembers which.

import { byId, say } from "./dom.js"
import { Faces } from "./faces.js"
import { Tile } from "./tile.js"

const RESIZED_MS = 100 // while a window is dragged, not each of its sizes is told

export class Cameras {
  /** @param {import("./connection.js").Connection} connection */
  constructor(connection) {
    this.connection = connection
    this.list = byId("cameras")
    this.empty = byId("empty")
    this.back = byId("back")
    this.faces = new Faces()
    /** @type {Map<string, Tile>} */
    this.tiles = new Map()
    this.asked = false
    setInterval(() => document.hidden || this.tiles.forEach((tile) => tile.tellAge()), 1000) // also while nobody tells us anything
    this.back.addEventListener("click", () => this.choose(null))
    addEventListener("hashchange", () => this.show())
    addEventListener("keydown", (event) => this.key(event))
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) for (const tile of this.tiles.values()) tile.forget()
      this.watch()
    })
    this.list.addEventListener("drawn", ({ target }) => {
      const tile = this.tiles.get(/** @type {HTMLElement} */ (target).dataset.camera ?? "")
      if (tile) this.faces.drawn(tile)
    })
  }

  /** @returns {Tile | null} the one that is large */
  get large() {
    const name = new URLSearchParams(location.hash.slice(1)).get("camera")
    return this.tiles.get(name ?? "") ?? (this.tiles.size === 1 ? [...this.tiles.values()][0] : null)
  }

  get shown() {
    return [...this.tiles.values()].filter((tile) => tile.onScreen)
  }

  /** @param {import("./types.js").State} state */
  tell({ cameras, now }) {
    for (const [name, tile] of this.tiles) {
      if (cameras.some((camera) => camera.name === name)) continue
      tile.remove()
      this.tiles.delete(name)
    }
    for (const camera of cameras) {
      let tile = this.tiles.get(camera.name)
      if (!tile) {
        tile = new Tile(camera.name, this.connection, () => this.resized())
        tile.button.addEventListener("click", () => this.choose(camera.name))
        this.tiles.set(camera.name, tile)
        this.list.append(tile.element)
      }
      tile.tell(camera, now)
    }
    this.empty.hidden = cameras.length > 0
    this.show()
  }

  redraw() {
    for (const tile of this.tiles.values()) tile.redraw()
  }

  /** @param {string | null} name of the camera that becomes large */
  choose(name) {
    const before = this.large
    location.hash = name === null ? "" : `camera=${encodeURIComponent(name)}`
    this.show()
    if (name !== null && !this.back.hidden) this.back.focus()
    else if (name === null) before?.button.focus()
  }

  show() {
    const { large } = this
    const several = this.tiles.size > 1
    document.body.classList.toggle("one", large !== null)
    this.back.hidden = large === null || !several
    this.list.style.setProperty("--columns", String(Math.ceil(Math.sqrt(this.tiles.size))))
    let number = 0
    for (const tile of this.tiles.values()) {
      tile.element.hidden = large !== null && tile !== large
      tile.element.classList.toggle("large", tile === large)
      tile.showName()
      const digit = ++number <= 9 && several && tile !== large ? String(number) : ""
      say(tile.digit, digit)
      tile.button.disabled = tile === large
      tile.button.ariaKeyShortcuts = digit || null
    }
    document.title = large && several ? `${large.name} – facestream` : "facestream"
    this.faces.of(large)
    document.body.dataset.camera = large?.name ?? ""
    this.watch()
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const { key, target, altKey, ctrlKey, metaKey } = event
    if (altKey || ctrlKey || metaKey || (target instanceof Element && target.closest("input, select, textarea"))) return
    if (key === "Escape" || key === "0") {
      if (this.large && this.tiles.size > 1) this.choose(null)
    } else if (/^[1-9]$/.test(key)) {
      const name = [...this.tiles.keys()][Number(key) - 1]
      if (name !== undefined && this.tiles.size > 1) this.choose(name)
    }
  }

  resized() {
    if (this.asked) return
    this.asked = true
    setTimeout(() => {
      this.asked = false
      this.watch()
    }, RESIZED_MS)
  }

  /** Tells the server what is on the screen now, and how wide. */
  watch() {
    /** @type {Record<string, number>} */
    const wanted = {}
    for (const [name, { width }] of document.hidden ? [] : this.tiles) if (width) wanted[name] = width
    this.connection.watch(wanted)
  }
}
