// What a page brings to the run: the browser's own camera, and photos and videos that are dropped on it or chosen.

import { Files } from "./drop.js"
import { element } from "./dom.js"
import { Webcam } from "./webcam.js"

/** @param {import("./connection.js").Connection} connection */
export function startGuest(connection) {
  const said = element("p", { role: "status", className: "said" })
  /** @param {string} words */
  const say = (words) => void (said.textContent = words)
  const why = element("p")
  const webcam = new Webcam(connection, say)
  const files = new Files(connection, say)
  const actions = element("div", { className: "actions", hidden: true }, webcam.begin, files.choose)
  const title = element("h2", { id: "guest-title" }, "Your camera, photos and videos")
  const section = document.getElementById("guest")
  section?.classList.add("guest")
  section?.setAttribute("aria-labelledby", title.id)
  section?.append(title, why, actions, said)
  document.querySelector("main")?.append(element("div", { className: "guest" }, webcam.view, files.list))

  let key = ""
  /** @type {WebSocket | null} */
  let greeted = null
  connection.on("state", ({ guests }) => {
    why.textContent = guests.why_not
    actions.hidden = files.closed = Boolean(guests.why_not)
    files.largest = guests.largest
    if (greeted === connection.socket) return
    greeted = connection.socket
    connection.say({ type: "guest", key })
  })
  connection.on("guest", (answer) => {
    if (key !== answer.key) files.forget()
    files.key = key = answer.key
    files.sendNext()
    webcam.resume()
  })
  connection.on("webcam", (answer) => webcam.hear(answer))
  connection.on("job", (job) => files.hear(job))
  connection.on("refused", ({ what, why }) => {
    if (what === "webcam") webcam.stop(why)
    else if (what === "picture" && webcam.welcome) say(why)
  })
}
