// The socket: comes back by itself, and says what was drawn, so that no more is on its way than the page can draw.

const FIRST_PAUSE_MS = 300
const LONGEST_PAUSE_MS = 5000

/** @typedef {{state: (state: import("./types.js").State) => void, picture: (picture: import("./types.js").Picture) => void,
 *   note: (words: string) => void}} Listener */

export class Connection extends EventTarget {
  /** @param {Listener} listener */
  constructor(listener) {
    super()
    this.listener = listener
    this.pause = FIRST_PAUSE_MS
    this.watched = "{}"
    /** @type {WebSocket | null} */
    this.socket = null
  }

  /**
   * Whoever asks for it hears of each message of a type.
   * @param {string} type
   * @param {(said: any) => void} does
   */
  on(type, does) {
    this.addEventListener(type, (event) => does(/** @type {CustomEvent} */ (event).detail))
  }

  open() {
    const address = new URL("ws", location.href)
    address.protocol = address.protocol.replace("http", "ws")
    const socket = (this.socket = new WebSocket(address))
    socket.binaryType = "arraybuffer"
    socket.onopen = () => {
      this.pause = FIRST_PAUSE_MS
      this.listener.note("")
      this.say(JSON.parse(this.watched))
    }
    socket.onmessage = ({ data }) => {
      if (typeof data === "string") this.heard(JSON.parse(data))
      else this.listener.picture(unpacked(data))
    }
    socket.onclose = () => {
      this.listener.note("The connection is lost; trying again.")
      setTimeout(() => this.open(), this.pause * (0.75 + Math.random() / 2))
      this.pause = Math.min(LONGEST_PAUSE_MS, this.pause * 2)
    }
  }

  /** @param {{type: string}} message */
  heard(message) {
    if (message.type === "state") this.listener.state(/** @type {import("./types.js").State} */ (message))
    this.dispatchEvent(new CustomEvent(message.type, { detail: message }))
  }

  /** @param {Record<string, number>} cameras */
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
