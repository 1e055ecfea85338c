// What the tests use of it. Its own types would make another variant of @trpc/server, whose types do not fit those of the others.

declare module 'ws' {
  import type { EventEmitter } from 'node:events';

  export class WebSocketServer extends EventEmitter {
    constructor(options: { port: number; host: string });
    readonly clients: ReadonlySet<{ terminate(): void }>;
    address(): unknown;
    close(done: (error?: Error) => void): void;
  }
}
