// What the sample apps share.

export { cannotListen } from './listen.ts';
export { logger } from './log.ts';
export { prometheus } from './metrics.ts';
export { page } from './page.ts';
export { appOptions, summaryOf, upstream, type Switch, type Upstream } from './upstream.ts';
