// The browser's own camera: its pictures go to the server, never more than two at a time, and the faces of each come back.

import { drawFaces, element, inWords, overlay } from "./guest_parts.js"

const MOST_ON_THEIR_WAY = 2
const LARGEST_PX = 960
const LOST_AFTER_MS = 5000
const LONGEST_GUESS_S = 0.5
const SAID_EVERY_MS = 5000
const NO_CAMERA =
  "Browsers give no camera to a page that comes by http from another machine. Start facestream with --web-tls self-signed " +
  "(or --web-cert and --web-key) and open the https address, or open this page on that machine itself."
/** @type {Record<string, string>} */
const CAUSES = {
  NotAllowedError: "The browser may not use the camera: allow it beside the page's address, then try again.",
  NotFoundError: "There is no camera on this device.",
  NotReadableError: "The camera cannot be used; perhaps another program has it.",
}

/** @typedef {{seq: number, at: number, width: number, height: number, canvas: HTMLCanvasElement}} Sent */
/** @typedef {import("./types.js").Face & {velocity: [number, number]}} Moving */

export class Webcam {
  /**
   * @param {import("./connection.js").Connection} connection
   * @param {(words: string) => void} say
   */
  constructor(connection, say) {
    this.connection = connection
    this.say = say
    this.video = element("video", { muted: true, playsInline: true, autoplay: true })
    this.shown = element("canvas", { hidden: true })
    this.boxes = overlay()
    this.mirrored = element("input", { type: "checkbox", checked: true })
    this.inStep = element("input", { type: "checkbox" })
    this.status = element("p", { className: "figures" })
    const stop = element("button", { type: "button", onclick: () => this.stop("Your camera is off.") }, "Stop my camera")
    this.screen = element("div", { className: "screen mirrored" }, this.video, this.shown, this.boxes)
    this.screen.setAttribute("role", "img")
    this.screen.setAttribute("aria-label", "Your camera")
    const switches = [
      element("label", {}, this.mirrored, "Mirrored"),
      element("label", {}, this.inStep, "In step: the very picture that was looked at, a little later"),
    ]
    this.view = element("div", { hidden: true, className: "webcam" }, this.screen, element("div", { className: "actions" }, stop, ...switches), this.status)
    this.begin = navigator.mediaDevices
      ? element("button", { type: "button", onclick: () => this.start() }, "Use my camera")
      : element("p", { className: "why" }, NO_CAMERA)
    this.mirrored.onchange = () => {
      this.screen.classList.toggle("mirrored", this.mirrored.checked)
      this.draw(0)
    }
    this.inStep.onchange = () => {
      this.shown.hidden = !this.inStep.checked
      this.draw(0)
    }
    /** @type {MediaStream | null} */
    this.stream = null
    /** @type {Sent[]} */
    this.onTheirWay = []
    /** @type {HTMLCanvasElement[]} */
    this.spare = []
    /** @type {{sent: Sent, faces: Moving[]} | null} */
    this.look = null
    this.seq = 0
    this.welcome = false
    this.saidAt = 0
    this.video.onresize = () => this.draw(0)
  }

