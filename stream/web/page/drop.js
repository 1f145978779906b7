// Photos and videos that are dropped on the page or chosen: sent one after another, and what becomes of each.

import { drawFaces, element, inWords, overlay } from "./guest_parts.js"

const MOST_THERE = 8 // as many as may wait their turn
let made = 0

/** @typedef {{id: string, ref: string, name: string, state: string, kind: string, why: string, notes: string[], frames: number,
 *   of_frames: number | null, width: number, height: number, faces: import("./types.js").Face[]}} Job */

export class Files {
  /**
   * @param {import("./connection.js").Connection} connection
   * @param {(words: string) => void} say
   */
  constructor(connection, say) {
    this.connection = connection
    this.say = say
    this.key = ""
    this.largest = Infinity
    this.closed = false
    /** @type {Map<string, Item>} */
    this.items = new Map()
    /** @type {Item[]} */
    this.toSend = []
    /** @type {Item | null} */
    this.sending = null
    const input = element("input", { type: "file", multiple: true, accept: "image/*,video/*,.heic,.heif,.mkv,.ts", hidden: true })
    input.onchange = () => {
      this.take(input.files)
      input.value = ""
    }
    const button = element("button", { type: "button", onclick: () => input.click() }, "Choose photos or videos")
    this.choose = element("p", {}, button, input, " or drop them on this page.")
    this.list = element("ul", { className: "files" })
    addEventListener("dragover", (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return
      event.preventDefault()
      document.body.classList.toggle("dropping", !this.closed)
    })
    addEventListener("dragleave", (event) => event.relatedTarget || document.body.classList.remove("dropping"))
    addEventListener("drop", (event) => {
      document.body.classList.remove("dropping")
      if (!event.dataTransfer?.files.length) return
      event.preventDefault()
      this.take(event.dataTransfer.files)
    })
  }

  get empty() {
    return !this.list.children.length
  }

  /** @param {FileList | null} files */
  take(files) {
    if (this.closed) return
    for (const file of files ?? []) {
      const item = new Item(this, file)
      this.items.set(item.ref, item)
      this.list.prepend(item.element)
      if (file.size > this.largest) item.fail(`It is larger than ${Math.floor(this.largest / 2 ** 20)} MiB.`)
      else this.toSend.push(item)
    }
    this.sendNext()
  }

  sendNext() {
    const there = [...this.items.values()].filter((item) => item.id && !item.over).length
    if (!this.key || this.sending || there >= MOST_THERE) return
    const item = (this.sending = this.toSend.shift() ?? null)
    if (!item?.file) return
    const request = (item.request = new XMLHttpRequest())
    request.open("POST", `upload?${new URLSearchParams({ page: this.key, name: item.name, ref: item.ref })}`)
    request.upload.onprogress = ({ loaded, total }) => item.progress("Being sent", loaded, total)
    request.onloadend = () => {
      this.sending = item.request = item.file = null
      if (request.status !== 202) item.fail(request.responseText || "The connection was lost while it was being sent.")
      this.sendNext()
    }
    item.progress("Being sent", 0, null)
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
  /**
   * @param {Files} files
   * @param {File} file
   */
  constructor(files, file) {
    const { name } = file
    this.files = files
    this.name = name
    /** @type {File | null} */
    this.file = file
    this.ref = String(++made)
    this.id = ""
    this.over = false
    /** @type {XMLHttpRequest | null} */
    this.request = null
    this.words = element("span", { className: "figures" }, "Waits to be sent")
    this.bar = element("progress", { hidden: true })
    this.bar.setAttribute("aria-label", `Progress of ${name}`)
    this.button = element("button", { type: "button", onclick: () => this.cancel() })
    this.label("Cancel")
    this.result = element("div")
    const head = element("div", { className: "actions" }, element("strong", {}, name), this.words, this.bar, this.button)
    this.element = element("li", {}, head, this.result)
  }

  /** @param {string} what the button does */
  label(what) {
    this.button.textContent = what
    this.button.setAttribute("aria-label", `${what}: ${this.name}`)
  }

  cancel() {
    this.files.toSend = this.files.toSend.filter((one) => one !== this)
    this.request?.abort()
    if (this.id) this.files.connection.say({ type: "cancel", job: this.id })
    this.remove()
    this.files.say(`${this.name}: removed.`)
    this.files.sendNext()
  }

  remove() {
    this.files.items.delete(this.ref)
    this.element.remove()
  }

  /** @param {string} why */
  fail(why) {
    if (this.over || !this.element.isConnected) return
    this.end(why.replace(`${this.name}: `, ""))
  }

  /** @param {string} words */
  end(words) {
    this.over = true
    this.words.textContent = words
    this.bar.hidden = true
    this.label("Remove")
    this.files.say(`${this.name}: ${words}`)
  }

  /**
   * @param {string} words
   * @param {number} done
   * @param {number | null} of
   */
  progress(words, done, of) {
    this.bar.hidden = false
    if (of) {
      this.bar.max = of
      this.bar.value = Math.min(done, of)
    } else this.bar.removeAttribute("value")
    this.words.textContent = of ? `${words}: ${Math.min(100, Math.floor((100 * done) / of))} %` : words
  }

  /** @param {Job} job */
  hear(job) {
    this.id = job.id
    if (job.state === "failed") this.fail(job.why)
    else if (job.state === "waiting") this.progress("Waits its turn", 0, null)
    else if (job.state === "running") this.progress("Looking for faces", job.frames, job.kind === "video" ? job.of_frames : null)
    else if (job.state === "done" && !this.over) this.finish(job)
  }

  /** @param {Job} job */
  finish(job) {
    const address = `result?job=${encodeURIComponent(job.id)}`
    if (job.kind === "photo") {
      const boxes = overlay()
      drawFaces(boxes, job.width, job.height, job.faces)
      const picture = element("img", { src: address, alt: `${this.name}: ${inWords(job.faces)}`, width: job.width, height: job.height })
      this.result.replaceChildren(element("div", { className: "screen" }, picture, boxes))
      this.end(inWords(job.faces))
    } else {
      this.result.replaceChildren(element("a", { href: address, download: "", className: "button" }, `Download ${this.name} with its faces`))
      this.end(`Done: ${job.frames} pictures`)
    }
    this.result.append(...job.notes.map((note) => element("p", {}, note)))
  }
}
