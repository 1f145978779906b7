// Where no WebSocket passes, as through some proxies: the newest pictures one by one, with their boxes drawn by the server.

import { known } from "./login.js"

const EVERY_MS = 100
const TOLD_EVERY_MS = 1000
const PATIENCE_MS = 5000
export const WHY =
  "WebSockets do not pass here, perhaps because of a proxy: pictures come one by one, and nothing can be changed or sent; trying again."

export class OneByOne {
  on = false

  /** @param {import("./connection.js").Connection} connection */
  constructor(connection) {
    this.connection = connection
  }

  stop() {
    this.on = false
    document.body.classList.remove("plain")
  }

  async start() {
    if (this.on) return
    this.on = true
    document.body.classList.add("plain")
    let toldAt = -Infinity
    while (this.on) {
      const begun = performance.now()
      try {
        if (begun - toldAt > TOLD_EVERY_MS && !document.hidden) {
          toldAt = begun
          if (await known()) await this.tell() // or the browser would ask its user for a password
        }
        await Promise.all(Object.keys(JSON.parse(this.connection.watched).cameras).map((camera) => this.show(camera)))
      } catch {
        // the connection sees to that, and tries again
      }
      await new Promise((again) => setTimeout(again, Math.max(EVERY_MS / 2, EVERY_MS - (performance.now() - begun))))
    }
  }

  async tell() {
    const state = await (await asked("api/status")).json()
    if (this.on) this.connection.heard({ ...state, type: "state", guests: { why_not: "They are sent through a WebSocket, and none passes.", largest: 0 } })
  }

  /** @param {string} camera */
  async show(camera) {
    const askedAt = Date.now() / 1000
    const answer = await asked(`cameras/${encodeURIComponent(camera)}.jpg`)
    if (!answer.ok) return
    const jpeg = new Uint8Array(await answer.arrayBuffer())
    if (this.on) this.connection.listener.plain(camera, askedAt, jpeg)
  }
}

/** @param {string} address */
function asked(address) {
  return fetch(address, { signal: AbortSignal.timeout(PATIENCE_MS) })
}
