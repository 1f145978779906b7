// What is drawn over the pictures, on this page alone; the browser remembers it.

import { byId, element } from "./dom.js"

const KEY = "facestream.show"
/** @typedef {{boxes: boolean, words: boolean, landmarks: boolean}} Show */
/** @type {[keyof Show, string][]} */
const NAMES = [
  ["boxes", "Boxes"],
  ["words", "Labels"],
  ["landmarks", "Landmarks"],
]

/** @type {Show} */
export const show = { boxes: true, words: true, landmarks: false }

/** @param {() => void} changed */
export function startOptions(changed) {
  try {
    Object.assign(show, JSON.parse(localStorage.getItem(KEY) ?? "{}"))
  } catch {
    // a browser that keeps nothing, or kept something else
  }
  const group = byId("options")
  for (const [name, words] of NAMES) {
    const button = element("button", { type: "button", textContent: words, ariaPressed: String(show[name]) })
    button.addEventListener("click", () => {
      show[name] = !show[name]
      button.ariaPressed = String(show[name])
      try {
        localStorage.setItem(KEY, JSON.stringify(show))
      } catch {
        // it lasts as long as the page
      }
      changed()
    })
    group.append(button)
  }
}
