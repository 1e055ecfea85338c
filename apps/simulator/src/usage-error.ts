// A mistake on the command line: its message is all there is to say about it.

export class UsageError extends Error {}
