import { describe, expect, it } from 'vitest';
import { adapt, type AdaptInput } from './adapt.ts';
import { defaultsOf, type TargetCapabilities, type TargetFacts, type TargetKind } from './target.ts';

type Json = Readonly<Record<string, unknown>>;

const model = 'claude-opus-5-5';
const other = 'claude-haiku-5-5';
const user = (content: unknown) => ({ role: 'user', content });
const assistant = (...content: Json[]) => ({ role: 'assistant', content });
const system = (content: unknown) => ({ role: 'system', content });
const text = (words: string) => ({ type: 'text', text: words });
const base = { model, max_tokens: 1_000, messages: [user('Hello')] };

const targetOf = (kind: TargetKind, change: Partial<TargetFacts> = {}): TargetFacts => ({
  name: 'there',
  kind,
  geo: null,
  weight: 1,
  models: {},
  ...defaultsOf(kind),
  ...change,
});
const unable = (...names: (keyof TargetCapabilities)[]): TargetFacts =>
  targetOf('gateway', {
    capabilities: { ...defaultsOf('gateway').capabilities, ...Object.fromEntries(names.map((name) => [name, false])) },
  });
const frozen = <T>(value: T): T => {
  if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(frozen);
  return value;
};
/** The same account and model unless told otherwise, and a body that must not be touched. */
const move = (body: Json, change: Partial<AdaptInput> = {}) =>
  adapt({
    body: frozen({ ...base, ...body }),
    betas: null,
    version: null,
    target: targetOf('anthropic'),
    model,
    originalModel: model,
    sameAccount: true,
    ...change,
  });
const moved = (body: Json, change: Partial<AdaptInput> = {}) => {
  const adapted = move(body, change);
  if (adapted.type === 'ineligible') throw new Error(adapted.reason);
  return adapted;
};
const reasonOf = (body: Json, change: Partial<AdaptInput> = {}): string | null => {
  const adapted = move(body, change);
  return adapted.type === 'ineligible' ? adapted.reason : null;
};

describe('a request that stays with its account and model', () => {
  it('stays as it is, whatever it holds', () => {
    const body = {
      speed: 'fast',
      temperature: 0.2,
      inference_geo: 'us',
      service_tier: 'auto',
      fallbacks: [{ model: other }],
      fallback_credit_token: 'credit',
      thread: { id: 'thread_1' },
      container: 'container_1',
      mcp_servers: [],
      tools: [{ type: 'web_search_20250305', name: 'web_search' }],
      output_config: { format: { type: 'json_schema' } },
      messages: [
        user([{ type: 'document', source: { type: 'file', file_id: 'file_1' } }]),
        assistant({ type: 'thinking', signature: 's' }, { type: 'tool_use', id: 't' }),
        user([{ type: 'tool_result', tool_use_id: 't' }]),
      ],
    };

    expect(move(body, { betas: 'a,b' })).toEqual({
      type: 'ok',
      body: { ...base, ...body },
      model,
      betas: null,
      version: null,
      dropped: [],
    });
  });

  it('is named as the target names its models', () => {
    const target = targetOf('anthropic', { models: { [model]: 'ours' } });

    expect(moved({}, { target })).toMatchObject({ model: 'ours', body: { ...base, model: 'ours' } });
  });

  it('is refused by a target that does not offer its model', () => {
    expect(reasonOf({}, { target: targetOf('anthropic', { models: () => null }) })).toBe(`model ${model} is not offered`);
  });
});