  async start() {
    this.begin.disabled = true
    try {
      const wanted = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } }
      this.stream = await navigator.mediaDevices.getUserMedia({ video: wanted, audio: false })
    } catch (error) {
      this.begin.disabled = false
      const { name, message } = /** @type {DOMException} */ (error)
      return this.say(CAUSES[name] ?? `The camera cannot be used: ${message}`)
    }
    this.stream.getVideoTracks()[0].onended = () => this.stop("Your camera was taken away.")
    this.video.srcObject = this.stream
    this.begin.hidden = true
    this.view.hidden = false
    this.say("Your camera is on.")
    this.resume()
    this.next()
  }

  /** Begins on this connection; the one before may have broken off. */
  resume() {
    this.lost()
    if (this.stream) this.connection.say({ type: "webcam", on: true })
    this.welcome = false
  }

  /** @param {string} words */
  stop(words) {
    if (!this.stream) return
    this.connection.say({ type: "webcam", on: false })
    for (const track of this.stream.getTracks()) track.stop()
    this.stream = this.video.srcObject = this.look = null
    this.lost()
    this.view.hidden = true
    this.begin.hidden = this.begin.disabled = false
    if (this.view.contains(document.activeElement) || document.activeElement === document.body) this.begin.focus()
    this.say(words)
  }

  /** Nothing that was sent will be answered. */
  lost(words = "") {
    this.spare.push(...this.onTheirWay.splice(0).map((sent) => sent.canvas))
    if (words) this.say(words)
  }

  next() {
    if (this.stream) this.video.requestVideoFrameCallback((now, about) => this.came(about.captureTime ?? now))
  }

  /** @param {number} at of a new picture, ms */
  came(at) {
    if (!this.stream) return
    this.next()
    if (!this.inStep.checked) this.draw(at)
    if (this.onTheirWay.length && performance.now() - this.onTheirWay[0].at > LOST_AFTER_MS) this.lost()
    if (this.welcome && this.onTheirWay.length < MOST_ON_THEIR_WAY) this.send(at)
  }

  /** @param {number} at */
  send(at) {
    const { videoWidth, videoHeight } = this.video
    const scale = Math.min(1, LARGEST_PX / Math.max(videoWidth, videoHeight))
    const canvas = this.spare.pop() ?? element("canvas")
    const width = (canvas.width = Math.round(videoWidth * scale))
    const height = (canvas.height = Math.round(videoHeight * scale))
    canvas.getContext("2d", { alpha: false })?.drawImage(this.video, 0, 0, width, height)
    const sent = { seq: ++this.seq, at, width, height, canvas }
    this.onTheirWay.push(sent)
    canvas.toBlob(
      (jpeg) => {
        if (!jpeg || !this.onTheirWay.includes(sent)) return
        const header = new TextEncoder().encode(JSON.stringify({ seq: sent.seq, at_s: at / 1000 }))
        const length = new Uint8Array(4)
        new DataView(length.buffer).setUint32(0, header.length)
        if (this.connection.socket?.readyState === WebSocket.OPEN) this.connection.socket.send(new Blob([length, header, jpeg]))
      },
      "image/jpeg",
      0.8,
    )
  }

  /** @param {{on?: boolean, why?: string, seq?: number, faces: Moving[], took_ms?: number}} answer */
  hear(answer) {
    if (answer.on !== undefined) {
      this.welcome = answer.on
      if (!answer.on) this.stop(answer.why ?? "")
      return
    }
    if (answer.why) this.say(answer.why)
    const count = this.onTheirWay.findIndex((sent) => sent.seq === answer.seq) + 1
    if (!count || !this.stream) return
    const done = this.onTheirWay.splice(0, count)
    const sent = /** @type {Sent} */ (done.pop())
    if (this.look) this.spare.push(this.look.sent.canvas)
    this.spare.push(...done.map((one) => one.canvas))
    this.look = { sent, faces: answer.faces }
    if (this.inStep.checked) requestAnimationFrame(() => this.draw(0))
    this.tell(performance.now())
  }

  /** @param {number} now */
  tell(now) {
    if (!this.look) return
    const { sent, faces } = this.look
    this.view.dataset.seq = String(sent.seq)
    this.view.dataset.age = String(Math.round(now - sent.at))
    if (now - this.saidAt < SAID_EVERY_MS) return
    this.saidAt = now
    this.status.textContent = `${inWords(faces)}. Found ${Math.round(now - sent.at)} ms after the picture was taken.`
    this.screen.setAttribute("aria-label", `Your camera, ${inWords(faces)}`)
  }

  /** The newest faces: over their own picture, or over the newest one, moved on to where they should be by then. */
  draw(/** @type {number} */ at) {
    if (!this.look) return this.boxes.replaceChildren()
    const { sent, faces } = this.look
    if (this.inStep.checked) {
      this.shown.width = sent.width
      this.shown.height = sent.height
      this.shown.getContext("2d", { alpha: false })?.drawImage(sent.canvas, 0, 0)
    }
    const late = this.inStep.checked ? 0 : Math.max(0, (at || sent.at) - sent.at) / 1000
    const moved = Math.min(late, LONGEST_GUESS_S)
    drawFaces(this.boxes, sent.width, sent.height, late > 2 * LONGEST_GUESS_S ? [] : faces, ({ box, velocity }) => {
      const [x1, y1, x2, y2] = box.map((/** @type {number} */ value, /** @type {number} */ side) => value + velocity[side % 2] * moved)
      return this.mirrored.checked ? [sent.width - x2, y1, sent.width - x1, y2] : [x1, y1, x2, y2]
    })
  }
}
