// Holds the README files and the docs against the code: snippets compile, links and tests are there, options and their defaults
// are as said, chapters are complete, and the API reference is the one that would be made now.

import { checkApi } from './docs/api.mjs';
import { checkChapters } from './docs/chapters.mjs';
import { checkLinks } from './docs/links.mjs';
import { checkOptions } from './docs/options.mjs';
import { readPages } from './docs/pages.mjs';
import { checkSnippets } from './docs/snippets.mjs';

const pages = readPages();
const snippets = await checkSnippets(pages);
const options = await checkOptions(pages);
const problems = [...snippets.problems, ...checkLinks(pages), ...checkChapters(pages), ...options.problems, ...checkApi()];
for (const problem of problems) console.error(problem);
console.log(
  `docs: ${pages.size} pages, ${snippets.compiled} snippets compile, ${snippets.ran} of them ran, ${options.checked} options, ${problems.length} problems`,
);
process.exitCode = problems.length === 0 ? 0 : 1;
