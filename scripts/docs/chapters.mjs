// Every chapter says the same five things in the same order, so that readers find their place.

import { headingsOf } from './pages.mjs';

const chapters = ['taxonomy', 'sdk-retries', 'retries', 'streams', 'breaker', 'degradation', 'timeouts'];
const order = ['What fails', 'What the SDK does', 'What Holdfast does', 'Options', 'Shown by'];

export function checkChapters(pages) {
  return chapters.flatMap((chapter) => {
    const path = `docs/${chapter}.md`;
    const found = headingsOf(pages.get(path) ?? '')
      .filter(({ level }) => level === 2)
      .map(({ title }) => title);
    return found.join() === order.join() ? [] : [`${path}: its headings are ${found.join(', ') || 'none'}; wanted: ${order.join(', ')}`];
  });
}
