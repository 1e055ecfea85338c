// Closes the connections of a server, also of one that cannot do it itself: an HTTP/2 server has sessions, and its `close`
// waits for every one of them.

/** The part of a server that has connections. HTTP/1 servers have all of it, HTTP/2 servers tell of sessions instead. */
export interface ServerWithConnections {
  closeIdleConnections?(): void;
  closeAllConnections?(): void;
  on?(event: 'session' | 'connection', listener: (opened: Opened) => void): unknown;
}

export interface Connections {
  /** Ends what is idle; HTTP/2 sessions take no new requests and end with their last one. */
  closeIdle(): void;
  /** Destroys what is left. */
  closeAll(): void;
}

interface Opened {
  once(event: 'close', listener: () => void): unknown;
  close?(): void;
  destroy(): void;
}

/** Watches from now on: sessions that were opened before are not known. */
export function watchConnections(server: ServerWithConnections): Connections {
  const sessions = watch(server, 'session');
  const sockets = server.closeAllConnections ? new Set<Opened>() : watch(server, 'connection');
  return {
    closeIdle() {
      server.closeIdleConnections?.();
      for (const session of sessions) session.close?.();
    },
    closeAll() {
      server.closeAllConnections?.();
      for (const opened of [...sessions, ...sockets]) opened.destroy();
    },
  };
}

function watch(server: ServerWithConnections, event: 'session' | 'connection'): Set<Opened> {
  const opened = new Set<Opened>();
  server.on?.(event, (one: Opened) => {
    opened.add(one);
    one.once('close', () => opened.delete(one));
  });
  return opened;
}
