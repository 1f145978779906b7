// The socket: comes back by itself, and says what was drawn, so that no more is on its way than the page can draw.

import { known } from "./login.js"

const FIRST_PAUSE_MS = 300
const LONGEST_PAUSE_MS = 5000
const SILENT_MS = 5000 // the server says each second how everything is
const ENDED = "The run has ended. This page comes back by itself when it runs again."
const LOST = "The connection is lost; trying again."
/** @type {Record<number, string>} by codes of closing (RFC 6455, section 7.4, and IANA's list) */
const CAUSES = {
  1001: ENDED,
  1008: "The server does not understand this page: reload it.",
  1012: ENDED,
  1013: "Too many pages are open; trying again.",
}

/** @typedef {{state: (state: import("./types.js").State) => void, picture: (picture: import("./types.js").Picture) => void,
 *   note: (words: string) => void, unknown: () => Promise<void>}} Listener `unknown`: the server does not know us; resolves once it does */

export class Connection extends EventTarget {
  /** @param {Listener} listener */
  constructor(listener) {
    super()
    this.listener = listener
    this.pause = FIRST_PAUSE_MS
    this.watched = JSON.stringify({ type: "watch", cameras: {} })
    this.heardAt = 0
    this.timer = 0
    /** @type {WebSocket | null} */
    this.socket = null
    setInterval(() => {
      const { socket } = this
      if (socket && socket.readyState <= WebSocket.OPEN && performance.now() - this.heardAt > SILENT_MS) this.lost(socket, 0) // also while it opens
    }, 1000)
    const now = () => {
      if (this.timer && !document.hidden) this.open()
    }
    addEventListener("online", now)
    document.addEventListener("visibilitychange", now)
  }

  open() {
    clearTimeout(this.timer)
    this.timer = 0
    const address = new URL("ws", location.href)
    address.protocol = address.protocol.replace("http", "ws")
    const socket = (this.socket = new WebSocket(address))
    this.heardAt = performance.now()
    let opened = false
    socket.binaryType = "arraybuffer"
    socket.onopen = () => {
      opened = true
      this.pause = FIRST_PAUSE_MS
      this.heardAt = performance.now()
      this.listener.note("")
      socket.send(this.watched)
    }
    socket.onmessage = ({ data }) => {
      this.heardAt = performance.now()
      if (typeof data === "string") this.heard(JSON.parse(data))
      else this.listener.picture(unpacked(data))
    }
    socket.onclose = ({ code }) => this.lost(socket, code, opened)
  }

  /**
   * @param {WebSocket} socket
   * @param {number} code
   */
  async lost(socket, code, opened = true) {
    socket.onclose = socket.onmessage = null
    socket.close() // a line that is cut answers nothing, and may not know yet
    if (opened) this.listener.note(CAUSES[code] ?? LOST)
    else if (!(await known().catch(() => true))) {
      this.listener.note("")
      await this.listener.unknown()
      return this.open()
    }
    this.timer = setTimeout(() => document.hidden || this.open(), this.pause * (0.75 + Math.random() / 2))
    this.pause = Math.min(LONGEST_PAUSE_MS, this.pause * 2)
  }

  /**
   * Whoever listens for a message's type hears of it.
   * @param {{type: string}} message
   */
  heard(message) {
    if (message.type === "state") this.listener.state(/** @type {import("./types.js").State} */ (message))
    this.dispatchEvent(new CustomEvent(message.type, { detail: message }))
  }

  /**
   * @param {string} type of a message
   * @param {(message: any) => void} does
   */
  on(type, does) {
    this.addEventListener(type, (event) => does(/** @type {CustomEvent} */ (event).detail))
  }

  /** @param {Record<string, number>} cameras what is on the screen, and how wide, px */
  watch(cameras) {
    const message = { type: "watch", cameras }
    const words = JSON.stringify(message)
    if (words === this.watched) return
    this.watched = words
    this.say(message)
  }

  /** @param {import("./types.js").Header} header */
  drawn(header) {
    this.say({ type: "drawn", camera: header.camera, seq: header.seq })
  }

  /** @param {object} message */
  say(message) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message))
  }
}

/**
 * A message is the length of its header (u32, big endian), the header as JSON, and a JPEG.
 * @param {ArrayBuffer} data
 * @returns {import("./types.js").Picture}
 */
function unpacked(data) {
  const length = new DataView(data).getUint32(0)
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length)))
  return { header, jpeg: new Uint8Array(data, 4 + length) }
}
