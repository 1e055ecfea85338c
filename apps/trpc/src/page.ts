// The page of the other sample apps, speaking tRPC: the same words over another wire.

import { page as sharedPage } from '@holdfast/chat-page';

/** Replaces the page's requests by tRPC's: questions over fetch, the answer as a subscription over EventSource. */
const overTrpc = `
const call = async (path, type, input) => {
  const body = JSON.stringify(input);
  const reply = type === 'query' ? await fetch('/trpc/' + path + (input === undefined ? '' : '?input=' + encodeURIComponent(body))) : await fetch('/trpc/' + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  const { result, error } = await reply.json();
  if (error) throw new Error(error.message);
  return result.data;
};
let operationId;
`;

const reader = `
async function read(answer) {
  operationId = crypto.randomUUID();
  await call('ask', 'mutation', { messages: history, operationId });
  return new Promise((resolve, reject) => {
    const source = new EventSource('/trpc/answer?input=' + encodeURIComponent(JSON.stringify({ operationId })));
    const end = (settle, value) => { source.close(); settle(value); };
    source.onmessage = ({ data }) => {
      const event = JSON.parse(data);
      if (event.type === 'text') answer.append(event.text);
      if (event.type === 'end') end(resolve, operationId);
      if (event.type === 'error') end(reject, new Error(event.message));
    };
    source.addEventListener('serialized-error', () => end(reject, new Error('That did not work.')));
    source.addEventListener('return', () => end(resolve, operationId));
  });
}
</script>`;

export function page(title: string): string {
  return sharedPage(title)
    .replace('const history = [];', `${overTrpc}const history = [];`)
    .replace("await (await fetch('/demo/switches')).json()", "await call('switches', 'query')")
    .replace("await fetch('/demo/switches/' + name, { method: 'POST' })", "await call('flip', 'mutation', name)")
    .replace(
      "(await (await fetch('/demo/calls/' + encodeURIComponent(callId))).json()).summary",
      "(await call('took', 'query', callId))?.summary ?? ''",
    )
    .replace(/async function read\(answer\)[\s\S]*<\/script>/, () => reader.trimStart());
}
