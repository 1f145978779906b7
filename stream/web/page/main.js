// Starts the page: logs in, connects, shows every camera.

import { Cameras } from "./cameras.js"
import { Connection } from "./connection.js"
import { startControls } from "./controls.js"
import { byId, say } from "./dom.js"
import { startGuest } from "./guest.js"
import { logIn } from "./login.js"
import { startOptions } from "./options.js"
import { startPeople } from "./people.js"
import { startSpeech } from "./speech.js"

const connection = new Connection({
  state: (state) => cameras.tell(state),
  picture: (picture) => void cameras.tiles.get(picture.header.camera)?.take(picture),
  plain: (camera, askedAt, jpeg) => void cameras.tiles.get(camera)?.takePlain(askedAt, jpeg),
  note(words, apart = true) {
    say(byId("note"), words)
    document.body.classList.toggle("apart", apart && words !== "")
  },
  unknown: logIn,
})
const cameras = new Cameras(connection)
startOptions(() => cameras.redraw())
startSpeech(() => cameras.shown)
startControls(connection)
startPeople(connection, () => cameras.large)
startGuest(connection)
await logIn()
byId("options").hidden = false
connection.open()
