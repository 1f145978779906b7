// The browser's own camera, and photos and videos that are dropped on the page.

/** @param {import("./connection.js").Connection} connection */
export function startGuest(connection) {
  void connection
}
