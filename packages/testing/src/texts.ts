// What the fake model has to say: long, known, and different for every seed.

import { seededRandom } from './seeded-random.ts';

const subjects = [
  'The harbour master',
  'A lighthouse keeper',
  'The night ferry',
  'An old cartographer',
  'The tide',
  'Her apprentice',
  'A flock of terns',
  'The winter storm',
  'The signal lamp',
  'Nobody on the pier',
];
const verbs = ['kept', 'remembered', 'carried', 'measured', 'mended', 'followed', 'waited for', 'counted', 'described', 'outlasted'];
const objects = [
  'the brass instruments',
  'a ledger of arrivals',
  'every rope on the quay',
  'the long way home',
  'two letters from the north',
  'the colour of the water',
  'a bell without a tongue',
  'the last train inland',
  'seven kinds of fog',
  'the names of the boats',
];
const endings = [
  'before the first frost',
  'while the kettle sang',
  'as if nothing had happened',
  'until the lamps went out',
  'with great patience',
  'in spite of the wind',
  'and told no one',
  'for the third year running',
  'beneath the customs house',
  'at a quarter past four',
];
const exotic = [
  '“Så er det sagt,” she wrote — naïve café, ½ price.',
  '風が強く、港は静かだった。',
  'The sign read “выход 🚪” and, below it, 👩‍👩‍👧‍👦 in chalk.',
  'Zürich, Łódź, São Paulo: e\u0301te\u0301 with combining marks.',
  'A tab\there, a backslash \\ there, and a "quoted" word.',
];

/** `sentences` sentences of plain prose in paragraphs. The same seed gives the same text. */
export function prose(seed: number, sentences = 24): string {
  const random = seededRandom(seed);
  const pick = (from: readonly string[]): string => from[Math.floor(random() * from.length)] as string;
  let text = '';
  for (let i = 0; i < sentences; i += 1) {
    text += `${pick(subjects)} ${pick(verbs)} ${pick(objects)} ${pick(endings)}.`;
    if (i < sentences - 1) text += i % 5 === 4 ? '\n\n' : ' ';
  }
  return text;
}

/** Prose with what breaks naive code: several bytes per character, combining marks, joined emoji, escapes. */
export function multiByteProse(seed: number, sentences = 12): string {
  const random = seededRandom(seed + 1);
  return prose(seed, sentences)
    .split(/(?<=\.) /)
    .map((sentence) => (random() < 0.6 ? `${sentence} ${exotic[Math.floor(random() * exotic.length)]}` : sentence))
    .join(' ');
}