describe('what the platform does not know and the answer does not need', () => {
  it.each<[keyof TargetCapabilities, string]>([
    ['inferenceGeo', 'inference_geo'],
    ['speed', 'speed'],
    ['fallbacks', 'fallbacks'],
  ])('without %s, %s is dropped and named', (capability, field) => {
    const { body, dropped } = moved({ [field]: 'x' }, { target: unable(capability) });

    expect(body).toEqual(base);
    expect(dropped).toEqual([field]);
    expect(moved({}, { target: unable(capability) }).dropped).toEqual([]);
  });

  it.each<[string, Partial<AdaptInput>, boolean]>([
    ['stays with its account and model', {}, true],
    ['is worth nothing to another account', { sameAccount: false }, false],
    ['is worth nothing for another model', { model: other }, false],
  ])('a credit for fallbacks %s', (_, change, stays) => {
    const { body, dropped } = moved({ fallback_credit_token: 'credit' }, change);

    expect('fallback_credit_token' in body).toBe(stays);
    expect(dropped).toEqual(stays ? [] : ['fallback_credit_token']);
  });

  it.each<[string, Partial<AdaptInput>, boolean]>([
    ['stays with its account', { target: targetOf('gateway') }, true],
    ['is known to every account at Anthropic', { sameAccount: false }, true],
    ['is unknown to another account elsewhere', { sameAccount: false, target: targetOf('gateway') }, false],
  ])('a service tier %s', (_, change, stays) => {
    const { body, dropped } = moved({ service_tier: 'auto' }, change);

    expect('service_tier' in body).toBe(stays);
    expect(dropped).toEqual(stays ? [] : ['service_tier']);
  });

  it.each<[string, string | null, TargetFacts, string | null, string[]]>([
    ['are sent where they are known', 'a,b', targetOf('gateway'), null, []],
    ['are left out where they are not', 'a,b', unable('betas'), '', ['anthropic-beta']],
    ['are not missed where there were none', null, unable('betas'), null, []],
  ])('beta names %s', (_, betas, target, expected, dropped) => {
    expect(moved({}, { betas, target })).toMatchObject({ betas: expected, dropped });
  });
});

describe('what would change the meaning of the answer', () => {
  const elsewhere = { sameAccount: false };
  const threads = 'message threads stay where their history is';
  const files = 'files belong to an account';
  const image = (type: string) => user([text('Look:'), { type: 'image', source: { type } }]);
  const rows: [what: string, body: Json, change: Partial<AdaptInput>, expected: string | null][] = [
    ['a thread stays with its account', { thread: {} }, elsewhere, threads],
    ['a thread needs a platform with threads', { thread: {} }, { target: unable('threads') }, threads],
    ['without a thread, none is needed', {}, { target: unable('threads') }, null],
    ['a container stays with its account', { container: 'c' }, elsewhere, 'containers belong to an account'],
    ['without a container, any account will do', {}, elsewhere, null],

    ['MCP servers need server tools', { mcp_servers: [] }, { target: unable('serverTools') }, 'no server tools'],
    ['no tools need none', {}, { target: unable('serverTools') }, null],

    ['output_format', { output_format: {} }, { target: unable('structuredOutput') }, 'no structured output'],
    ['a format', { output_config: { format: {} } }, { target: unable('structuredOutput') }, 'no structured output'],
    ['an effort is no format', { output_config: { effort: 'low' } }, { target: unable('structuredOutput') }, null],
    ['no format is needed', {}, { target: unable('structuredOutput') }, null],

    ['a file stays with its account', { messages: [image('file')] }, elsewhere, files],
    ['a file needs a platform with files', { messages: [image('file')] }, { target: unable('files') }, files],
    ['an upload is a file', { messages: [user([{ type: 'container_upload', file_id: 'f' }])] }, elsewhere, files],
    ['an address needs a platform that fetches', { messages: [image('url')] }, { target: unable('urlSources') }, 'no sources by URL'],
    ['an address is fetched for any account', { messages: [image('url')] }, elsewhere, null],
    ['data goes anywhere', { messages: [image('base64')] }, { ...elsewhere, target: unable('files', 'urlSources') }, null],
    [
      'a file within the result of a tool is one too',
      { messages: [user([{ type: 'tool_result', content: [{ type: 'image', source: { type: 'file' } }] }])] },
      elsewhere,
      files,
    ],
    [
      'an address within a document is one too',
      { messages: [user([{ type: 'document', source: { type: 'content', content: [{ type: 'image', source: { type: 'url' } }] } }])] },
      { target: unable('urlSources') },
      'no sources by URL',
    ],
    ['the words that a search found have no source', { messages: [user([{ type: 'search_result', source: 'url' }])] }, elsewhere, null],
    ['a body without messages has no files', { messages: undefined }, elsewhere, null],
  ];
  it.each(rows)('%s', (_, body, change, expected) => {
    expect(reasonOf(body, change)).toBe(expected);
  });

  it.each([
    ['web_search_20250305', true],
    ['web_fetch_20250910', true],
    ['code_execution_20250825', true],
    ['tool_search_tool_regex_20251119', true],
    ['advisor_20260301', true],
    ['mcp_toolset', true],
    ['custom', false],
    [undefined, false],
    ['bash_20250124', false],
    ['text_editor_20250728', false],
    ['memory_20250818', false],
    ['computer_20251124', false],
    ['my_web_search', false],
  ])('a tool of type %s runs on the platform: %s', (type, expected) => {
    const tools = [
      { name: 'mine', input_schema: {} },
      { ...(type && { type }), name: 'tool' },
    ];

    expect(reasonOf({ tools }, { target: unable('serverTools') })).toBe(expected ? 'no server tools' : null);
    expect(reasonOf({ tools })).toBeNull();
  });
});

