// Situations that are red today, and the harm they show. The aim is that there are none.

export const knownRed: Readonly<Record<string, string>> = {
  'What a stream may hold: stop reason null': 'lost, asked',
  'What a stream may hold: no message_delta': 'lost, asked',
  'What a stream may hold: heal: false, byte for byte': 'wrong',
};
