// `import '@holdfast/express/augment'` once, and every request has `req.holdfast`. Without it nothing global is touched.

import { augmentRequests, type HoldfastContext } from './context.ts';

// Express declares its request this way.
declare global {
  namespace Express {
    interface Request {
      /** Set by `holdfastExpress`. */
      readonly holdfast: HoldfastContext;
    }
  }
}

augmentRequests();
