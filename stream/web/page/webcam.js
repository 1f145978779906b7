// The browser's own camera: its pictures go to the server, never more than two at a time, and the faces of each come back.

import { element } from "./dom.js"
import { drawFaces, inWords, overlay } from "./guest_parts.js"

const MOST_ON_THEIR_WAY = 2
const LARGEST_PX = 960
const LOST_AFTER_MS = 5000
const LONGEST_GUESS_S = 0.5
const SAID_EVERY_MS = 1000
const NO_CAMERA =
  "Browsers give no camera to a page that comes by http from another machine. Start facestream with --web-tls self-signed " +
  "(or --web-cert and --web-key) and open its https address, or open this page on that machine itself."
/** @type {Record<string, string>} */
const CAUSES = {
  NotAllowedError: "The browser may not use the camera: allow it beside the page's address, then try again.",
  NotFoundError: "There is no camera on this device.",
  NotReadableError: "The camera cannot be used; perhaps another program has it.",
}

/** @typedef {{seq: number, at: number, width: number, height: number, canvas: HTMLCanvasElement}} Sent */
/** @typedef {import("./types.js").Face & {velocity: [number, number]}} Moving */

export class Webcam {
  welcome = false
  seq = 0
  saidAt = -Infinity
  /** @type {MediaStream | null} */
  stream = null
  /** @type {Sent[]} */
  onTheirWay = []
  /** @type {HTMLCanvasElement[]} */
  spare = []
  /** @type {{sent: Sent, faces: Moving[]} | null} */
  look = null

  /** @param {import("./connection.js").Connection} connection @param {(words: string) => void} say */
  constructor(connection, say) {
    this.connection = connection
    this.say = say
    this.button = element("button", { type: "button", onclick: () => this.start() }, "Use my camera")
    this.begin = navigator.mediaDevices ? this.button : element("p", {}, NO_CAMERA)
    this.video = element("video", { muted: true, playsInline: true, autoplay: true })
    this.shown = element("canvas", { hidden: true })
    this.boxes = overlay()
    this.screen = element("div", { className: "screen mirrored", role: "img", ariaLabel: "Your camera" }, this.video, this.shown, this.boxes)
    const redraw = () => {
      this.screen.classList.toggle("mirrored", this.mirrored.checked)
      this.shown.hidden = !this.inStep.checked
      this.draw()
    }
    this.mirrored = element("input", { type: "checkbox", checked: true, onchange: redraw })
    this.inStep = element("input", { type: "checkbox", onchange: redraw })
    const controls = element(
      "div",
      { className: "actions" },
      element("button", { type: "button", onclick: () => this.stop("Your camera is off.") }, "Stop my camera"),
      element("label", {}, this.mirrored, "Mirrored"),
      element("label", {}, this.inStep, "In step: the very picture that was looked at, a little later"),
    )
    this.status = element("p")
    this.view = element("div", { hidden: true, className: "webcam" }, this.screen, controls, this.status)
  }