describe('a request that makes no sense', () => {
  it.each<[string, Json]>([
    ['tools', { tools: [null, 'web_search', { type: { toString: 1 } }, { type: null }] }],
    ['a list of tools', { tools: 'web_search' }],
    ['an output', { output_config: null }],
    ['messages', { messages: [null, 'Hello', user(null), user([null, 'file', { type: 'image', source: 'file' }])] }],
    ['turns', { messages: [{ role: 'assistant', content: [null, 'thinking'] }, user([null, 'tool_result'])] }],
    ['a conversation', { messages: 'Hello' }],
  ])('for its %s is for the upstream to refuse', (_, body) => {
    const target = unable('serverTools', 'structuredOutput', 'files', 'urlSources');

    expect(moved(body, { target, model: other, sameAccount: false })).toMatchObject({
      body: { ...base, ...body, model: other },
      dropped: [],
    });
  });
});

describe('thinking, which its signature binds to model and account', () => {
  const thinking = { type: 'thinking', thinking: '…', signature: 's' };
  const redacted = { type: 'redacted_thinking', data: 'x' };
  const call = { type: 'tool_use', id: 't', name: 'tool', input: {} };
  const result = user([text('Here:'), { type: 'tool_result', tool_use_id: 't', content: 'done' }]);
  const refusal = 'thinking of an unfinished tool turn cannot move to another account or model';

  it.each<[string, Partial<AdaptInput>]>([
    ['another model', { model: other }],
    ['another account', { sameAccount: false }],
  ])('of finished turns stays behind when the request goes to %s', (_, change) => {
    const plain = [user('One'), { role: 'assistant', content: 'Un.' }, user([text('Two')])];
    const messages = [
      ...plain,
      assistant(thinking, text('Deux.')),
      user('Three'),
      assistant(redacted, thinking),
      assistant(text('Trois.')),
      user('Four'),
    ];

    const { body, dropped } = moved({ messages }, change);

    expect(body['messages']).toEqual([...plain, assistant(text('Deux.')), user('Three'), assistant(text('Trois.')), user('Four')]);
    expect(dropped).toEqual(['thinking of earlier turns']);
  });

  it('is not missed where there is none', () => {
    expect(moved({ messages: [user('One'), assistant(text('Un.')), user('Two')] }, { sameAccount: false }).dropped).toEqual([]);
    expect(moved({ messages: undefined }, { sameAccount: false }).dropped).toEqual([]);
    expect(moved({ messages: [] }, { sameAccount: false }).dropped).toEqual([]);
  });

  const before = [user('One'), assistant(thinking, text('Un.')), user('Two')];
  it.each<[string, Json[], string | null]>([
    ['cannot, while the tools of the turn are answered', [...before, assistant(thinking, call), result], refusal],
    ['nor in a later round of tools', [...before, assistant(thinking, call), result, assistant(call), result], refusal],
    ['nor in a turn that begins the conversation', [assistant(thinking, call), result], refusal],
    ['is free again when the turn is over', [...before, assistant(thinking, call), result, assistant(text('Deux.')), user('Three')], null],
    ['is free when the next turn is asked in blocks', [...before, assistant(thinking, text('Deux.')), user([text('Three')])], null],
    ['is free when the answer has begun', [...before, assistant(thinking, call), result, assistant(text('Deux'))], null],
    ['nor when instructions follow the results', [...before, assistant(thinking, call), result, system('Be brief.')], refusal],
    ['nor when more is asked right behind the results', [...before, assistant(thinking, call), result, user('And?')], refusal],
    [
      'nor when instructions stand between two rounds of tools',
      [...before, assistant(thinking, call), result, system('Be brief.'), assistant(call), result],
      refusal,
    ],
    [
      'is free when instructions follow the next turn',
      [...before, assistant(thinking, text('Deux.')), user('Three'), system('Be brief.')],
      null,
    ],
    ['was not in the open turn', [...before, assistant(call), result], null],
    ['was only before another user turn', [...before, assistant(thinking, call), result, user('Wait'), assistant(call), result], null],
  ])('%s', (_, messages, expected) => {
    expect(reasonOf({ messages }, { model: other })).toBe(expected);
    expect(reasonOf({ messages }, { sameAccount: false })).toBe(expected);
    expect(reasonOf({ messages })).toBeNull();
  });
});

