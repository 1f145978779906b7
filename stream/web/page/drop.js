// Photos and videos that are dropped on the page or chosen: sent one after another, and what becomes of each.

import { element } from "./dom.js"
import { drawFaces, inWords, overlay } from "./guest_parts.js"

const MOST_THERE = 8 // as many as may wait their turn
let made = 0

/** @typedef {{id: string, ref: string, state: string, kind: string, why: string, notes: string[], frames: number,
 *   of_frames: number | null, width: number, height: number, faces: import("./types.js").Face[]}} Job */

export class Files {
  key = ""
  largest = Infinity
  closed = false
  /** @type {Map<string, Item>} */
  items = new Map()
  /** @type {Item[]} */
  toSend = []
  /** @type {Item | null} */
  sending = null
  list = element("ul", { className: "files" })

  /** @param {import("./connection.js").Connection} connection @param {(words: string) => void} say */
  constructor(connection, say) {
    this.connection = connection
    this.say = say
    const input = element("input", { type: "file", multiple: true, accept: "image/*,video/*,.heic,.heif,.mkv,.ts", hidden: true })
    input.onchange = () => {
      this.take(input.files)
      input.value = ""
    }
    const button = element("button", { type: "button", onclick: () => input.click() }, "Choose photos or videos")
    this.choose = element("p", {}, button, input, " or drop them on this page.")
    /** @param {DragEvent} event @param {boolean} over */
    const drag = (event, over) => {
      document.body.classList.toggle("dropping", over && !this.closed)
      const files = event.dataTransfer?.types.includes("Files")
      if (files) event.preventDefault()
      return files
    }
    addEventListener("dragover", (event) => drag(event, true))
    addEventListener("dragleave", (event) => drag(event, Boolean(event.relatedTarget)))
    addEventListener("drop", (event) => drag(event, false) && this.take(event.dataTransfer?.files))
  }

  /** @param {FileList | null | undefined} files */
  take(files) {
    if (this.closed) return
    for (const file of files ?? []) {
      const item = new Item(this, file)
      this.items.set(item.ref, item)
      this.list.prepend(item.element)
      if (file.size > this.largest) item.end(`It is larger than ${Math.floor(this.largest / 2 ** 20)} MiB.`)
      else this.toSend.push(item)
    }
    this.sendNext()
  }

  sendNext() {
    const there = [...this.items.values()].filter((item) => item.id && !item.over).length
    if (!this.key || this.sending || there >= MOST_THERE) return
    const item = (this.sending = this.toSend.shift() ?? null)
    if (!item) return
    const request = (item.request = new XMLHttpRequest())
    request.open("POST", `upload?${new URLSearchParams({ page: this.key, name: item.name, ref: item.ref })}`)
    request.setRequestHeader("Content-Type", "application/octet-stream") // what is in it counts, not what the browser thinks
    request.upload.onprogress = ({ loaded, total }) => item.progress("Being sent", loaded, total)
    request.onloadend = () => {
      this.sending = item.request = null
      if (request.status !== 202) item.end(request.responseText || "The connection was lost while it was being sent.")
      this.sendNext()
    }
    request.send(item.file)
  }

  /** @param {Job} job */
  hear(job) {
    this.items.get(job.ref)?.hear(job)
    this.sendNext()
  }

  /** The server knows nothing of them any more. */
  forget() {
    for (const item of this.items.values()) if (item.id) item.remove()
  }
}

/** One file, from here to its result. */
class Item {
  id = ""
  ref = String(++made)
  over = false
  /** @type {XMLHttpRequest | null} */
  request = null
  result = element("div")
  words = element("span", {}, "Waits to be sent")
  bar = element("progress", { hidden: true })
  button = element("button", { type: "button", onclick: () => this.cancel() })

  /** @param {Files} files @param {File} file */
  constructor(files, file) {
    this.files = files
    this.file = file
    this.name = file.name
    this.bar.ariaLabel = `Progress of ${file.name}`
    this.label("Cancel")
    const head = element("div", { className: "actions" }, element("strong", {}, file.name), this.words, this.bar, this.button)
    this.element = element("li", {}, head, this.result)
  }

  /** @param {string} what the button does */
  label(what) {
    this.button.textContent = what
    this.button.ariaLabel = `${what}: ${this.name}`
  }

  cancel() {
    const { files } = this
    files.toSend = files.toSend.filter((one) => one !== this)
    this.remove()
    this.request?.abort()
    if (this.id) files.connection.say({ type: "cancel", job: this.id })
    files.choose.querySelector("button")?.focus()
    files.say(`${this.name}: removed.`)
    files.sendNext()
  }

  remove() {
    this.files.items.delete(this.ref)
    this.element.remove()
  }

  /** @param {string} words what came of it */
  end(words) {
    if (this.over || !this.element.isConnected) return
    this.over = this.bar.hidden = true
    this.words.textContent = words.replace(`${this.name}: `, "")
    this.label("Remove")
    this.files.say(`${this.name}: ${this.words.textContent}`)
  }

  /** @param {string} words @param {number} [done] @param {number | null} [of] */
  progress(words, done = 0, of = null) {
    this.bar.hidden = false
    this.words.textContent = words
    if (!of) return this.bar.removeAttribute("value")
    this.bar.max = of
    this.bar.value = Math.min(done, of)
    this.words.append(`: ${Math.floor(100 * this.bar.position)} %`)
  }

  /** @param {Job} job */
  hear(job) {
    this.id = job.id
    if (job.state === "waiting") this.progress("Waits its turn")
    else if (job.state === "running") this.progress("Looking for faces", job.frames, job.kind === "video" ? job.of_frames : null)
    else if (job.state === "failed") this.end(job.why)
    else if (job.state === "done" && !this.over) this.finish(job)
  }

  /** @param {Job} job */
  finish(job) {
    const address = `result?job=${job.id}`
    if (job.kind === "photo") {
      const { width, height } = job
      const words = inWords(job.faces)
      const boxes = overlay()
      drawFaces(boxes, width, height, job.faces)
      const picture = element("img", { src: address, alt: `${this.name}: ${words}`, width, height })
      this.result.replaceChildren(element("div", { className: "screen" }, picture, boxes))
      this.end(words)
    } else {
      this.result.replaceChildren(element("a", { href: address, download: "", className: "button" }, `Download ${this.name} with its faces`))
      this.end(`Done: ${job.frames} pictures`)
    }
    this.result.append(...job.notes.map((note) => element("p", {}, note)))
  }
}
