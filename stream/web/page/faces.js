// The faces of the large camera as a list, with all that is known of the one that the user looks at beside it.

import { byId, element, say } from "./dom.js"
import { counted, details, inShort, keyOf } from "./words.js"

const EVERY_MS = 250
const GAP_PX = 8

export class Faces {
  constructor() {
    this.section = byId("faces")
    this.title = byId("faces-title")
    this.list = /** @type {HTMLElement} */ (this.section.querySelector("ul"))
    this.card = byId("card")
    this.at = -Infinity
    /** @type {import("./tile.js").Tile | null} */
    this.tile = null
  }

  /** @param {import("./tile.js").Tile | null} tile whose faces are listed */
  of(tile) {
    if (tile === this.tile) return
    if (this.tile) this.tile.focused = null
    this.tile = tile
    this.at = -Infinity
    this.section.hidden = tile === null
    this.list.replaceChildren()
    this.card.hidden = true
    if (tile?.header) this.drawn(tile)
  }

  /** @param {import("./tile.js").Tile} tile has drawn */
  drawn(tile) {
    this.showCard(tile)
    if (tile !== this.tile || performance.now() - this.at < EVERY_MS) return
    this.at = performance.now()
    const faces = tile.header?.faces ?? []
    const hidden = tile.header?.hidden_faces ?? 0
    const seen = faces.length ? counted(faces.length) : "No faces"
    say(this.title, hidden ? (faces.length ? `${seen}, ${hidden} more hidden` : `${counted(hidden)}, hidden`) : seen)
    const items = new Map([.../** @type {HTMLCollectionOf<HTMLElement>} */ (this.list.children)].map((item) => [item.dataset.key, item]))
    for (const [place, face] of faces.entries()) {
      const key = keyOf(face, place)
      const item = items.get(key) ?? this.newItem(key)
      items.delete(key)
      const [words, more] = item.querySelectorAll("span")
      say(words, face.words || "face")
      say(more, inShort(face))
      item.style.setProperty("--color", face.color)
      if (this.list.children[place] !== item && !item.contains(document.activeElement)) {
        this.list.insertBefore(item, this.list.children[place] ?? null)
      }
    }
    for (const item of items.values()) {
      if (item.contains(document.activeElement)) this.title.focus()
      item.remove()
    }
  }

  /** @param {string} key */
  newItem(key) {
    const button = element("button", { type: "button" }, element("span"), element("span", { className: "quiet" }))
    button.setAttribute("aria-describedby", this.card.id)
    const item = element("li", {}, button)
    item.dataset.key = key
    const look = (/** @type {string | null} */ at) => {
      if (!this.tile) return
      this.tile.focused = at
      this.tile.redraw()
    }
    button.addEventListener("focus", () => look(key))
    button.addEventListener("blur", () => look(null))
    button.addEventListener("pointerenter", () => look(key))
    button.addEventListener("pointerleave", () => document.activeElement === button || look(null))
    return item
  }

  /** @param {import("./tile.js").Tile} tile */
  showCard(tile) {
    const { card } = this
    const faces = tile.header?.faces ?? []
    const marked = tile.marked
    const face = marked === null ? undefined : faces.find((one, place) => keyOf(one, place) === marked)
    if (!face || !tile.header) {
      if (card.dataset.camera === tile.name) card.hidden = true
      return
    }
    card.dataset.camera = tile.name
    const rows = details(face)
    while (card.children.length > rows.length) card.lastElementChild?.remove()
    while (card.children.length < rows.length) card.append(element("div", {}, element("dt"), element("dd")))
    for (const [at, [name, value]] of rows.entries()) {
      say(card.children[at].children[0], name)
      say(card.children[at].children[1], value)
    }
    card.hidden = false
    const picture = tile.view.getBoundingClientRect()
    const across = picture.width / tile.header.width
    const right = picture.left + face.box[2] * across + GAP_PX
    const left = picture.left + face.box[0] * across - GAP_PX - card.offsetWidth
    const fits = right + card.offsetWidth <= innerWidth || left < 0
    const top = picture.top + (face.box[1] * picture.height) / tile.header.height
    card.style.left = `${clamped(fits ? right : left, innerWidth - card.offsetWidth - GAP_PX)}px`
    card.style.top = `${clamped(top, innerHeight - card.offsetHeight - GAP_PX)}px`
  }
}

/**
 * @param {number} value
 * @param {number} most
 */
function clamped(value, most) {
  return Math.max(GAP_PX, Math.min(value, most))
}
