// The socket: comes back by itself, and says what was drawn, so that no more is on its way than the page can draw.

import { known } from "./login.js"
import { OneByOne, WHY } from "./one_by_one.js"

const FIRST_PAUSE_MS = 300
const LONGEST_PAUSE_MS = 5000
const SILENT_MS = 5000 // the server says each second how everything is
const UNHEARD = [0, 1006] // codes of a connection that broke, or was given up, without a word
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
 *   plain: (camera: string, askedAt: number, jpeg: Uint8Array<ArrayBuffer>) => void, note: (words: string, apart?: boolean) => void, unknown: () => Promise<void>}} Listener `unknown`: the server does not know us; resolves once it does */

export class Connection extends EventTarget {
  /** @param {Listener} listener */
  constructor(listener) {
    super()
    this.listener = listener
    this.pause = FIRST_PAUSE_MS
    this.watched = JSON.stringify({ type: "watch", cameras: {} })
    this.heardAt = 0
    this.timer = 0
    this.works = false // something was heard through this socket
    this.failed = 0 // so many before it were silent, though the server answers
    this.oneByOne = new OneByOne(this)
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
    this.works = false
    socket.binaryType = "arraybuffer"
    socket.onopen = () => {
      this.heardAt = performance.now()
      socket.send(this.watched)
    }
    socket.onmessage = ({ data }) => {
      this.heardAt = performance.now()
      if (!this.works) this.begin()
      if (typeof data === "string") this.heard(JSON.parse(data))
      else this.listener.picture(unpacked(data))
    }
    socket.onclose = ({ code }) => this.lost(socket, code)
  }

  /** It works. */
  begin() {
    this.works = true
    this.pause = FIRST_PAUSE_MS
    this.failed = 0
    this.oneByOne.stop()
    this.listener.note("")
  }

  /**
   * @param {WebSocket} socket
   * @param {number} code
   */
  async lost(socket, code) {
    socket.onclose = socket.onmessage = null
    socket.close() // a line that is cut answers nothing, and may not know yet
    if (this.works || !UNHEARD.includes(code)) this.listener.note(CAUSES[code] ?? LOST)
    else {
      const isKnown = await known().catch(() => null)
      if (isKnown === null && this.oneByOne.on) this.listener.note(LOST)
      if (!isKnown) this.oneByOne.stop()
      if (isKnown === false) {
        this.listener.note("")
        await this.listener.unknown()
        return this.open()
      }
      if (isKnown && ++this.failed >= 2) {
        this.listener.note(WHY, false)
        void this.oneByOne.start()
      }
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
