// The token: from the page's address or a form, exchanged for a cookie that no script can read.

/** Resolves once the server knows us. */
export async function logIn() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token")
  if (token !== null) {
    history.replaceState(null, "", location.pathname + location.search)
    if (await say(token)) return true
  }
  const known = (await (await fetch("session")).json()).known
  return known || ask()
}

/**
 * @param {string} token
 * @returns {Promise<boolean>}
 */
async function say(token) {
  const headers = { "Content-Type": "application/json" }
  return (await fetch("login", { method: "POST", headers, body: JSON.stringify({ token }) })).ok
}

/** @returns {Promise<boolean>} */
function ask() {
  const form = /** @type {HTMLFormElement} */ (document.getElementById("login"))
  const field = /** @type {HTMLInputElement} */ (document.getElementById("token"))
  form.hidden = false
  return new Promise((resolve) => {
    form.addEventListener("submit", async (event) => {
      event.preventDefault()
      if (!(await say(field.value.trim()))) return
      form.hidden = true
      resolve(true)
    })
  })
}
