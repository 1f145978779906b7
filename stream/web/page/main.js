// Starts the page: logs in, connects, shows every camera.

import { Cameras } from "./cameras.js"
import { Connection } from "./connection.js"
import { startControls } from "./controls.js"
import { byId } from "./dom.js"
import { startGuest } from "./guest.js"
import { logIn } from "./login.js"
import { startOptions } from "./options.js"
import { startPeople } from "./people.js"
import { startSpeech } from "./speech.js"

const connection = new Connection({
  state: (state) => cameras.tell(state.cameras),
  picture: (picture) => void cameras.tiles.get(picture.header.camera)?.take(picture),
  note(words) {
    byId("note").textContent = words
    document.body.classList.toggle("apart", words !== "")
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