  async start() {
    this.button.disabled = true
    try {
      const video = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } }
      this.stream = await navigator.mediaDevices.getUserMedia({ video })
    } catch (error) {
      this.button.disabled = false
      const { name, message } = /** @type {DOMException} */ (error)
      return this.say(CAUSES[name] ?? `The camera cannot be used: ${message}`)
    }
    this.stream.getVideoTracks()[0].onended = () => this.stop("Your camera was taken away.")
    this.video.srcObject = this.stream
    this.button.hidden = true
    this.view.hidden = false
    this.view.scrollIntoView({ block: "nearest" }) // browsers decode no video that is not in sight
    this.say("Your camera is on.")
    this.resume()
    this.next()
  }

  /** Begins on this connection; the one before may have broken off. */
  resume() {
    this.welcome = false
    this.lost()
    if (this.stream) this.connection.say({ type: "webcam", on: true })
  }

  /** @param {string} words */
  stop(words) {
    if (!this.stream) return
    this.connection.say({ type: "webcam", on: false })
    for (const track of this.stream.getTracks()) track.stop()
    this.stream = this.video.srcObject = this.look = null
    this.lost()
    const hadFocus = this.view.contains(document.activeElement)
    this.view.hidden = true
    this.button.hidden = this.button.disabled = false
    if (hadFocus) this.button.focus()
    this.say(words)
  }

  /** Nothing that was sent will be answered. */
  lost() {
    this.spare.push(...this.onTheirWay.splice(0).map((sent) => sent.canvas))
  }

  next() {
    this.video.requestVideoFrameCallback((now, about) => this.came(about.captureTime ?? now))
  }

  /** @param {number} at when the newest picture was taken, ms */
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
    /** @param {Blob | null} jpeg */
    const encoded = (jpeg) => {
      if (!jpeg || !this.onTheirWay.includes(sent)) return
      const header = JSON.stringify({ seq: sent.seq, at_s: at / 1000 }) // in ASCII
      const length = new Uint8Array([0, 0, 0, header.length])
      const { socket } = this.connection
      if (socket?.readyState === WebSocket.OPEN) socket.send(new Blob([length, header, jpeg]))
    }
    canvas.toBlob(encoded, "image/jpeg", 0.8)
  }

  /** @param {{on?: boolean, why?: string, seq?: number, faces: Moving[], picture?: string, hides?: boolean}} answer */
  async hear({ on, why = "", seq, faces, picture, hides }) {
    if (on !== undefined) {
      this.welcome = on
      this.hides(Boolean(hides))
      if (!on) this.stop(why)
      return
    }
    if (why) this.say(why)
    const done = this.onTheirWay.splice(0, this.onTheirWay.findIndex((sent) => sent.seq === seq) + 1)
    const sent = done.pop()
    if (!sent || !this.stream) return
    if (this.look) done.push(this.look.sent)
    this.spare.push(...done.map((one) => one.canvas))
    this.hides(Boolean(picture))
    if (picture) await drawn(picture, sent.canvas)
    this.look = { sent, faces }
    if (this.inStep.checked) requestAnimationFrame(() => this.draw())
    const now = performance.now()
    const age = Math.round(now - sent.at)
    Object.assign(this.view.dataset, { seq, age })
    if (now - this.saidAt < SAID_EVERY_MS) return
    this.saidAt = now
    this.status.textContent = `Now ${inWords(faces)}, ${age} ms after the picture was taken.`
    this.screen.ariaLabel = `Your camera, ${inWords(faces)}`
  }

  /** Where faces are hidden nothing is shown but what comes back. @param {boolean} on */
  hides(on) {
    if (this.inStep.disabled === on) return
    this.video.hidden = this.inStep.disabled = on
    if (on) this.inStep.checked = true
    this.shown.hidden = !this.inStep.checked
  }

  /**
   * The newest faces: over their own picture, or over the newest one, moved on to where they should be by then.
   * @param {number} at when that was taken, ms
   */
  draw(at = 0) {
    if (!this.look) return this.boxes.replaceChildren()
    const { sent, faces } = this.look
    const { width, height, canvas } = sent
    if (this.inStep.checked) {
      this.shown.width = width
      this.shown.height = height
      this.shown.getContext("2d", { alpha: false })?.drawImage(canvas, 0, 0)
    }
    const late = Math.max(0, at - sent.at) / 1000
    const moved = Math.min(late, LONGEST_GUESS_S)
    drawFaces(this.boxes, width, height, late > 2 * LONGEST_GUESS_S ? [] : faces, ({ box: [x1, y1, x2, y2], velocity: [right, down] }) => {
      const left = this.mirrored.checked ? width - x2 - right * moved : x1 + right * moved
      return [left, y1 + down * moved, left + x2 - x1, y2 + down * moved]
    })
  }
}

/** @param {string} picture a JPEG in base64 @param {HTMLCanvasElement} canvas gets it */
async function drawn(picture, canvas) {
  const bytes = Uint8Array.from(atob(picture), (letter) => letter.charCodeAt(0))
  const image = await createImageBitmap(new Blob([bytes], { type: "image/jpeg" }))
  canvas.getContext("2d", { alpha: false })?.drawImage(image, 0, 0, canvas.width, canvas.height)
  image.close()
}
