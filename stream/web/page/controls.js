// What a user may change while it runs. The server checks each change, and tells every page of it: what is shown here is what it said.

import { element } from "./dom.js"

const SETTINGS = "detector.enabled detector.min_face_px classifier.model classifier.threshold hide.style".split(" ")

const STYLES = [["none", "nobody"], ["blur", "blurred"], ["pixelate", "in coarse cells"], ["fill", "filled"]]

/** @typedef {{settings: Record<string, unknown>, models: string[], own_settings: string[], stays_hidden: boolean}} Controls */

/**
 * Fills the section for controls, and keeps it as the server says things are. It stays hidden where the server has none.
 * @param {import("./connection.js").Connection} connection
 */
export function startControls(connection) {
  const section = /** @type {HTMLElement} */ (document.getElementById("controls"))
  const form = element("form", { className: "settings" })
  const refused = element("p", { role: "alert", className: "refused" })
  const cameras = element("ul", { className: "switches" })
  const looks = checkbox("Look for faces")
  const model = select("Model")
  const threshold = number("Lowest probability", { min: "0", max: "1", step: "0.01", placeholder: "the model’s own" })
  const smallest = number("Smallest face, px", { min: "12", max: "10000", step: "1", placeholder: "automatic" })
  const hiding = select("Hide faces")
  const own = element("p", { className: "hint" })
  form.append(looks.label, model.label, threshold.label, smallest.label, hiding.label)
  section.append(form, own, refused, cameras)
  form.addEventListener("submit", (event) => event.preventDefault())

  /** @param {string} name @param {unknown} value */
  const set = (name, value) => connection.say({ type: "set", name, value })
  looks.input.addEventListener("change", () => set(SETTINGS[0], looks.input.checked))
  smallest.input.addEventListener("change", () => set(SETTINGS[1], smallest.input.value ? Number(smallest.input.value) : "auto"))
  model.input.addEventListener("change", () => set(SETTINGS[2], model.input.value))
  threshold.input.addEventListener("change", () => set(SETTINGS[3], threshold.input.value ? Number(threshold.input.value) : null))

  hiding.input.addEventListener("change", () => set(SETTINGS[4], hiding.input.value))

  /** @type {Controls | undefined} */
  let now
  /** Puts what holds now into the fields, but for one that somebody writes in, unless what was written was refused. */
  const show = (even = false) => {
    if (!now) return
    const { settings } = now
    looks.input.checked = Boolean(settings[SETTINGS[0]])
    for (const [field, value] of /** @type {const} */ ([
      [smallest, settings[SETTINGS[1]] === "auto" ? "" : settings[SETTINGS[1]]],
      [threshold, settings[SETTINGS[3]] ?? ""],
    ])) {
      if (even || document.activeElement !== field.input) field.input.value = String(value)
    }
    if (model.input.options.length !== now.models.length) {
      model.input.replaceChildren(...now.models.map((name) => new Option(name === "none" ? "no model" : name, name)))
    }
    model.input.value = String(settings[SETTINGS[2]])
    if (!hiding.input.options.length) {
      hiding.input.replaceChildren(...STYLES.slice(now.stays_hidden ? 1 : 0).map(([style, words]) => new Option(words, style)))
    }
    hiding.input.value = String(settings[SETTINGS[4]])
    own.textContent = now.own_settings.length ? `With values of their own: ${now.own_settings.join(", ")}.` : ""
  }

  connection.on("state", (/** @type {{cameras: import("./types.js").Camera[], controls?: Controls}} */ state) => {
    section.hidden = !state.controls
    if (!state.controls) return
    now = state.controls
    show()
    showSwitches(cameras, state.cameras, connection)
  })
  connection.on("refused", ({ what, why }) => {
    if (!["set", "pause", "record"].includes(what)) return
    refused.textContent = why
    setTimeout(() => (refused.textContent = ""), 8000)
    show(true)
  })
}

/**
 * A row of buttons for each camera. Rows stay as long as their cameras, so that the one with the focus keeps it.
 * @param {HTMLElement} list
 * @param {import("./types.js").Camera[]} cameras
 * @param {import("./connection.js").Connection} connection
 */
function showSwitches(list, cameras, connection) {
  const rows = new Map([.../** @type {HTMLCollectionOf<HTMLElement>} */ (list.children)].map((row) => [row.dataset.camera, row]))
  for (const camera of cameras) {
    const row = rows.get(camera.name) ?? newRow(camera.name, connection)
    rows.delete(camera.name)
    if (!row.isConnected) list.append(row)
    const [next, pause, record] = row.querySelectorAll("button")
    next.hidden = !camera.still || camera.state === "ended"
    const recorded = camera.recording !== null && camera.recording !== undefined
    turn(pause, "Pause", Boolean(camera.paused))
    turn(record, "Record", camera.recording === true)
    record.hidden = !recorded
  }
  for (const row of rows.values()) row.remove()
}

/**
 * @param {string} camera
 * @param {import("./connection.js").Connection} connection
 */
function newRow(camera, connection) {
  const row = element("li")
  row.dataset.camera = camera
  row.append(element("span", { textContent: camera }))
  const next = element("button", { type: "button", textContent: "Next picture" })
  next.addEventListener("click", () => connection.say({ type: "next", camera }))
  row.append(next)
  for (const type of ["pause", "record"]) {
    const button = element("button", { type: "button" })
    button.addEventListener("click", () => connection.say({ type, camera, on: button.getAttribute("aria-pressed") !== "true" }))
    row.append(button)
  }
  for (const [words, query] of [["Snapshot", ""], ["without boxes", "?boxes=0"]]) {
    const link = element("a", { textContent: words, className: "button", href: `snapshots/${encodeURIComponent(camera)}.png${query}` })
    link.setAttribute("download", "")
    link.setAttribute("aria-label", `Snapshot of ${camera}${query ? " without boxes" : ""}`)
    row.append(link)
  }
  return row
}

/**
 * @param {HTMLButtonElement} button
 * @param {string} words
 * @param {boolean} on
 */
function turn(button, words, on) {
  button.textContent = words
  button.setAttribute("aria-pressed", String(on))
  button.setAttribute("aria-label", `${words} ${button.closest("li")?.dataset.camera ?? ""}`)
}

/** @template {HTMLElement} T @param {string} words @param {T} input */
function labelled(words, input) {
  const label = element("label")
  label.append(element("span", { textContent: words }), input)
  return { label, input }
}

/** @param {string} words */
function checkbox(words) {
  return labelled(words, element("input", { type: "checkbox" }))
}

/** @param {string} words @param {Record<string, string>} properties */
function number(words, properties) {
  return labelled(words, element("input", { type: "number", inputMode: "decimal", ...properties }))
}

/** @param {string} words */
function select(words) {
  return labelled(words, element("select"))
}
