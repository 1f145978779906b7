// What a user may change while it runs.

/** @param {import("./connection.js").Connection} connection */
export function startControls(connection) {
  void connection
}