describe('instructions within the conversation', () => {
  const older = 'claude-haiku-4-5';
  const talk = [
    user('One'),
    system('Answer in French.'),
    assistant(text('Un.')),
    user('Two'),
    system([{ ...text('Answer in Welsh.'), cache_control: { type: 'ephemeral' } }]),
  ];
  const hoisted = [text('Answer in French.'), text('Answer in Welsh.')];

  it('stay where they are for models and platforms that take them, and for models that nobody knows', () => {
    expect(moved({ messages: talk }, { model: other, sameAccount: false })).toMatchObject({ body: { messages: talk }, dropped: [] });
    expect(moved({ messages: talk }, { sameAccount: false, target: targetOf('aws') }).body['messages']).toEqual(talk);
    expect(moved({ messages: talk }, { model: 'production' }).body['messages']).toEqual(talk);
  });

  it.each<[string, Partial<AdaptInput>]>([
    ['a model before Opus 4.8', { model: older }],
    ['a platform without them', { sameAccount: false, target: targetOf('vertex') }],
    [
      'a platform’s own name for such a model',
      { sameAccount: false, target: targetOf('bedrock', { models: { [model]: 'us.anthropic.claude-haiku-4-5-20251001-v1:0' } }) },
    ],
  ])('end the system prompt, in their order and without marks for the cache, at %s', (_, change) => {
    const { body, dropped } = moved({ messages: talk }, change);

    expect(body['system']).toEqual(hoisted);
    expect(body['messages']).toEqual([user('One'), assistant(text('Un.')), user('Two')]);
    expect(dropped).toContain('the place of system messages');
  });

  it.each<[string, unknown, Json[]]>([
    ['words', 'Be kind.', [text('Be kind.')]],
    [
      'blocks',
      [{ ...text('Be kind.'), cache_control: { type: 'ephemeral' } }],
      [{ ...text('Be kind.'), cache_control: { type: 'ephemeral' } }],
    ],
    ['nothing', null, []],
  ])('follow a system prompt of %s', (_, prompt, before) => {
    expect(moved({ system: prompt, messages: talk }, { model: older }).body['system']).toEqual([...before, ...hoisted]);
  });

  it('that change the tools stay where they are understood', () => {
    const messages = [user('One'), system([{ type: 'tool_removal', name: 'bash' }])];

    expect(reasonOf({ messages }, { model: older })).toBe('no changes of tools within a conversation');
    expect(reasonOf({ messages }, { model: other })).toBeNull();
  });
});

