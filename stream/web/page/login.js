// The token: from the page's address or a form, exchanged for a cookie that no script can read.

import { byId } from "./dom.js"

const form = byId("login")
const field = /** @type {HTMLInputElement} */ (byId("token"))
const wrong = byId("login-wrong")
const PAUSE_MS = 1000
const PATIENCE_MS = 5000 // a connection that was kept alive may be long dead

/** Resolves once the server knows us. */
export async function logIn() {
  const token = tokenIn(location.hash)
  if (token !== null) {
    history.replaceState(null, "", location.pathname + location.search)
    const why = await refusal(token)
    if (!why) return
    if (await known().catch(() => false)) return
    return ask(why)
  }
  for (;;) {
    try {
      return (await known()) ? undefined : ask("")
    } catch {
      await new Promise((again) => setTimeout(again, PAUSE_MS))
    }
  }
}

/** Whether the server knows us. Rejected where it cannot be asked. */
export async function known() {
  return Boolean((await (await fetch("session", { signal: AbortSignal.timeout(PATIENCE_MS) })).json()).known)
}

/** An address with a token in it, given to a page that is open. */
addEventListener("hashchange", () => tokenIn(location.hash) !== null && location.reload())

/** @param {string} text */
function tokenIn(text) {
  return new URLSearchParams(text.slice(text.indexOf("#") + 1)).get("token")
}

/**
 * @param {string} token
 * @returns {Promise<string>} why it was not taken; nothing if it was
 */
async function refusal(token) {
  try {
    const headers = { "Content-Type": "application/json" }
    const answer = await fetch("login", { method: "POST", headers, body: JSON.stringify({ token }) })
    return answer.ok ? "" : (await answer.text()) || `The server refuses it (${answer.status}).`
  } catch {
    return "The server cannot be reached."
  }
}

/**
 * @param {string} why it is asked again
 * @returns {Promise<void>}
 */
function ask(why) {
  form.hidden = false
  wrong.textContent = why
  field.focus()
  return new Promise((resolve) => {
    form.onsubmit = async (event) => {
      event.preventDefault()
      const given = field.value.trim()
      wrong.textContent = ""
      wrong.textContent = await refusal(tokenIn(given) ?? given)
      if (wrong.textContent) return field.select()
      field.value = ""
      form.hidden = true
      resolve()
    }
  })
}
