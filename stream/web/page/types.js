// What the server sends, for the type checker.

/**
 * @typedef {{name: string, live: boolean, still: boolean, state: string, no_signal: boolean, silent_s: number, cause: string,
 *   width: number, height: number, now: number, paused?: boolean, recording?: boolean | null}} Camera
 * @typedef {{type: "state", cameras: Camera[], people?: boolean}} State
 * @typedef {{box: [number, number, number, number], score: number, landmarks: [number, number][], track: number | null,
 *   label?: string, probability?: number | null, certainty?: number, person?: {name: string | null, score: number, looks: number} | null,
 *   state: string, age_s: number, words: string, color: string}} Face
 * @typedef {{camera: string, seq: number, captured_at: number, width: number, height: number, status: string, faces: Face[],
 *   hidden_faces?: number}} Header
 * @typedef {{header: Header, jpeg: Uint8Array<ArrayBuffer>}} Picture
 */

export {}
