// Says to those who listen what has changed, seldom enough to be listened to.

import { byId } from "./dom.js"
import { summary } from "./words.js"

const EVERY_MS = 5000

/** @param {() => import("./tile.js").Tile[]} tiles those on the screen */
export function startSpeech(tiles) {
  const region = byId("spoken")
  /** @type {Map<string, string>} */
  let said = new Map()
  setInterval(() => {
    if (document.hidden) return
    /** @type {Map<string, string>} */
    const now = new Map()
    for (const { name, camera, header } of tiles()) {
      if (camera?.no_signal) now.set(name, "no signal")
      else if (header && !header.plain) now.set(name, summary(header.faces))
    }
    const news = [...now].filter(([name, words]) => said.get(name) !== words)
    said = now
    if (news.length) region.textContent = news.map(([name, words]) => `${name}: ${words}.`).join(" ")
  }, EVERY_MS)
}
