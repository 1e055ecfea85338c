// What a person is told when a sample app cannot start.

/** Says in one line why the app cannot listen, and ends it. */
export function cannotListen(error: Error & { readonly code?: string; readonly port?: number }): never {
  if (error.code === 'EADDRINUSE') console.error(`Port ${error.port} is in use. Choose another: PORT=${Number(error.port) + 1}`);
  else console.error(`The app cannot listen: ${error.message}`);
  process.exit(1);
}