describe('the version of the API', () => {
  it('the caller chose comes along to another account, and the first target says it by itself', () => {
    expect(moved({ temperature: 0 }, { version: '2023-06-01', sameAccount: false })).toMatchObject({ version: '2023-06-01', dropped: [] });
    expect(moved({ temperature: 0 }, { version: '2023-06-01' }).version).toBeNull();
  });

  it('must be one that the target knows', () => {
    expect(reasonOf({}, { version: '2023-01-01', sameAccount: false, target: targetOf('bedrock') })).toBe('no API version 2023-01-01');
    expect(reasonOf({}, { version: '2023-01-01', target: targetOf('bedrock') })).toBeNull();
  });

  it('is the one that the model takes there, by the platform’s own name for it if that says more', () => {
    const there = (id: string) => moved({}, { sameAccount: false, target: targetOf('bedrock', { models: { [model]: id } }) }).version;

    expect(there('us.anthropic.claude-haiku-4-5-20251001-v1:0')).toBe('bedrock-2023-05-31');
    expect(there('arn:aws:bedrock:us-east-1:1:application-inference-profile/x')).toBeNull();
  });
});

describe('what it costs', () => {
  it('a conversation is walked once, whatever is looked at', () => {
    let walks = 0;
    const content = new Proxy([text('Hello')], {
      get(blocks, name, self) {
        if (name === Symbol.iterator) walks += 1;
        return Reflect.get(blocks, name, self) as unknown;
      },
    });
    const body = { ...base, messages: [{ role: 'user', content }] };
    const look = (target: TargetFacts, to: string) =>
      adapt({ body, betas: null, version: null, target, model: to, originalModel: model, sameAccount: false });

    look(targetOf('anthropic'), other);
    const once = walks;
    for (const kind of ['anthropic', 'aws', 'vertex'] as const) for (const to of [model, other]) look(targetOf(kind), to);

    expect(once).toBeGreaterThan(0);
    expect(walks).toBe(once);
  });

  it('what need not change is shared, not copied', () => {
    const messages = [user('One'), assistant(text('Un.')), user('Two')];

    expect(moved({ messages }, { model: other, sameAccount: false, target: targetOf('vertex') }).body['messages']).toBe(messages);
  });

  it('content in any depth is read', () => {
    let deep: Json = { type: 'image', source: { type: 'file' } };
    for (let depth = 0; depth < 20_000; depth += 1) deep = { type: 'tool_result', content: [deep] };

    const adapted = adapt({
      body: { ...base, messages: [user([deep])] },
      betas: null,
      version: null,
      target: targetOf('anthropic'),
      model: other,
      originalModel: model,
      sameAccount: false,
    });

    expect(adapted).toEqual({ type: 'ineligible', reason: 'files belong to an account' });
  });
});

describe('a request for another model', () => {
  it('is fitted to it, and all that was left out is named', () => {
    const body = { temperature: 0.2, service_tier: 'auto' };

    const adapted = moved(body, { model: other, sameAccount: false, target: targetOf('vertex', { models: { [other]: 'haiku' } }) });

    expect(adapted).toEqual({
      type: 'ok',
      body: { ...base, model: 'haiku' },
      model: 'haiku',
      betas: null,
      version: null,
      dropped: ['service_tier', 'temperature'],
    });
  });

  it('is refused where the model is unfit for it', () => {
    expect(reasonOf({ tool_choice: { type: 'any' } }, { model: 'claude-sonnet-5-5' })).toBe(
      'claude-sonnet-5-5 cannot be made to use a tool',
    );
  });
});
