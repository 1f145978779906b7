// All tiles paint in one animation frame, and where there are many, not in every one: a browser puts the whole page together anew for each.

const FEW = 3
const PAUSE_MS = 28

/** @type {Set<{draw: () => void}>} */
const waiting = new Set()
/** @type {Set<object>} */
let lately = new Set()
/** @type {Set<object>} */
let before = lately
let painted = 0
let counted = 0
let asked = false

/**
 * Has a tile draw with the others, soon.
 * @param {{draw: () => void}} tile
 */
export function paintSoon(tile) {
  waiting.add(tile)
  lately.add(tile)
  if (!asked) requestAnimationFrame(paint)
  asked = true
}

/** @param {number} now */
function paint(now) {
  if (Math.max(before.size, lately.size) > FEW && now - painted < PAUSE_MS) return void requestAnimationFrame(paint)
  asked = false
  painted = now
  if (now - counted > 1000) {
    counted = now
    before = lately
    lately = new Set()
  }
  const tiles = [...waiting]
  waiting.clear()
  for (const tile of tiles) tile.draw()
}
