// Photos and videos that are dropped on the page or chosen: sent one after another, and what becomes of each.

import { drawFaces, element, inWords, overlay } from "./guest_parts.js"

/** @typedef {{id: string, name: string, state: string, kind: string, why: string, notes: string[], frames: number,
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
      const item = new Item(this, file.name, file)
      this.list.prepend(item.element)
      if (file.size > this.largest) item.fail(`It is larger than ${Math.floor(this.largest / 2 ** 20)} MiB.`)
      else this.toSend.push(item)
    }
    this.sendNext()
  }

  sendNext() {
    if (this.sending) return
    const item = (this.sending = this.toSend.shift() ?? null)
    if (!item?.file) return
    const request = (item.request = new XMLHttpRequest())
    request.open("POST", `upload?page=${encodeURIComponent(this.key)}&name=${encodeURIComponent(item.name)}`)
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
    let item = this.items.get(job.id)
    if (!item) {
      if (job.state === "cancelled") return
      item = (job.state === "receiving" && this.sending) || new Item(this, job.name, null)
      item.id = job.id
      this.items.set(job.id, item)
      if (!item.element.isConnected) this.list.prepend(item.element)
    }
    item.hear(job)
  }

  /** The server knows nothing of them any more. */
  forget() {
    for (const item of this.items.values()) item.element.remove()
    this.items.clear()
  }
}

/** One file, from here to its result. */
class Item {
  /**
   * @param {Files} files
   * @param {string} name
   * @param {File | null} file
   */
  constructor(files, name, file) {
    this.files = files
    this.name = name
    this.file = file
    this.id = this.state = ""
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
    this.files.items.delete(this.id)
    this.element.remove()
    this.files.say(`${this.name}: removed.`)
  }

  /** @param {string} why */
  fail(why) {
    if (!this.element.isConnected || this.state === "failed") return
    this.state = "failed"
    this.words.textContent = why
    this.bar.hidden = true
    this.label("Remove")
    this.files.say(why.includes(this.name) ? why : `${this.name}: ${why}`)
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
    if (job.state === "cancelled") {
      this.files.items.delete(job.id)
      if (!this.request) this.element.remove()
    } else if (job.state === "failed") this.fail(job.why)
    else if (job.state === "waiting") this.progress("Waits its turn", 0, null)
    else if (job.state === "running") this.progress("Looking for faces", job.frames, job.kind === "video" ? job.of_frames : null)
    else if (job.state === "done" && this.state !== "done") this.finish(job)
  }

  /** @param {Job} job */
  finish(job) {
    this.state = "done"
    this.bar.hidden = true
    this.label("Remove")
    const address = `result?job=${encodeURIComponent(job.id)}`
    if (job.kind === "photo") {
      const boxes = overlay()
      drawFaces(boxes, job.width, job.height, job.faces)
      const picture = element("img", { src: address, alt: `${this.name}: ${inWords(job.faces)}`, width: job.width, height: job.height })
      this.result.replaceChildren(element("div", { className: "screen" }, picture, boxes))
      this.words.textContent = inWords(job.faces)
    } else {
      this.result.replaceChildren(element("a", { href: address, download: "", className: "button" }, `Download ${this.name} with its faces`))
      this.words.textContent = `Done: ${job.frames} pictures`
    }
    this.result.append(...job.notes.map((note) => element("p", {}, note)))
    this.files.say(`${this.name}: ${this.words.textContent}`)
  }
}
