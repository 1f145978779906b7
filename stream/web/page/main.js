// Starts the page: logs in, connects, shows every camera.

import { Connection } from "./connection.js"
import { Tile } from "./tile.js"
import { logIn } from "./login.js"
import { startControls } from "./controls.js"
import { startGuest } from "./guest.js"

/** @type {Map<string, Tile>} */
const tiles = new Map()
const cameras = /** @type {HTMLElement} */ (document.getElementById("cameras"))
const note = /** @type {HTMLElement} */ (document.getElementById("note"))

const connection = new Connection({
  /** @param {import("./types.js").State} state */
  state(state) {
    for (const [name, tile] of tiles) {
      if (!state.cameras.some((camera) => camera.name === name)) {
        tile.element.remove()
        tiles.delete(name)
      }
    }
    for (const camera of state.cameras) {
      let tile = tiles.get(camera.name)
      if (!tile) {
        tile = new Tile(camera.name, connection)
        tiles.set(camera.name, tile)
        cameras.append(tile.element)
      }
      tile.tell(camera)
    }
    watch()
  },
  /** @param {import("./types.js").Picture} picture */
  picture(picture) {
    tiles.get(picture.header.camera)?.take(picture)
  },
  /** @param {string} words */
  note(words) {
    note.textContent = words
  },
})

/** Tells the server what is on the screen now, and how wide. */
function watch() {
  /** @type {Record<string, number>} */
  const wanted = {}
  if (!document.hidden) for (const [name, tile] of tiles) wanted[name] = tile.width
  connection.watch(wanted)
}

startControls(connection)
startGuest(connection)
document.addEventListener("visibilitychange", watch)
addEventListener("resize", watch)
if (await logIn()) connection.open()
