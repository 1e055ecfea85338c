// Situations that are red today, and the harm they show. The aim is that there are none.

export const knownRed: Readonly<Record<string, string>> = {
  'What a stream may hold: tool input: two side by side, interleaved': 'lost, asked',
  'What a stream may hold: tool input: two, both stopped at the end': 'lost, asked',
  'What a stream may hold: message_start twice': 'lost, asked',
  'What a stream may hold: stop reason null': 'lost, asked',
  'What a stream may hold: no message_delta': 'lost, asked',
  'What a stream may hold: content in message_start': 'lost, asked',
  'What a stream may hold: a delta of null': 'lost, asked',
  'What a stream may hold: heal: false, byte for byte': 'wrong',
};
