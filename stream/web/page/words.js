// Faces and times in words.

const LANDMARKS = ["left eye", "right eye", "nose", "left mouth corner", "right mouth corner"]

/**
 * @param {number} seconds
 * @returns {string}
 */
export function lasting(seconds) {
  if (seconds < 1) return `${Math.max(0, Math.round(seconds * 1000))}\u00a0ms`
  if (seconds < 60) return `${Math.floor(seconds)}\u00a0s`
  const minutes = Math.floor(seconds / 60)
  return minutes < 60 ? `${minutes}\u00a0min` : `${Math.floor(minutes / 60)}\u00a0h ${minutes % 60}\u00a0min`
}

/**
 * @param {number} secondsAgo
 * @returns {string} the time of day, with the date where that was not today
 */
export function clockTime(secondsAgo) {
  const then = new Date(Date.now() - 1000 * secondsAgo)
  return then.toDateString() === new Date().toDateString() ? then.toLocaleTimeString() : then.toLocaleString()
}

/** @param {number} count */
export function counted(count) {
  return count === 1 ? "1 face" : `${count || "no"} faces`
}

/** @param {number | null | undefined} share */
const percent = (share) => (share === null || share === undefined ? "" : `${Math.round(100 * share)}%`)

/**
 * All that is known of a face; what nobody asked for is left out.
 * @param {import("./types.js").Face} face
 * @returns {[string, string][]}
 */
export function details(face) {
  /** @type {[string, string][]} */
  const all = [
    ["Person", face.person?.name ?? (face.person ? "nobody who is known" : face.person === null ? "not decided yet" : "")],
    ["Label", face.label ?? ""],
    ["Probability", percent(face.probability)],
    ["Certainty", percent(face.certainty)],
    ["Score", face.score.toFixed(2)],
    ["Track", face.track ? `#${face.track}` : ""],
    ["Seen for", face.track ? (face.age_s < 1 ? "less than 1\u00a0s" : lasting(face.age_s)) : ""],
    ["Place", face.state],
    ["Landmarks", face.landmarks.map(([x, y], place) => `${LANDMARKS[place]} ${Math.round(x)}, ${Math.round(y)}`).join("; ")],
  ]
  return all.filter(([, value]) => value)
}

/**
 * What stands below a face's words in the list.
 * @param {import("./types.js").Face} face
 */
export function inShort(face) {
  const certain = face.certainty === undefined ? "" : `certainty ${percent(face.certainty)}`
  const age = face.track && face.age_s >= 1 ? `seen for ${lasting(face.age_s)}` : ""
  const guessed = face.state === "predicted" ? "place predicted" : ""
  return [`score ${face.score.toFixed(2)}`, certain, age, guessed].filter(Boolean).join(", ")
}

/**
 * How many faces with which names or labels: what is worth saying again only when it has changed.
 * @param {import("./types.js").Face[]} faces
 */
export function summary(faces) {
  const labels = [...new Set(faces.map((face) => (face.person ? (face.person.name ?? "unknown") : face.label)).filter(Boolean))].sort()
  return counted(faces.length) + (labels.length ? ` (${labels.join(", ")})` : "")
}

/**
 * The same face in the next picture has the same key.
 * @param {import("./types.js").Face} face
 * @param {number} place
 */
export function keyOf(face, place) {
  return face.track ? `#${face.track}` : `${place}`
}
