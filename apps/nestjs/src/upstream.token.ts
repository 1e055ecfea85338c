/** Where the app asks; made once, in `main.ts`. */
export const upstreamToken = 'UPSTREAM';
