// Who a face is: a click on it, or Enter in the list, asks for its name, or takes a wrong one from it. Only where the server lets pages do so.

import { byId, element } from "./dom.js"
import { keyOf } from "./words.js"

const SIDE_PX = 160 // of the face in the dialog
const AROUND = 0.25 // of its box

/** @typedef {import("./tile.js").Tile} Tile */
/** @typedef {import("./types.js").Face} Face */

/**
 * @param {import("./connection.js").Connection} connection
 * @param {() => Tile | null} large the camera whose faces can be named
 */
export function startPeople(connection, large) {
  const picture = element("canvas", { width: SIDE_PX, height: SIDE_PX, ariaHidden: "true" })
  const now = element("p", { className: "hint" })
  const name = element("input", { id: "person", autocomplete: "off", maxLength: 100, required: true })
  const add = element("button", { textContent: "Add" })
  const deny = element("button", { type: "button" })
  const close = element("button", { type: "button", textContent: "Close" })
  const told = element("p", { role: "status" })
  const label = element("label", { htmlFor: name.id, textContent: "Name" })
  const form = element("form", {}, label, name, element("div", { className: "actions" }, add, deny, close))
  const title = element("h2", { id: "person-title", textContent: "Who is this?" })
  const dialog = element("dialog", { id: "people" }, title, picture, now, form, told)
  dialog.setAttribute("aria-labelledby", title.id)
  document.body.append(dialog)

  let welcome = false
  /** @type {Face | undefined} */
  let face

  /** @param {Tile | null} tile @param {string | null | undefined} key */
  const ask = (tile, key) => {
    const found = tile?.header?.faces.find((one, place) => keyOf(one, place) === key)
    if (!welcome || !tile?.header || !found || !("person" in found)) return
    face = found
    connection.say({ type: "point", camera: tile.name, track: face.track, box: face.box })
    cut(tile.canvas, tile.canvas.width / tile.header.width, face)
    const named = face.person?.name
    now.textContent = named ? `It is taken for ${named}.` : face.person ? "It is nobody who is known." : "It is not decided yet."
    name.value = told.textContent = ""
    told.classList.remove("refused")
    deny.hidden = !named || !face.track
    deny.textContent = `This is not ${named}`
    add.disabled = false
    dialog.showModal()
    name.focus()
  }

  /** @param {HTMLCanvasElement} canvas @param {number} scale @param {Face} face */
  const cut = (canvas, scale, { box: [x1, y1, x2, y2] }) => {
    const side = Math.max(x2 - x1, y2 - y1) * (1 + 2 * AROUND) * scale
    const [left, top] = [((x1 + x2) * scale - side) / 2, ((y1 + y2) * scale - side) / 2]
    const context = /** @type {CanvasRenderingContext2D} */ (picture.getContext("2d"))
    context.clearRect(0, 0, SIDE_PX, SIDE_PX)
    context.drawImage(canvas, left, top, side, side, 0, 0, SIDE_PX, SIDE_PX)
  }

  /** @param {string} words @param {boolean} refused */
  const tell = (words, refused = false) => {
    told.textContent = words
    told.classList.toggle("refused", refused)
    add.disabled = false
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault()
    connection.say({ type: "enrol", name: name.value })
    tell("Looking…")
    add.disabled = true
  })
  deny.addEventListener("click", () => {
    connection.say({ type: "deny", name: face?.person?.name })
    dialog.close()
  })
  close.addEventListener("click", () => dialog.close())
  dialog.addEventListener("keydown", (event) => event.stopPropagation()) // digits and Escape are not for the cameras now
  byId("cameras").addEventListener("click", ({ target }) => {
    if (target instanceof Element && target.closest(".large .view")) ask(large(), large()?.marked)
  })
  byId("faces").addEventListener("click", ({ target }) => {
    if (target instanceof Element) ask(large(), /** @type {HTMLElement | null} */ (target.closest("li"))?.dataset.key)
  })
  connection.on("state", ({ people }) => {
    welcome = people === true
    document.body.classList.toggle("names", welcome)
  })
  connection.on("enrolled", ({ name }) => tell(`${name} is known from now on.`))
  connection.on("refused", ({ what, why }) => {
    if (["point", "enrol", "deny"].includes(what)) tell(why, true)
  })
}
