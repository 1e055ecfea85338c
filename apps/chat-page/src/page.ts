// The page of the sample apps: a chat whose answers render as they arrive, with a quiet line below each of what it took.

/** `streamPath`: where the page posts its messages; it answers in Anthropic's event stream. */
export const page = (title: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>
  :root { color-scheme: light dark; --line: color-mix(in srgb, CanvasText 16%, Canvas); --soft: color-mix(in srgb, CanvasText 60%, Canvas); --tint: color-mix(in srgb, CanvasText 5%, Canvas); --accent: #9a4a1c; }
  @media (prefers-color-scheme: dark) { :root { --accent: #e39a6b; } }
  * { box-sizing: border-box; }
  body { margin: 0; font: 17px/1.6 ui-serif, Georgia, serif; background: Canvas; color: CanvasText; }
  main { max-width: 44rem; min-height: 100vh; margin: 0 auto; padding: 1.5rem 1.25rem 9rem; }
  h1 { font-size: 1.3rem; font-weight: 600; margin: 0 0 .25rem; }
  .intro, .took, fieldset { color: var(--soft); font: 14px/1.5 ui-sans-serif, system-ui, sans-serif; }
  .intro { margin: 0 0 1.25rem; }
  fieldset { border: 1px solid var(--line); border-radius: .5rem; padding: .5rem .75rem .65rem; margin: 0 0 1.5rem; display: flex; flex-wrap: wrap; gap: .4rem; }
  legend { padding: 0 .35rem; }
  fieldset button { font: inherit; padding: .25rem .7rem; border: 1px solid var(--line); border-radius: 1rem; background: Canvas; color: CanvasText; cursor: pointer; }
  fieldset button[aria-pressed=true] { border-color: var(--accent); color: var(--accent); }
  article { margin: 0 0 1.5rem; }
  .you { font-weight: 600; margin: 0 0 .5rem; overflow-wrap: anywhere; }
  .answer { white-space: pre-wrap; overflow-wrap: anywhere; }
  .answer[aria-busy=true]::after { content: ""; display: inline-block; width: .5em; height: 1em; margin-left: .15em; vertical-align: -.15em; background: var(--accent); opacity: .6; }
  .problem { color: var(--accent); }
  .took { margin: .35rem 0 0; min-height: 1.5em; }
  form { position: fixed; inset: auto 0 0; background: Canvas; border-top: 1px solid var(--line); padding: .8rem 1.25rem 1rem; }
  form div { max-width: 44rem; margin: 0 auto; display: flex; gap: .6rem; }
  input { flex: 1; min-width: 0; font: inherit; padding: .55rem .8rem; border: 1px solid var(--line); border-radius: .5rem; background: var(--tint); color: CanvasText; }
  form button { font: 15px/1 ui-sans-serif, system-ui, sans-serif; padding: 0 1.1rem; border: 0; border-radius: .5rem; background: var(--accent); color: Canvas; cursor: pointer; }
  form button:disabled { opacity: .5; cursor: default; }
  :focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
</style>
</head>
<body>
<main>
  <h1>${title}</h1>
  <p class="intro">Ask something, and break Claude while it answers. The line below each answer says what it took.</p>
  <fieldset id="switches" hidden><legend>Break it</legend></fieldset>
  <div id="log" role="log" aria-live="polite"></div>
</main>
<form id="ask"><div>
  <input id="text" name="text" autocomplete="off" aria-label="Your message" placeholder="Ask about the harbour" maxlength="4000" required autofocus>
  <button>Send</button>
</div></form>
<script type="module">
const history = [];
const log = document.querySelector('#log');
const form = document.querySelector('#ask');
const input = document.querySelector('#text');
const button = form.querySelector('button');
const element = (name, attributes, parent) => { const made = Object.assign(document.createElement(name), attributes); parent?.append(made); return made; };

const switches = await (await fetch('/demo/switches')).json();
const bar = document.querySelector('#switches');
bar.hidden = switches.length === 0;
for (const { name, label } of switches) {
  const toggle = element('button', { type: 'button', textContent: label }, bar);
  toggle.dataset.switch = name;
  toggle.setAttribute('aria-pressed', 'false');
  toggle.addEventListener('click', async () => {
    await fetch('/demo/switches/' + name, { method: 'POST' });
    for (const other of bar.querySelectorAll('button')) other.setAttribute('aria-pressed', String(other === toggle));
  });
}

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  const text = input.value.trim();
  if (!text || button.disabled) return;
  input.value = '';
  button.disabled = true;
  history.push({ role: 'user', content: text });
  const entry = element('article', {}, log);
  element('p', { className: 'you', textContent: text }, entry);
  const answer = element('div', { className: 'answer' }, entry);
  const took = element('p', { className: 'took' }, entry);
  answer.setAttribute('aria-busy', 'true');
  try {
    const callId = await read(answer);
    history.push({ role: 'assistant', content: answer.textContent });
    if (callId) took.textContent = (await (await fetch('/demo/calls/' + encodeURIComponent(callId))).json()).summary;
  } catch (error) {
    history.pop();
    took.append(element('span', { className: 'problem', textContent: error.message }));
  }
  answer.removeAttribute('aria-busy');
  button.disabled = false;
  input.focus();
});

async function read(answer) {
  const response = await fetch('/chat', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ messages: history }) });
  if (!response.ok) {
    const problem = await response.json().catch(() => ({}));
    throw new Error((problem.detail ?? 'That did not work.') + (problem.retryAfterMs ? ' (in about ' + Math.ceil(problem.retryAfterMs / 1000) + ' s)' : ''));
  }
  let rest = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body) {
    rest += decoder.decode(chunk, { stream: true });
    const events = rest.split('\\n\\n');
    rest = events.pop();
    for (const event of events) {
      const data = /^data: (.*)$/m.exec(event)?.[1];
      if (!data) continue;
      const { type, delta, error } = JSON.parse(data);
      if (delta?.type === 'text_delta') answer.append(delta.text);
      if (type === 'error') throw new Error(error?.message ?? 'The answer broke off.');
    }
  }
  return response.headers.get('x-call-id');
}
</script>
</body>
</html>
`;
