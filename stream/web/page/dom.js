// Elements, and changes of them that cost nothing where nothing changes.

/**
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, unknown>} properties
 * @param {(Node | string)[]} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties)
  made.append(...children)
  return made
}

/** @param {string} id */
export function byId(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id))
}

/**
 * @param {Node} node
 * @param {string} words
 */
export function say(node, words) {
  if (node.textContent !== words) node.textContent = words
}

/**
 * @param {Element} node
 * @param {string} name
 * @param {string} value
 */
export function set(node, name, value) {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value)
}
